"""Counters from Postfix' log in the journal, kept between runs with the journal's cursor."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .metrics import Metrics, replace

STATE = Path("/var/lib/mx-collect/log.json")
# smtpd opens a queue file at the first recipient that it takes. The client may still be refused
# after DATA: the message is taken once qmgr has it, which qmgr logs at every attempt.
_OPENED = re.compile(r"([0-9A-Za-z]+): client=")
_QUEUED = re.compile(r"([0-9A-Za-z]+): from=<.*\(queue active\)\Z", re.DOTALL)
_REFUSED = re.compile(r"([0-9A-Za-z]+): milter-(?:reject|discard): ")
_MOST_OPENED = 10_000
"""Queue files that no line says the end of are forgotten after so many others."""
# An address as Postfix logs it (info_log_address_format = external): whatever a stranger puts into
# one stands between quotes, and the reply of a foreign server comes after the status.
_ADDRESS = r'<(?:"(?:[^"\\]|\\.)*"|[^"<>])*>'
_DELIVERY = re.compile(
    rf"[0-9A-Za-z]+: to={_ADDRESS}, (?:orig_to={_ADDRESS}, )?relay=[^,]*, "
    r"(?:[a-z_]+=[^ ,<]*, )*status=(sent|deferred|bounced|expired)\b"
)
_REJECT = re.compile(r"[0-9A-Za-z]+: (?:milter-)?reject: \S+ from \S+: ([45])[0-9]{2} ")
# Of Rspamd's main process only; what a message says stands behind other modules' names.
_STUCK = re.compile(r"<[0-9a-z]+>; main; [a-z_]+: .{0,40}?\blost [0-9]+ heartbeat")
_LEVEL = re.compile(r"(?:[0-9A-Za-z]+: )?(warning|error|fatal|panic): ")


class Counts:
    """Counters that start at zero, so that their series are there before the first event."""

    def __init__(self, saved: dict[str, float] | None = None, opened: Sequence[str] = ()) -> None:
        self._opened = dict.fromkeys(opened)
        self.values = dict.fromkeys(
            (
                "accepted",
                "last_accepted",
                *(f"delivery_{status}" for status in ("sent", "deferred", "bounced", "expired")),
                *("reject_4", "reject_5"),
                *(f"log_{level}" for level in ("warning", "error", "fatal", "panic")),
                "unreadable",
                "filter_stuck",
            ),
            0.0,
        )
        self.values.update(saved or {})

    def line(self, service: str, message: str, seconds: float) -> None:
        """Count one line of a service; `seconds` is its time since 1970."""
        self._queue_file(service, message, seconds)
        for name, pattern in (("delivery", _DELIVERY), ("reject", _REJECT)):
            found = pattern.match(message)
            if found:
                self.values[f"{name}_{found.group(1)}"] += 1
        if service == "rspamd" and _STUCK.match(message):
            self.values["filter_stuck"] += 1
        level = _LEVEL.match(message)
        if level:
            self.values[f"log_{level.group(1)}"] += 1

    @property
    def opened(self) -> list[str]:
        """Queue IDs of messages that smtpd began and that are not known to be queued, by age."""
        return list(self._opened)

    def _queue_file(self, service: str, message: str, seconds: float) -> None:
        """Follow a queue file from smtpd to qmgr; a message counts once, when it is queued."""
        if service == "smtpd" and (found := _OPENED.match(message)):
            self._opened.pop(found[1], None)
            self._opened[found[1]] = None
            if len(self._opened) > _MOST_OPENED:
                del self._opened[next(iter(self._opened))]
        elif service == "cleanup" and (found := _REFUSED.match(message)):
            self._opened.pop(found[1], None)
        elif service == "qmgr" and (found := _QUEUED.match(message)) and found[1] in self._opened:
            del self._opened[found[1]]
            self.values["accepted"] += 1
            self.values["last_accepted"] = max(self.values["last_accepted"], seconds)

    def measure(self, metrics: Metrics) -> None:
        """Give the counters."""
        values = self.values
        metrics.add(
            "mx_postfix_accepted_total",
            "Messages from SMTP clients that are in the queue.",
            values["accepted"],
        )
        metrics.add(
            "mx_postfix_last_accepted_timestamp_seconds",
            "When such a message was queued; when the log was first read, if none was since.",
            values["last_accepted"],
        )
        metrics.add("mx_postfix_log_unreadable_total", "Entries left out.", values["unreadable"])
        metrics.add(
            "mx_filter_stuck_total",
            "Heartbeats that Rspamd lost.",
            values["filter_stuck"],
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
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120)
    counts = Counts(saved.get("counts"), saved.get("opened", ()))
    cursor = read(done.stdout, counts) or saved.get("cursor")
    if not counts.values["last_accepted"]:
        counts.values["last_accepted"] = time.time()
    kept = {"cursor": cursor, "counts": counts.values, "opened": counts.opened}
    replace(STATE, json.dumps(kept), 0o600)
    counts.measure(metrics)


def read(journal: bytes, counts: Counts) -> str | None:
    """Count the entries that journalctl printed; return the cursor of the last, if there is one.

    An entry ends at a newline byte and nowhere else: what clients say has other separators in it.
    One that cannot be read is counted and left out, so that it stops no later run.
    """
    cursor = None
    for line in filter(None, journal.split(b"\n")):
        try:
            entry = json.loads(line)
            cursor = str(entry["__CURSOR"])
            seconds = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
            message = entry.get("MESSAGE")
            if isinstance(message, list):  # one that is not UTF-8 is a list of bytes
                message = bytes(message).decode("utf-8", "replace")
        except (ValueError, KeyError, TypeError):
            counts.values["unreadable"] += 1
            continue
        if isinstance(message, str):
            service = str(entry.get("SYSLOG_IDENTIFIER", "")).rpartition("/")[2]
            counts.line(service, message, seconds)
    return cursor
