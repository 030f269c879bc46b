"""Let the mail in the queue leave before Postfix is taken from this host.

usage: mx_postfix_drain.py SECONDS

No new mail comes in over SMTP meanwhile. Whatever happens, main.cf is as before at the end, and
Postfix takes mail again unless the queue is empty.

Runs as root. Exit codes: 0 the queue is empty; 1 mail is left, with the reason on standard error;
64 a wrong call.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

MAIN_CF = Path("/etc/postfix/main.cf")
QUEUE = ("/usr/bin/python3", "-I", "-B", "/usr/local/lib/mx/mx_postfix.py", "queue")
EMPTY = "the queue is empty"
RELOAD_SECONDS = 30.0


class No(Exception):
    """The queue cannot be emptied; the text says why."""


def run(*argv: str) -> str:
    """Standard output of a command. Raises No with its words, or when it takes too long."""
    try:
        done = subprocess.run(
            argv, capture_output=True, encoding="utf-8", errors="replace", timeout=90, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise No(f"{' '.join(argv)} did not end within {error.timeout:.0f} s") from None
    if done.returncode != 0:
        raise No(f"{argv[0]}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def queue() -> str:
    """What is queued, as one line."""
    return run(*QUEUE).strip()


def listens() -> bool:
    """Whether a program of this host waits for clients on port 25."""
    return run("ss", "-Hltn", "sport = :25") != ""


def reload(*, listening: bool) -> None:
    """Make master(8) read main.cf, and wait until port 25 is open or closed as main.cf says."""
    with contextlib.suppress(No):  # port 25 shows whether it worked
        run("postfix", "reload")
    deadline = time.monotonic() + RELOAD_SECONDS
    while time.monotonic() < deadline:
        if listens() is listening:
            return
        time.sleep(0.2)
    # A master(8) that does not come back from a reload neither takes nor delivers mail until its
    # own watchdog ends it after 1,000 s.
    run("systemctl", "restart", "postfix")


def close() -> None:
    """Take no new mail over SMTP; main.cf is as before when this returns or raises."""
    before = MAIN_CF.read_bytes()
    try:
        run("postconf", "-e", "master_service_disable=inet")
        # master(8) reads the file some time after `postfix reload` has ended.
        reload(listening=False)
    finally:
        replace(before)


def replace(content: bytes) -> None:
    """Bring main.cf back as it was; the running Postfix reads it with the next reload."""
    new = MAIN_CF.with_name(".main.cf.mx")
    status = MAIN_CF.stat()
    new.write_bytes(content)
    os.chmod(new, status.st_mode & 0o7777)
    os.chown(new, status.st_uid, status.st_gid)
    os.replace(new, MAIN_CF)


def drain(seconds: int) -> None:
    """Deliver what is queued while no new mail comes. Raises No when some of it stays."""
    left = queue()
    if left == EMPTY:
        return
    print(f"{left}; waiting {seconds} s for them to leave", flush=True)
    reason = ""
    try:
        close()
        left = emptied(seconds)
    except No as error:
        reason = f"{error}; "
    if left == EMPTY:
        return
    reload(listening=True)
    raise No(
        f"{reason}{left}: Postfix stays, and takes mail again. Let the mail leave (postqueue -p "
        "says what it waits for). Or give it up: `giveUpQueue: true` at this host in the stack "
        "file, then `up`, before the host is removed"
    )


def emptied(seconds: int) -> str:
    """Try to deliver everything until nothing is queued, with a limit; what is left then."""
    deadline = time.monotonic() + seconds
    while True:
        run("postqueue", "-f")
        left = queue()
        if left == EMPTY or time.monotonic() >= deadline:
            return left
        time.sleep(5)


def main(arguments: list[str]) -> int:
    """Drain for so many seconds; return the exit code."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        print(__doc__, file=sys.stderr)
        return 64
    try:
        drain(int(arguments[0]))
    except No as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
