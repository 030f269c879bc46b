"""Probes: whether a service answers after a change."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

from .process import Failure, Json
from .units import Units

# A unit reloads just before its first probe.
_BEFORE_SECONDS = 5
_LOG_LINES, _LOG_WIDTH = 3, 300


def _asked(probe: Json) -> str:
    """The name of a probe in messages."""
    return str(probe.get("unit") or probe.get("tcp") or " ".join(probe.get("run", [])))


class Probes(Units):
    """The probes of a manifest."""

    def failing_before(self, probes: list[Json]) -> Callable[[], dict[str, str]]:
        """Begin to ask the probes that `_failing` asks; the answer waits for their end.

        Each is mostly waiting, so they are asked while the change is staged and checked. A call
        that ends meanwhile does not wait for them.
        """
        found: dict[str, str] = {}
        asking = threading.Thread(target=lambda: found.update(self._failing(probes)), daemon=True)
        asking.start()

        def answer() -> dict[str, str]:
            asking.join()
            return found

        return answer

    def _failing(self, probes: list[Json]) -> dict[str, str]:
        """Probes marked `before` that fail before the change, with their words.

        A change that repairs something is not undone for what it does not repair. A probe whose
        program is not on the host yet is not asked.
        """
        found = {}
        for probe in probes:
            programs = [word for word in probe.get("run", []) if word.startswith("/")]
            if probe["before"] and all(os.path.lexists(self.real(each)) for each in programs):
                words = self._probe_once(probe, probe["timeout"])
                if words:
                    found[_asked(probe)] = words
        return found

    def _probe_all(self, manifest: Json, failing: dict[str, str]) -> None:
        begin = time.time()
        for probe in manifest["probe"]:
            what = _asked(probe)
            self.step("probe", what)
            if what in failing:
                words = self._probe_once(probe, probe["timeout"])
                if words:
                    self.say(f"  warning: probe {what} failed before this change, too: {words}")
                continue
            deadline = time.monotonic() + probe["timeout"]
            last = ""
            while True:
                left = deadline - time.monotonic()
                words = self._probe_once(probe, max(0.1, left))
                if not words:
                    break
                # An attempt that had no time left says nothing of the service.
                last = words if left > 1 or not last else last
                if time.monotonic() >= deadline:
                    tried = f"probe {what}: {last} (tried for {probe['timeout']:g} s)"
                    raise Failure(tried + self._logged(sorted(manifest["units"]), begin))
                time.sleep(0.2)

    def _logged(self, units: list[str], begin: float) -> str:
        """What these units have logged as a warning or worse since just before a time."""
        if not units:
            return ""
        names = [word for unit in units for word in ("-u", unit)]
        since = f"--since=@{begin - _BEFORE_SECONDS:.0f}"
        words = ["journalctl", "-q", "--no-pager", "-o", "cat", "-p", "warning", since, *names]
        lines = self.run(words, None, 10.0).out.strip().split("\n")[-_LOG_LINES:]
        told = [f"  {line[:_LOG_WIDTH]}" for line in lines if line]
        return "\n".join(["", f"the log of {', '.join(units)} meanwhile:", *told]) if told else ""

    def _probe_once(self, probe: Json, left: float) -> str:
        """Return what is wrong, or nothing when the probe passes."""
        if "unit" in probe:
            state = self.systemctl("is-active", probe["unit"]).out.strip()
            return "" if state == "active" else f"unit is {state or 'unknown'}"
        if "run" in probe:
            done = self.run(probe["run"], None, left)
            return "" if done.code == 0 else done.words()
        host, _, port = probe["tcp"].rpartition(":")
        expect = probe["expect"].encode()
        try:
            with socket.create_connection((host.strip("[]"), int(port)), min(left, 5.0)) as link:
                seen = b""
                link.settimeout(min(left, 10.0))
                while expect and expect not in seen and len(seen) < 65536:
                    part = link.recv(4096)
                    if not part:
                        break
                    seen += part
        except OSError as error:
            return str(error)
        if expect in seen:
            return ""
        return f"expected {probe['expect']!r}, got {seen[:200].decode('utf-8', 'replace')!r}"
