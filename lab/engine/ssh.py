"""One SSH connection with one command on it, with the error texts of the Go client.

The vendor's plug-in is written in Go; its users see (and this project's tests compare) the
texts of Go's ``net`` and ``golang.org/x/crypto/ssh``. This module gives the same texts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import paramiko
from paramiko import common as numbers

from lab.engine import ssh_channel
from lab.engine.command_result import CommandError, DialError, Result
from lab.engine.ssh_login import Login

RETRY_FIRST, RETRY_FACTOR, RETRY_MAX = 0.1, 1.5, 5.0


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
        login = Login(settings)
        proxy = settings.get("proxy")
        gate = None if proxy is None else Login(proxy)
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
        login: Login,
        gate: Login | None,
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

    def _dial_once(self, login: Login, gate: Login | None) -> Any:
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
        return ssh_channel.run(self._transport, channel, command, stdin, sink)

    def close(self) -> None:
        """Close every transport, the inner one first."""
        while self._open:
            self._open.pop().close()
