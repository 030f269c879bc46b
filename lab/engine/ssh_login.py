"""Logging in on a host: keys, agents and passwords, and the errors of dial and handshake."""

from __future__ import annotations

import base64
import binascii
import errno
import hmac
import io
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import paramiko
from paramiko import agent as paramiko_agent

from lab.engine.command_result import CommandError, DialError
from lab.engine.ssh_channel import Transport

AGENT_VARIABLE = "SSH_AUTH_SOCK"


class Agent(paramiko_agent.AgentSSH):
    """An SSH agent at a socket path."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            text = os.strerror(error.errno or 0).lower()
            raise CommandError(f"dial unix {path}: connect: {text}") from error
        self._connect(self._socket)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the connection to the agent."""
        self._socket.close()


def _private_key(text: str, password: str | None) -> Any:
    kinds = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
    for kind in kinds:
        try:
            return kind.from_private_key(io.StringIO(text), password=password)
        except paramiko.PasswordRequiredException as error:
            raise CommandError("ssh: this private key is passphrase protected") from error
        except (paramiko.SSHException, ValueError, IndexError, binascii.Error):
            continue
    raise CommandError(
        "ssh: no key found" if password is None else "x509: decryption password incorrect"
    )


def _host_key(text: str) -> tuple[str, bytes]:
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 2 and not line.startswith("#"):
            try:
                return fields[0], base64.b64decode(fields[1], validate=True)
            except binascii.Error:
                continue
    raise CommandError("ssh: no key found")


class Login:
    """The keys of one ``connection``, read before the first dial as the original does."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.host = str(settings.get("host") or "")
        self.port = int(settings.get("port") or 22)
        self.user = str(settings.get("user") or "root")
        self.timeout = float(settings.get("perDialTimeout") or 15)
        self.password: str | None = settings.get("password")
        key = settings.get("privateKey")
        self.key = None if key is None else _private_key(key, settings.get("privateKeyPassword"))
        host_key = settings.get("hostKey")
        self.host_key = None if host_key is None else _host_key(host_key)
        path = settings.get("agentSocketPath") or os.environ.get(AGENT_VARIABLE)
        self.agent = Agent(path) if path else None

    @property
    def address(self) -> str:
        """Host and port as Go joins them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def tcp(self) -> socket.socket:
        """A TCP connection to the host."""
        try:
            connection = socket.create_connection(
                (self.host or "localhost", self.port), timeout=self.timeout
            )
        except TimeoutError as error:
            raise DialError(f"dial tcp {self.address}: i/o timeout") from error
        except socket.gaierror as error:
            raise DialError(f"dial tcp: lookup {self.host}: no such host") from error
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                raise DialError(f"dial tcp {self.address}: i/o timeout") from error
            text = os.strerror(error.errno or 0).lower()
            raise DialError(f"dial tcp {self.address}: connect: {text}") from error
        connection.settimeout(None)
        return connection

    def handshake(self, connection: Any) -> Any:
        """Key exchange and authentication over a connection that is there."""
        transport = Transport(connection)
        try:
            self._negotiate(transport)
            self._authenticate(transport)
        except CommandError:
            transport.close()
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            transport.close()
            text = str(error)
            if isinstance(error, EOFError) or not text or "protocol banner" in text:
                text = "EOF"
            raise DialError(f"ssh: handshake failed: {text}") from error
        return transport

    def _negotiate(self, transport: Any) -> None:
        if self.host_key is not None:
            name = self.host_key[0]
            if name == "ssh-rsa":
                # Go's client offers SHA-1 alone for it, with which no OpenSSH since 8.8 signs.
                raise DialError(
                    "ssh: handshake failed: ssh: no common algorithm for host key; "
                    "we offered: [ssh-rsa]"
                )
            options = transport.get_security_options()
            if name not in options.key_types:
                raise CommandError(f"ssh: unsupported host key algorithm {name}")
            options.key_types = (name,)
        transport.start_client(timeout=max(self.timeout, 15))
        if self.host_key is not None:
            seen = transport.get_remote_server_key().asbytes()
            if not hmac.compare_digest(seen, self.host_key[1]):
                raise DialError("ssh: handshake failed: ssh: host key mismatch")

    def _authenticate(self, transport: Any) -> None:
        tried = ["none"]
        try:
            transport.auth_none(self.user)
            return
        except paramiko.BadAuthenticationType as error:
            allowed = list(error.allowed_types)
        steps: list[tuple[str, Callable[[], None]]] = []
        if self.key is not None:
            steps.append(("publickey", lambda: transport.auth_publickey(self.user, self.key)))
        elif self.agent is not None:
            steps.append(("publickey", lambda: self._agent_keys(transport)))
        if self.password is not None:
            word = self.password
            steps.append(
                ("password", lambda: transport.auth_password(self.user, word, fallback=False))
            )
            steps.append(
                (
                    "keyboard-interactive",
                    lambda: transport.auth_interactive(
                        self.user, lambda _title, _text, fields: [word] * len(fields)
                    ),
                )
            )
        for name, step in steps:
            if name not in allowed:
                continue
            tried.append(name)
            try:
                step()
            except paramiko.BadAuthenticationType as error:
                allowed = list(error.allowed_types)
            except paramiko.AuthenticationException:
                continue
            if transport.is_authenticated():
                return
        methods = " ".join(tried)
        raise DialError(
            "ssh: handshake failed: ssh: unable to authenticate, "
            f"attempted methods [{methods}], no supported methods remain"
        )

    def _agent_keys(self, transport: Any) -> None:
        assert self.agent is not None  # noqa: S101 -- for the type checker
        for key in self.agent.get_keys():
            try:
                transport.auth_publickey(self.user, key)
            except paramiko.AuthenticationException:
                continue
            return
        raise paramiko.AuthenticationException("no key of the agent was taken")

    def close(self) -> None:
        """Close the connection to the agent, if there is one."""
        if self.agent is not None:
            self.agent.close()
