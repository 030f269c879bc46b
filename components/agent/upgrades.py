"""Packages that a bundle takes from another repository than before, and the way back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from .packages import Packages
from .paths import APT_TIMEOUT, KEEP_CONFIGURATION
from .process import Failure

_POLICY = re.compile(r"^(\S+):\n  Installed: (\S+)\n  Candidate: (\S+)$", re.MULTILINE)


class Upgrades(Packages):
    """The upgrades of one call.

    `former`: package to the version that was installed before; `ran`: units that were active.
    """

    former: dict[str, str]
    ran: list[str]

    def newer(self, wanted: dict[str, str], before: dict[str, str]) -> dict[str, str]:
        """Return the installed version of each package that apt would upgrade.

        `wanted` and `before`: package to the repository that the manifest names now and named when
        it was applied last. A package whose repository is the same stays as it is: its updates are
        those of the host's administrator, like all others.
        """
        names = [name for name, source in wanted.items() if before.get(name) != source]
        if not names:
            return {}
        done = self.run(["apt-cache", "policy", *names], None, 60.0)
        if done.code != 0:
            raise Failure(f"apt-cache policy: {done.words()}; nothing has been changed")
        return {
            name: installed
            for name, installed, candidate in _POLICY.findall(done.out)
            if "(none)" not in (installed, candidate) and installed != candidate
        }

    def keep_former(self, newer: dict[str, str], ran: list[str]) -> None:
        """Fetch the packages as they are now, for the case that the new ones do not work."""
        if not newer:
            return
        store = self.state / "former"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir(mode=0o700)
        for name, version in newer.items():
            fetch = ["env", "-C", str(store), "apt-get", "-q", "download", f"{name}={version}"]
            done = self.run(fetch, None, APT_TIMEOUT)
            if done.code != 0:
                self.say(f"{name}: no way back to {version}, which no repository has any more")
        self.former, self.ran = dict(newer), ran

    @contextmanager
    def way_back(self) -> Iterator[None]:
        """Install the former versions again when what follows their upgrade fails."""
        self.former, self.ran = {}, []
        try:
            yield
        except Failure as error:
            words = self._go_back()
            if not words:
                raise
            raise Failure(f"{error}\n{words}") from error
        finally:
            shutil.rmtree(self.state / "former", ignore_errors=True)

    def _go_back(self) -> str:
        """Return what became of the packages; empty when none was upgraded."""
        installed = self._upgraded()
        kept = sorted(str(each) for each in (self.state / "former").glob("*.deb"))
        if not installed:
            return ""
        self.step("packages", "the former versions again")
        line = ", ".join(f"{name} {version}" for name, version in installed.items())
        if len(kept) < len(self.former):
            return f"{line} stays installed; mend what failed, and apply again"
        argv = ["apt-get", "-q", "-y", "--allow-downgrades", "--no-install-recommends"]
        argv += [word for each in KEEP_CONFIGURATION for word in ("-o", f"Dpkg::Options::={each}")]
        done = self.packages([*argv, "install", *kept])
        if done.code != 0:
            return f"{line} stays installed; the former version was not: {done.words()}"
        former = ", ".join(f"{name} {version}" for name, version in self.former.items())
        try:
            for unit, state in self.unit_states(self.ran).items():
                if not state.active:  # a package restarts only what runs
                    self.must("restart", unit)
        except Failure as error:
            return f"{former} is installed again, but: {error}"
        return f"{former} is installed again"

    def _upgraded(self) -> dict[str, str]:
        """Return the packages of this call that have another version now, and that version."""
        if not self.former:
            return {}
        line = "-f=${Package} ${Version}\\n"
        done = self.run(["dpkg-query", "-W", line, *self.former], None, 60.0)
        now = dict(entry.split(" ", 1) for entry in done.out.split("\n") if " " in entry)
        return {
            name: now[name]
            for name, version in self.former.items()
            if now.get(name) not in (None, version)
        }
