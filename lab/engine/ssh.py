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

# By the code of a refusal (RFC 4254 section 5.1).
_REFUSALS = {
    1: "administratively prohibited",
    2: "connect failed",
    3: "unknown channel type",
    4: "resource shortage",
}


def _channel(outer: Any, login: Login) -> Any:
    """A connection from the proxy to the host. Raises DialError."""
    try:
        return outer.open_channel(
            "direct-tcpip", (login.host, login.port), ("127.0.0.1", 0), timeout=login.timeout
        )
    except paramiko.ChannelException as error:
        code, words = outer.rejected
        refusal = _REFUSALS.get(code, f"unknown reason {code}")
        raise DialError(f"ssh: rejected: {refusal} ({words})") from error
    except paramiko.SSHException as error:
        raise DialError(str(error)) from error


class Connection:
    """A dialed connection; :meth:`run` runs one command on it."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        cancelled: threading.Event,
        retrying: Callable[[str, int, int], None],
    ) -> None:
        """Dial. `retrying` gets what failed, how often it did, and the limit; negative: none."""
        self._open: list[Any] = []
        self._cancelled, self._retrying = cancelled, retrying
        logins = [Login(settings)]
        proxy = settings.get("proxy")
        try:
            if proxy is None:
                self._dial(logins[0])
            else:
                self._dial_through(logins, proxy)
        except CommandError:
            self.close()
            raise
        finally:
            for login in logins:
                login.close()

    def _dial(self, login: Login, what: str = "Dial") -> None:
        self._open.append(self._until(what, login.limit, lambda: login.handshake(login.tcp())))

    def _dial_through(self, logins: list[Login], proxy: Mapping[str, Any]) -> None:
        login = logins[0]
        try:
            gate = Login(proxy)
            logins.append(gate)
            self._dial(gate, "Dial proxy")
            outer = self._open[-1]
            inner = self._until("Dial from proxy", login.limit, lambda: _channel(outer, login))
            # Another handshake begins on the same connection, which the first one has closed.
            self._open.append(self._until("Dial", login.limit, lambda: login.handshake(inner)))
        except CommandError as error:
            raise CommandError(f"proxy: {error}") from error

    def _until(self, what: str, limit: int, work: Callable[[], Any]) -> Any:
        """What `work` gives once it raises no DialError; it is done once and `limit` times more."""
        pause, failed = RETRY_FIRST, 0
        while True:
            try:
                return work()
            except DialError as error:
                if 0 <= limit <= failed:
                    raise CommandError(f"after {failed} failed attempts: {error}") from error
            failed += 1
            self._retrying(what, failed, limit)
            if self._cancelled.wait(pause):
                raise CommandError("context canceled")
            pause = min(pause * RETRY_FACTOR, RETRY_MAX)

    def session(self) -> Any:
        """A session channel."""
        try:
            return self._open[-1].open_session()
        except (paramiko.SSHException, EOFError) as error:
            raise CommandError(str(error) or "EOF") from error

    def sftp(self) -> paramiko.SFTPClient:
        """A client of the host's SFTP server."""
        try:
            client = paramiko.SFTPClient.from_transport(self._open[-1])
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
            self._open[-1]._send_user_message(message)
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
        return ssh_channel.run(self._open[-1], channel, command, stdin, sink)

    def close(self) -> None:
        """Close every transport, the inner one first."""
        while self._open:
            self._open.pop().close()
