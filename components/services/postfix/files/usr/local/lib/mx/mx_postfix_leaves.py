"""Whether mail leaves this MX host: Postfix verifies a recipient at its mailbox host.

usage: mx_postfix_leaves.py RECIPIENT

The question takes the way of a message: pickup(8), cleanup(8), qmgr(8), trivial-rewrite(8) and the
delivery agent, which asks the mailbox host for the recipient. No message is delivered (sendmail(1),
-bv), and the report of the answer goes to nobody. What the mailbox host answers does not matter:
what matters is that the daemons live. A mailbox host that is silent is no fault of this change.

Runs as root. Exit codes: 0 yes, 1 no, with the reason on standard error; 64 a wrong call.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time

# smtp(8) gives a mailbox host longer; whoever has been asked by then has a living agent.
SECONDS = 20
# A mailbox host nearby answers within this time, and each change waits for the answer twice.
_FIRST_PAUSE = 0.05
_PAUSE = 0.2
_AGENT_DIED = ("(unknown mail transport error)", "(mail transport unavailable)")


class No(Exception):
    """The answer is no; the text says why."""


def run(*argv: str) -> str:
    """Standard output of a command. Raises No with its words."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise No(f"{' '.join(argv)} did not end within {error.timeout:.0f} s") from None
    if done.returncode != 0:
        raise No(f"{argv[0]}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def logged(cursor: str) -> list[str]:
    """What was logged since then, by Postfix and by all others.

    No match narrows the entries: journalctl(1) of systemd 252 (Debian 12) leaves out the first
    entry that matches when the cursor is at an entry that does not.
    """
    words = ("journalctl", "-q", "-o", "cat", "--after-cursor", cursor)
    # Only a newline ends an entry: what clients say may hold other line separators.
    return run(*words).split("\n")


def leaves(recipient: str) -> None:
    """Raises No when a daemon on the way of a message does not do its work."""
    # Postfix sends no report to this address, as none about its own probes (verify(8)).
    sender = run("postconf", "-xh", "double_bounce_sender").strip()
    cursor = run("journalctl", "-n", "0", "--show-cursor").rpartition("cursor: ")[2].strip()
    run("sendmail", "-bv", "-f", sender, "--", recipient)
    picked = re.compile(rf"(\w+): uid=0 from=<{re.escape(sender)}[@>]")
    queue_id, active = "", False
    deadline, pause = time.monotonic() + SECONDS, _FIRST_PAUSE
    while time.monotonic() < deadline:
        time.sleep(pause)
        lines = logged(cursor)
        ours = [match[1] for match in map(picked.match, lines) if match]
        queue_id = ours[0] if ours else queue_id
        for line in lines if queue_id else ():
            if not line.startswith(f"{queue_id}: "):
                continue
            active = active or line.endswith("(queue active)")
            if " status=" in line:
                if line.endswith(_AGENT_DIED):
                    raise No(f"no mail leaves: {line.partition(': ')[2]}")
                return
        pause = _PAUSE
        if queue_id and not active:
            # A qmgr(8) that has just started may have missed that there is a message.
            subprocess.run(["postqueue", "-i", queue_id], capture_output=True, check=False)
    if not queue_id:
        raise No(f"no message gets into the queue: cleanup(8) took none within {SECONDS} s")
    if not active:
        raise No(f"a message in the queue waits: qmgr(8) did not begin with it within {SECONDS} s")


def main(arguments: list[str]) -> int:
    """Ask about the recipient; return the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        leaves(arguments[0])
    except No as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
