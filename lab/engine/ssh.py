"""One SSH connection with one command on it, with the error texts of the Go client.

The vendor's plug-in is written in Go; its users see (and this project's tests compare) the
texts of Go's ``net`` and ``golang.org/x/crypto/ssh``. This module gives the same texts.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import hmac
import io
import os
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko import agent as paramiko_agent
from paramiko import common as numbers
from paramiko.channel import Channel

STDOUT, STDERR = 0, 1
AGENT_VARIABLE = "SSH_AUTH_SOCK"
SIGNALS = {
    "ABRT": 6, "ALRM": 14, "FPE": 8, "HUP": 1, "ILL": 4, "INT": 2, "KILL": 9, "PIPE": 13,
    "QUIT": 3, "SEGV": 11, "TERM": 15,
}  # fmt: skip
RETRY_FIRST, RETRY_FACTOR, RETRY_MAX = 0.1, 1.5, 5.0


class CommandError(Exception):
    """An error whose text is what the vendor's plug-in says."""


class DialError(CommandError):
    """A dial that failed and may be tried again."""


@dataclass(frozen=True)
class Result:
    """What a command wrote, and the texts of both streams in the order of their arrival."""

    stdout: bytes
    stderr: bytes
    both: bytes
    error: str | None


def _events(channel: Any) -> queue.Queue[tuple[int, bytes] | None]:
    events: queue.Queue[tuple[int, bytes] | None] = channel.__dict__.setdefault(
        "mx_events", queue.Queue()
    )
    return events


def _peek(message: Any) -> Any:
    """A second reader of the same message, so that the library's own is not moved."""
    copy = paramiko.Message(message.packet.getvalue())
    copy.packet.seek(message.packet.tell())
    return copy


def _data(channel: Any, message: Any) -> None:
    data = _peek(message).get_binary()
    Channel._feed(channel, message)  # type: ignore[attr-defined]
    _events(channel).put((STDOUT, data))


def _extended(channel: Any, message: Any) -> None:
    copy = _peek(message)
    kind, data = copy.get_int(), copy.get_binary()
    Channel._feed_extended(channel, message)  # type: ignore[attr-defined]
    if kind == 1:
        _events(channel).put((STDERR, data))


def _request(channel: Any, message: Any) -> None:
    copy = _peek(message)
    if copy.get_text() == "exit-signal":
        copy.get_boolean()
        name = copy.get_text()
        copy.get_boolean()
        channel.__dict__["mx_signal"] = (name, copy.get_text())
    Channel._handle_request(channel, message)  # type: ignore[attr-defined]


def _refused(channel: Any, message: Any) -> None:
    # The library closes a channel on any refusal; a refused variable must leave it open.
    if channel.__dict__.get("mx_asking"):
        channel.__dict__["mx_refused"] = True
        channel.event_ready = True
        channel.event.set()
    else:
        Channel._request_failed(channel, message)  # type: ignore[attr-defined]


def _close(channel: Any, message: Any) -> None:
    Channel._handle_close(channel, message)  # type: ignore[attr-defined]
    _events(channel).put(None)


class _Transport(paramiko.Transport):
    """A transport that keeps the order of the two output streams and the exit signal."""

    _channel_handler_table = {  # noqa: RUF012 -- the parent's attribute
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        numbers.MSG_CHANNEL_DATA: _data,
        numbers.MSG_CHANNEL_EXTENDED_DATA: _extended,
        numbers.MSG_CHANNEL_REQUEST: _request,
        numbers.MSG_CHANNEL_FAILURE: _refused,
        numbers.MSG_CHANNEL_CLOSE: _close,
    }


class _Agent(paramiko_agent.AgentSSH):
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


class _Login:
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
        self.agent = _Agent(path) if path else None

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
        transport = _Transport(connection)
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


class Connection:
    """A dialed connection; :meth:`run` runs one command on it."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        cancelled: threading.Event,
        retrying: Callable[[int, int], None],
    ) -> None:
        self._open: list[Any] = []
        limit = settings.get("dialErrorLimit")
        limit = 10 if limit is None else int(limit)
        login = _Login(settings)
        proxy = settings.get("proxy")
        gate = None if proxy is None else _Login(proxy)
        try:
            self._transport = self._dial(login, gate, limit, cancelled, retrying)
        except CommandError:
            self.close()
            raise
        finally:
            login.close()
            if gate is not None:
                gate.close()

    def _dial(
        self,
        login: _Login,
        gate: _Login | None,
        limit: int,
        cancelled: threading.Event,
        retrying: Callable[[int, int], None],
    ) -> Any:
        pause, dials = RETRY_FIRST, 0
        while True:
            try:
                return self._dial_once(login, gate)
            except DialError as error:
                self.close()
                dials += 1
                if limit >= 0 and dials >= limit:
                    raise CommandError(f"after {dials} failed attempts: {error}") from error
            retrying(dials, limit)
            if cancelled.wait(pause):
                raise CommandError("context canceled")
            pause = min(pause * RETRY_FACTOR, RETRY_MAX)

    def _dial_once(self, login: _Login, gate: _Login | None) -> Any:
        if gate is None:
            transport = login.handshake(login.tcp())
        else:
            outer = gate.handshake(gate.tcp())
            self._open.append(outer)
            try:
                inner = outer.open_channel(
                    "direct-tcpip",
                    (login.host, login.port),
                    ("127.0.0.1", 0),
                    timeout=login.timeout,
                )
            except paramiko.ChannelException as error:
                text = f"ssh: rejected: connect failed ({error.text})"
                raise DialError(text) from error
            except paramiko.SSHException as error:
                raise DialError(str(error)) from error
            transport = login.handshake(inner)
        self._open.append(transport)
        return transport

    def session(self) -> Any:
        """A session channel."""
        try:
            return self._transport.open_session()
        except (paramiko.SSHException, EOFError) as error:
            raise CommandError(str(error) or "EOF") from error

    def sftp(self) -> paramiko.SFTPClient:
        """A client of the host's SFTP server."""
        try:
            client = paramiko.SFTPClient.from_transport(self._transport)
        except (paramiko.SSHException, EOFError) as error:
            raise CommandError(str(error) or "EOF") from error
        if client is None:
            raise CommandError("EOF")
        return client

    def setenv(self, channel: Any, name: str, value: str) -> bool:
        """Ask for a variable and wait for the answer; false is a refusal.

        The library's own method asks for no answer, which would hide the refusal.
        """
        message = paramiko.Message()
        message.add_byte(numbers.cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("env")
        message.add_boolean(True)
        message.add_string(name)
        message.add_string(value)
        channel.__dict__["mx_asking"] = True
        try:
            channel._event_pending()
            self._transport._send_user_message(message)
            channel._wait_for_event()
        except (paramiko.SSHException, EOFError) as error:
            raise CommandError(str(error) or "EOF") from error
        finally:
            channel.__dict__["mx_asking"] = False
        return not channel.__dict__.pop("mx_refused", False)

    def run(
        self, channel: Any, command: str, stdin: str, sink: Callable[[int, bytes], None]
    ) -> Result:
        """Run the command, feed it, and hand each piece of output to the sink as it comes."""
        try:
            channel.exec_command(command)
        except (paramiko.SSHException, EOFError) as error:
            raise CommandError(f"ssh: command {command} failed") from error
        threading.Thread(target=_feed_stdin, args=(channel, stdin.encode()), daemon=True).start()
        parts: tuple[list[bytes], list[bytes]] = ([], [])
        both: list[bytes] = []
        events = _events(channel)
        while True:
            try:
                event = events.get(timeout=1)
            except queue.Empty:
                if self._transport.is_active() and not channel.closed:
                    continue
                event = None
            if event is None:
                break
            stream, data = event
            self._drain(channel, stream, len(data))
            parts[stream].append(data)
            both.append(data)
            sink(stream, data)
        return Result(
            b"".join(parts[STDOUT]), b"".join(parts[STDERR]), b"".join(both), _exit_error(channel)
        )

    @staticmethod
    def _drain(channel: Any, stream: int, size: int) -> None:
        """Take the bytes out of the library's buffer, so that the window opens again."""
        read = channel.recv if stream == STDOUT else channel.recv_stderr
        while size > 0:
            data = read(size)
            if not data:
                return
            size -= len(data)

    def close(self) -> None:
        """Close every transport, the inner one first."""
        while self._open:
            self._open.pop().close()


def _feed_stdin(channel: Any, data: bytes) -> None:
    # A command may end before it has read everything; the original ignores that too.
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.sendall(data)
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.shutdown_write()


def _exit_error(channel: Any) -> str | None:
    signal = channel.__dict__.get("mx_signal")
    if signal is not None:
        name, reason = signal
        text = f"Process exited with status {128 + SIGNALS.get(name, 0)} from signal {name}"
        return f"{text}. Reason was: {reason}" if reason else text
    if not channel.exit_status_ready() or channel.exit_status == -1:
        return "wait: remote command exited without exit status or exit signal"
    status = channel.recv_exit_status()
    return None if status == 0 else f"Process exited with status {status}"
