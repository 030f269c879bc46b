"""Debian packages that a bundle needs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from .files import Want, place
from .paths import (
    APT_TIMEOUT,
    COMMAND_TIMEOUT,
    KEEP_CONFIGURATION,
    LISTS_MAX_AGE,
    NAMESPACE,
    PACKAGES_LOCKED,
    RESOLV_CONF,
    UNIT_FILE,
)
from .process import Failure, Result
from .units import Units


def with_resolvers_of_before(argv: list[str], agent: Packages) -> int:
    """Run a program that sees resolv.conf as it was before any bundle took it over.

    Nobody else sees it: this process is in a mount namespace of its own.
    """
    before = agent.original(RESOLV_CONF)
    data = before.data
    if before.link is not None:
        data = Path("/etc", before.link).read_bytes()
    base = Path("/run/mx-agent")
    base.mkdir(mode=0o700, exist_ok=True)
    text = base / "resolv.conf"
    for mount in (["-t", "tmpfs", "mx-agent", str(base)], ["--bind", str(text), RESOLV_CONF]):
        done = agent.run(["mount", *mount], None, COMMAND_TIMEOUT)
        if done.code != 0:
            raise Failure(f"mount {' '.join(mount)}: {done.words()}")
        if not text.exists():
            place(text, Want(data=data, mode=0o644))
    os.execvp(argv[0], argv)  # noqa: S606


class Packages(Units):
    """The packages of the host."""

    def missing_packages(self, packages: list[str]) -> list[str]:
        """Return the packages that are not installed.

        "a | b" is installed when one of them is, or a package that provides one (deb-control(5)).
        """
        if not packages:
            return []
        line = "-f=${Package}\\t${db:Status-Status}\\t${Provides}\\n"
        choice = any("|" in package for package in packages)
        argv = ["dpkg-query", "-W", line, *([] if choice else packages)]
        installed: set[str] = set()
        provided: set[str] = set()
        for entry in self.run(argv, None, 60.0).out.split("\n"):
            package, state, provides = [*entry.split("\t"), "", ""][:3]
            if state == "installed":
                installed.add(package)
                provided.update(part.split()[0] for part in provides.split(",") if part.strip())
        return [
            package
            for package in packages
            if package not in installed
            and not ("|" in package and {*package.split(" | ")} & (installed | provided))
        ]

    def install(self, packages: list[str], debconf: list[str]) -> None:
        """Install packages without a question asked; refresh the lists only when needed.

        Of "a | b" the first one is installed.
        """
        if debconf:
            text = "\n".join(debconf) + "\n"
            done = self.run(["debconf-set-selections"], text.encode(), 60.0)
            if done.code != 0:
                raise Failure(f"debconf-set-selections: {done.words()}")
        apt = ["apt-get", "-q", "-y"]
        keep = [f"Dpkg::Options::={option}" for option in KEEP_CONFIGURATION]
        changing = [*apt, "-o", keep[0], "-o", keep[1], "--no-install-recommends"]
        packages = [package.partition(" | ")[0] for package in packages]
        argv = [*changing, "install", *packages]
        self.finish_packages([*changing, "--no-remove", "--fix-broken", "install"])
        lists = list(self.real("/var/lib/apt/lists").glob("*_Packages*"))
        newest = max((item.stat().st_mtime for item in lists), default=0.0)
        fresh = time.time() - newest < LISTS_MAX_AGE
        done = self.packages(argv) if fresh else Result(1, "", "")
        if done.code != 0:
            self.step("packages", "refreshing the lists")
            update = self.packages([*apt, "update"])
            # apt compares the size of an archive that is there, not its digest.
            self.packages([*apt, "clean"])
            done = self.packages(argv)
            if done.code != 0 and not self.original(RESOLV_CONF).absent:
                # The resolver of this host may be what does not work.
                self.step("packages", "once more, with the resolvers of before")
                with_before = [*NAMESPACE, sys.executable, "-I", os.path.abspath(sys.argv[0])]
                with_before.append("_resolvers_of_before")
                self.packages([*with_before, *apt, "update"])
                done = self.packages([*with_before, *argv])
            if done.code != 0:
                said = "" if update.code == 0 else f"\napt-get update: {update.words()}"
                raise Failure(f"apt-get install {' '.join(packages)}: {done.words()}{said}")

    def packages(self, argv: list[str]) -> Result:
        """Run apt-get or dpkg; while another process holds a lock of theirs, wait and say so."""
        deadline = time.monotonic() + self.lock_wait
        told = False
        while True:
            done = self.run(argv, None, APT_TIMEOUT)
            locked = PACKAGES_LOCKED.search(done.out + "\n" + done.err)
            if done.code == 0 or locked is None or time.monotonic() >= deadline:
                return done
            if not told:
                self.step("packages", f"waiting: {locked[0]}")
                told = True
            time.sleep(1.0)

    def finish_packages(self, mend: list[str]) -> None:
        """Finish what an interrupted dpkg left; apt installs nothing before.

        `mend` is the call of apt-get that brings missing dependencies and removes nothing. No
        service that is not running starts meanwhile: it would have its package's configuration.
        Raises Failure with the words of dpkg and apt when a package needs a person.
        """
        updates = self.real("/var/lib/dpkg/updates")
        written = updates.is_dir() and any(item.name.isdigit() for item in updates.iterdir())
        if not written and not self.run(["dpkg", "--audit"], None, 60.0).out.strip():
            return
        self.step("packages", "finishing what an interrupted dpkg left")
        unfinished, spoiled = self._unfinished_packages()
        units = self.unit_states(self._units_of(unfinished))
        held = [unit for unit, now in units.items() if not now.active]
        self.hold_back(held)
        try:
            configured = self.packages(["dpkg", *KEEP_CONFIGURATION, "--configure", "-a"])
            if spoiled:  # half unpacked: dpkg configures none of them before they are unpacked anew
                mend = [*mend, "--reinstall", *spoiled]
            mended = self.packages(mend)
        finally:
            self.let_start(held, held)
        if mended.code != 0:
            said = "" if configured.code == 0 else f"dpkg --configure -a: {configured.words()}\n"
            raise Failure(
                f"{said}apt-get --fix-broken install: {mended.words()}\nAn interrupted dpkg left "
                "packages unfinished. On the host, run `dpkg --configure -a` and `apt-get "
                "--fix-broken install`, and mend what they name; nothing has been changed"
            )

    def _unfinished_packages(self) -> tuple[list[str], list[str]]:
        """Return the packages that are not configured, and those that must be unpacked anew."""
        line = "-f=${Package} ${db:Status-Status} ${db:Status-Eflag}\\n"
        known = self.run(["dpkg-query", "-W", line], None, 60.0).out.split("\n")
        entries = [words for words in (entry.split() for entry in known) if len(words) == 3]
        states = ("unpacked", "half-installed", "half-configured")
        unfinished = [package for package, state, _ in entries if state in states]
        return unfinished, [package for package, _, flag in entries if flag == "reinstreq"]

    def _units_of(self, packages: list[str]) -> list[str]:
        """Return the units that packages bring."""
        found: list[str] = []
        for package in packages:
            paths = self.run(["dpkg-query", "-L", package], None, 60.0).out.split("\n")
            found += [match[1] for path in paths if (match := UNIT_FILE.fullmatch(path))]
        return found
