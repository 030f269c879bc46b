"""Logging in on a host: keys, agents and passwords, and the errors of dial and handshake."""

from __future__ import annotations

import errno
import hmac
import os
import re
import socket
from collections.abc import Callable, Mapping
from typing import Any

import paramiko
from paramiko import agent as paramiko_agent

from lab.engine.command_result import CommandError, DialError
from lab.engine.ssh_channel import Transport
from lab.engine.ssh_keys import host_key, private_key

AGENT_VARIABLE = "SSH_AUTH_SOCK"
# A second of perDialTimeout, in seconds.
SECOND = 1.0
# What Go takes for a name that is worth asking for.
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_RESET = ("Connection reset by peer", "Incompatible version")


class Agent(paramiko_agent.AgentSSH):
    """An SSH agent at a socket path."""

    def __init__(self, path: str) -> None:
        super().__init__()
        if not path:
            raise CommandError("dial unix: missing address")
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


class Login:
    """The keys of one ``connection``, read before the first dial as the original does."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.host = str(settings.get("host") or "")
        self.port = int(settings.get("port", 22))
        self.user = str(settings.get("user", "root"))
        limit = settings.get("dialErrorLimit")
        self.limit = 10 if limit is None else int(limit)
        timeout = settings.get("perDialTimeout")
        self.timeout = SECOND * float(15 if timeout is None else timeout)
        self.password: str | None = settings.get("password")
        key = settings.get("privateKey")
        self.key = None if key is None else private_key(key, settings.get("privateKeyPassword"))
        path = settings.get("agentSocketPath")
        if path is None:
            path = os.environ.get(AGENT_VARIABLE) or None
        self.agent = None if path is None else Agent(path)
        text = settings.get("hostKey")
        self.host_key = None if text is None else host_key(text)

    @property
    def address(self) -> str:
        """Host and port as Go joins them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def tcp(self) -> socket.socket:
        """A TCP connection to the host. Raises DialError."""
        if self.host.startswith("["):
            raise DialError(f"dial tcp: address [{self.host}]:{self.port}: missing port in address")
        if not 0 <= self.port <= 65535:
            raise DialError(f"dial tcp: address {self.port}: invalid port")
        if self.timeout < 0:
            raise DialError(f"dial tcp {self.address}: i/o timeout")
        if not self._is_name_or_address():
            raise DialError(f"dial tcp: lookup {self.host}: no such host")
        try:
            # No host is this one.
            place = (self.host or "127.0.0.1", self.port)
            connection = socket.create_connection(place, timeout=self.timeout or None)
        except TimeoutError as error:
            raise DialError(f"dial tcp {self.address}: i/o timeout") from error
        except socket.gaierror as error:
            later = error.errno == socket.EAI_AGAIN
            text = "Temporary failure in name resolution" if later else "no such host"
            raise DialError(f"dial tcp: lookup {self.host}: {text}") from error
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                raise DialError(f"dial tcp {self.address}: i/o timeout") from error
            text = os.strerror(error.errno or 0).lower()
            raise DialError(f"dial tcp {self.address}: connect: {text}") from error
        connection.settimeout(None)
        return connection

    def _is_name_or_address(self) -> bool:
        if not self.host or _NAME.fullmatch(self.host):
            return True
        try:
            socket.inet_pton(socket.AF_INET6, self.host.partition("%")[0])
        except OSError:
            return False
        return True

    def handshake(self, connection: Any) -> Any:
        """Key exchange and authentication over a connection that is there. Raises DialError."""
        local = connection.getsockname() if isinstance(connection, socket.socket) else ("", 0)
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
            if any(words in text for words in _RESET):
                there = f"{local[0]}:{local[1]}->{self.address}"
                raise DialError(
                    f"ssh: handshake failed: read tcp {there}: read: connection reset by peer"
                ) from error
            if isinstance(error, EOFError) or not text or "protocol banner" in text:
                text = "EOF"
            raise DialError(f"ssh: handshake failed: {text}") from error
        return transport

    def _negotiate(self, transport: Any) -> None:
        if self.host_key is not None:
            name = self.host_key[0]
            options = transport.get_security_options()
            if name in options.key_types:
                options.key_types = (name,)
        try:
            transport.start_client(timeout=max(self.timeout, 15))
        except paramiko.ssh_exception.IncompatiblePeer:
            if self.host_key is None or self.host_key[0] in transport.offered:
                raise
        if self.host_key is not None and self.host_key[0] not in transport.offered:
            # Of an RSA key Go's client offers SHA-1 alone, with which no OpenSSH since 8.8 signs.
            raise DialError(
                "ssh: handshake failed: ssh: no common algorithm for host key; we offered: "
                f"[{self.host_key[0]}], peer offered: [{' '.join(transport.offered)}]"
            )
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
        if self.agent is not None:
            steps.append(("publickey", lambda: self._agent_keys(transport)))
        for name, step in steps:
            # Each method once: beside a key no agent is asked.
            if name not in allowed or name in tried:
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
