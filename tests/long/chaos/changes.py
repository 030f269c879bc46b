"""`up` in the middle: seeded changes of the lab's stack file, some of them killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.topology import CHECKOUT

STACK = CHECKOUT / "stacks" / "Pulumi.lab.yaml"
_UP = ("up", "--yes", "--skip-preview")


@dataclass(frozen=True)
class Edit:
    """A change of the stack file's text; `{}` in `new` is a number."""

    old: str
    new: str


EDITS = {
    "size limit": Edit(
        "    domains:\n", "    postfix: {{messageSizeLimitBytes: {}}}\n    domains:\n"
    ),
    "recipient": Edit("postmaster, abuse]", "postmaster, abuse, carol{}]"),
    "domain": Edit(
        "    domains:\n",
        "    domains:\n      sub{}.example.test: {{mailboxHost: mailbox1, recipients: [carol]}}\n",
    ),
    "Redis and Rspamd": Edit(
        "    domains:\n", "    spamFilter: {{redisMemoryMebibytes: {}}}\n    domains:\n"
    ),
    "resolver": Edit("cacheMaxTtlSeconds: 5", "cacheMaxTtlSeconds: {}"),
    "firewall": Edit("sshNetworks: [", "sshNetworks: [192.0.2.{}/32, "),
    "addresses Postfix listens on": Edit(
        "        hostname: mx1.example.test\n",
        "        hostname: mx1.example.test\n"
        "        inetInterfaces: [127.0.0.1, 2001:db8:77::11, 198.18.77.11]\n",
    ),
    "rates of monitoring": Edit("blockLists: [bl.example3.test]", "blockLists: []"),
}
_NUMBERS = {
    "size limit": (15_000_000, 20_000_000),
    "Redis and Rspamd": (110, 140),
    "resolver": (4, 9),
}


class Changes:
    """Applies one stack file after the other; the file is as before afterwards."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._plain = STACK.read_text()

    def change(self, chance: random.Random) -> str:
        """One `up` with other settings; what was done and how it ended."""
        names = chance.sample(sorted(EDITS), chance.randint(0, 3))
        text = self._plain
        for name in names:
            low, high = _NUMBERS.get(name, (10, 99))
            edit = EDITS[name]
            assert edit.old in text
            text = text.replace(edit.old, edit.new.format(chance.randint(low, high)), 1)
        killed_after = chance.uniform(2, 25) if chance.random() < 0.4 else None
        STACK.write_text(text)
        code = self._pulumi(*_UP, kill=killed_after)
        what = ", ".join(names) or "all back"
        if code == -signal.SIGKILL:
            self._pulumi("cancel", "--yes")
            return f"{what}: killed after {killed_after:.0f} s"
        return f"{what}: exit {code}"

    def restore(self) -> None:
        """Put the stack file back."""
        STACK.write_text(self._plain)

    def converges(self) -> bool:
        """Whether one `up` with the plain file succeeds and the preview after it is empty."""
        self.restore()
        if self._pulumi(*_UP) != 0:
            return False
        return self._pulumi("preview", "--expect-no-changes") == 0

    def _pulumi(self, *arguments: str, kill: float | None = None) -> int:
        with self._log.open("ab") as log:
            log.write(f"== pulumi {' '.join(arguments)}\n".encode())
            log.flush()
            engine = subprocess.Popen(
                ["pulumi", *arguments, "--stack", "lab", "--non-interactive"],
                cwd=CHECKOUT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                return engine.wait(timeout=kill or 900)
            except subprocess.TimeoutExpired:
                os.killpg(engine.pid, signal.SIGKILL)
                return engine.wait()
