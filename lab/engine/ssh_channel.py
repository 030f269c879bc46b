"""A command on a channel of an SSH connection: its output in order, and how it ended.

The library keeps neither the order of the two streams nor the signal that ended a command.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko import common as numbers
from paramiko.channel import Channel

from lab.engine.command_result import STDERR, STDOUT, CommandError, Result

SIGNALS = {
    "ABRT": 6, "ALRM": 14, "FPE": 8, "HUP": 1, "ILL": 4, "INT": 2, "KILL": 9, "PIPE": 13,
    "QUIT": 3, "SEGV": 11, "TERM": 15,
}  # fmt: skip
# The feeder of a channel that is closed ends at once.
_FEEDER_ENDS_SECONDS = 5


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


class Transport(paramiko.Transport):
    """A transport that keeps what the library forgets.

    That is the order of the two output streams, the exit signal, the host key algorithms that the
    server offered, and code and words with which it refused a channel.
    """

    offered: tuple[str, ...] = ()
    rejected: tuple[int, str] = (0, "")

    def _really_parse_kex_init(self, message: Any, ignore_first_byte: bool = False) -> Any:
        parsed = super()._really_parse_kex_init(  # type: ignore[misc]
            message, ignore_first_byte
        )
        self.offered = tuple(parsed["server_key_algo_list"])
        return parsed

    def _parse_channel_open_failure(self, message: Any) -> None:
        copy = _peek(message)
        copy.get_int()
        self.rejected = (copy.get_int(), copy.get_text())
        super()._parse_channel_open_failure(message)  # type: ignore[misc]

    _channel_handler_table = {  # noqa: RUF012 -- the parent's attribute
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        numbers.MSG_CHANNEL_DATA: _data,
        numbers.MSG_CHANNEL_EXTENDED_DATA: _extended,
        numbers.MSG_CHANNEL_REQUEST: _request,
        numbers.MSG_CHANNEL_FAILURE: _refused,
        numbers.MSG_CHANNEL_CLOSE: _close,
    }


def run(
    transport: Any,
    channel: Any,
    command: str,
    stdin: str,
    sink: Callable[[int, bytes], None],
) -> Result:
    """Run the command, feed it, and hand each piece of output to the sink as it comes."""
    try:
        channel.exec_command(command)
    except (paramiko.SSHException, EOFError) as error:
        raise CommandError(f"ssh: command {command} failed") from error
    unread = threading.Event()
    feeder = threading.Thread(
        target=_feed_stdin, args=(channel, stdin.encode(), unread), daemon=True
    )
    feeder.start()
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    both: list[bytes] = []
    events = _events(channel)
    while True:
        try:
            event = events.get(timeout=0.1)
        except queue.Empty:
            if transport.is_active() and not channel.closed:
                continue
            event = None
        if event is None:
            break
        stream, data = event
        _drain(channel, stream, len(data))
        parts[stream].append(data)
        both.append(data)
        sink(stream, data)
    ended = _exit_error(channel)
    channel.close()
    feeder.join(_FEEDER_ENDS_SECONDS)
    if ended is None and unread.is_set():
        # More than the window takes, and the command read no further: a failure of the original.
        ended = "EOF"
    return Result(b"".join(parts[STDOUT]), b"".join(parts[STDERR]), b"".join(both), ended)


def _drain(channel: Any, stream: int, size: int) -> None:
    """Take the bytes out of the library's buffer, so that the window opens again."""
    read = channel.recv if stream == STDOUT else channel.recv_stderr
    while size > 0:
        data = read(size)
        if not data:
            return
        size -= len(data)


def _feed_stdin(channel: Any, data: bytes, unread: threading.Event) -> None:
    try:
        channel.sendall(data)
    except (OSError, EOFError, paramiko.SSHException):
        unread.set()
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.shutdown_write()


def _exit_error(channel: Any) -> str | None:
    signal = channel.__dict__.get("mx_signal")
    if signal is None and (not channel.exit_status_ready() or channel.exit_status == -1):
        return "wait: remote command exited without exit status or exit signal"
    return exit_error(0 if signal is not None else channel.recv_exit_status(), signal)


def exit_error(status: int, signal: tuple[str, str] | None) -> str | None:
    """How a command ended; `signal`: its name and the reason that the server gave, or None."""
    if signal is not None:
        name, reason = signal
        text = f"Process exited with status {128 + SIGNALS.get(name, 0)} from signal {name}"
        return f"{text}. Reason was: {reason}" if reason else text
    return None if status == 0 else f"Process exited with status {status}"
