"""Counters from Postfix' log in the journal, kept between runs with the journal's cursor."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

from .metrics import Metrics

STATE = Path("/var/lib/mx-collect/log.json")
_ACCEPTED = re.compile(r"[0-9A-Za-z]+: client=")
_DELIVERY = re.compile(r"\bstatus=(sent|deferred|bounced|expired)\b")
_REJECT = re.compile(r"\breject: \S+ from \S+: ([45])[0-9]{2} ")
_LEVEL = re.compile(r"(?:[0-9A-Za-z]+: )?(warning|error|fatal|panic): ")


class Counts:
    """Counters that start at zero, so that their series are there before the first event."""

    def __init__(self, saved: dict[str, float] | None = None) -> None:
        self.values = dict.fromkeys(
            (
                "accepted",
                "last_accepted",
                *(f"delivery_{status}" for status in ("sent", "deferred", "bounced", "expired")),
                *("reject_4", "reject_5"),
                *(f"log_{level}" for level in ("warning", "error", "fatal", "panic")),
            ),
            0.0,
        )
        self.values.update(saved or {})

    def line(self, service: str, message: str, seconds: float) -> None:
        """Count one line of a service; `seconds` is its time since 1970."""
        if service == "smtpd" and _ACCEPTED.match(message):
            self.values["accepted"] += 1
            self.values["last_accepted"] = max(self.values["last_accepted"], seconds)
        for name, pattern in (("delivery", _DELIVERY), ("reject", _REJECT)):
            found = pattern.search(message)
            if found:
                self.values[f"{name}_{found.group(1)}"] += 1
        level = _LEVEL.match(message)
        if level:
            self.values[f"log_{level.group(1)}"] += 1

    def measure(self, metrics: Metrics) -> None:
        """Give the counters."""
        values = self.values
        metrics.add("mx_postfix_accepted_total", "Messages that smtpd took.", values["accepted"])
        metrics.add(
            "mx_postfix_last_accepted_timestamp_seconds",
            "When smtpd took a message; when the log was first read, if it took none since.",
            values["last_accepted"],
        )
        for name, meaning in (
            ("delivery", "Attempts of delivery, by result."),
            ("reject", "Refused commands, by first digit of the reply."),
            ("log", "Lines of a severity."),
        ):
            for key in [key for key in values if key.startswith(name + "_")]:
                what = key.partition("_")[2]
                metrics.add(f"mx_postfix_{name}_total", meaning, values[key], kind=what)


def collect(metrics: Metrics) -> None:
    """Read on from the last cursor. Raises CalledProcessError when journalctl fails."""
    saved = json.loads(STATE.read_text()) if STATE.exists() else {}
    where = [f"--after-cursor={saved['cursor']}"] if saved.get("cursor") else ["--since=-1h"]
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", "SYSLOG_FACILITY=2", *where]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    counts, cursor = Counts(saved.get("counts")), saved.get("cursor")
    for text in done.stdout.splitlines():
        entry = json.loads(text)
        cursor = entry["__CURSOR"]
        service = str(entry.get("SYSLOG_IDENTIFIER", "")).rpartition("/")[2]
        if isinstance(entry.get("MESSAGE"), str):  # one that is not UTF-8 is a list of bytes
            counts.line(service, entry["MESSAGE"], int(entry["__REALTIME_TIMESTAMP"]) / 1e6)
    if not counts.values["last_accepted"]:
        counts.values["last_accepted"] = time.time()
    STATE.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = STATE.with_name(STATE.name + ".new")
    fresh.write_text(json.dumps({"cursor": cursor, "counts": counts.values}))
    fresh.replace(STATE)
    counts.measure(metrics)
