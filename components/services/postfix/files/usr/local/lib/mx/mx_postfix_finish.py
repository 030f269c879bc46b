"""Before Postfix stops: sessions in the middle of a message get their final reply.

usage: mx_postfix_finish.py

A client whose session ends between the queue file and the 250 sends its message again, and the
recipient has it twice (RFC 5321 section 4.5.4.1, RFC 1047). The same happens between smtp(8) and a
mailbox host. So from now on no client gets a new session and qmgr(8) begins no delivery, and this
program waits for up to 10 s until no message is on its way: until no process of Postfix holds a
queue file open. A client that sends nothing holds no queue file, so nobody waits for that client.

systemd runs this program before `postfix stop` (ExecStop= in systemd.service(5)), then ends all
processes, also the stopped qmgr(8). The packets of new clients are dropped meanwhile, so a client
tries again after a second (RFC 6298 section 2) and reaches the new Postfix. Without nft(8) new
clients come in until the end.

Runs as root. Exit codes: 0 always, 64 a wrong call. What was not possible is on standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
SPOOL = "/var/spool/postfix"
SECONDS = 10.0
# cleanup(8) closes the queue file a moment before smtpd(8) writes the reply.
REPLY_SECONDS = 0.2
# nft(8): what was left of a run before goes first, whether there is something or not.
OPEN = """\
table inet mx_postfix_stops
delete table inet mx_postfix_stops
"""
CLOSED = (
    OPEN
    + """\
table inet mx_postfix_stops {{
    set closed {{ type inet_service; flags timeout; elements = {{ {} }} }}
    chain input {{
        type filter hook input priority filter - 10;
        iif "lo" accept
        tcp dport @closed tcp flags & (fin | syn | rst | ack) == syn drop
    }}
}}
"""
)


class Failed(Exception):
    """A command failed; the text says how."""


def run(*argv: str, text: str | None = None) -> str:
    """Standard output of a command. Raises Failed."""
    try:
        done = subprocess.run(
            argv,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from None
    if done.returncode != 0:
        raise Failed(f"{argv[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def master() -> int | None:
    """The process ID of master, or None when Postfix does not run."""
    try:
        pid = int(Path(SPOOL, "pid/master.pid").read_text())
        return pid if (PROC / str(pid) / "comm").read_text() == "master\n" else None
    except (OSError, ValueError):
        return None


def daemons(leader: int) -> Iterator[tuple[int, str]]:
    """Process ID and name of what master(8) started: all are in its process group."""
    for entry in PROC.iterdir():
        if not entry.name.isdecimal() or int(entry.name) == leader:
            continue
        with contextlib.suppress(OSError):
            if os.getpgid(int(entry.name)) == leader:
                yield int(entry.name), (entry / "comm").read_text().strip()


def files(pid: int) -> Iterator[str]:
    """The open files of a process. Nothing when the process has ended."""
    with contextlib.suppress(OSError):
        for entry in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield os.readlink(entry)


def busy(leader: int) -> bool:
    """Whether a message comes in (cleanup(8)) or leaves (smtp(8) and the other agents)."""
    queues = (f"{SPOOL}/incoming/", f"{SPOOL}/active/")
    return any(
        target.startswith(queues)
        for pid, name in daemons(leader)
        if name != "qmgr"
        for target in files(pid)
    )


def ports(leader: int) -> list[str]:
    """The TCP ports on which master(8) listens, for clients from elsewhere or from here."""
    mine = f"pid={leader},"
    lines = run("ss", "-Hltnp").split("\n")
    return sorted({line.split()[3].rpartition(":")[2] for line in lines if mine in line})


@contextlib.contextmanager
def doors_closed(leader: int) -> Iterator[None]:
    """While this lasts, the packets that begin a new session from elsewhere are dropped.

    The elements of the set end by themselves, should this program be killed.
    """
    try:
        found = ports(leader)
        if found:
            run("nft", "-f", "-", text=CLOSED.format(", ".join(f"{p} timeout 15s" for p in found)))
    except Failed as error:
        print(f"new clients still come in: {error}", file=sys.stderr)
    try:
        yield
    finally:
        with contextlib.suppress(Failed):
            run("nft", "-f", "-", text=OPEN)


def finish(leader: int) -> bool:
    """Wait until no message is on its way; whether that came true in time."""
    deadline = time.monotonic() + SECONDS
    quiet_since = None
    while (now := time.monotonic()) < deadline:
        if busy(leader):
            quiet_since = None
        elif quiet_since is None:
            quiet_since = now
        elif now - quiet_since >= REPLY_SECONDS:
            return True
        time.sleep(0.05)
    return False


def main(arguments: list[str]) -> int:
    """Do it; return the exit code."""
    if arguments:
        print(__doc__, file=sys.stderr)
        return 64
    leader = master()
    if leader is None:
        return 0
    with doors_closed(leader):
        for pid, name in list(daemons(leader)):
            if name == "qmgr":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
        if not finish(leader):
            print(f"messages are still on their way after {SECONDS:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
