"""Metrics in Prometheus' text format, written for node_exporter's textfile collector."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class Metrics:
    """A set of gauges and counters; a name says its help once."""

    def __init__(self) -> None:
        self._help: dict[str, str] = {}
        self._samples: dict[str, dict[str, float]] = {}

    def add(self, name: str, meaning: str, value: float, /, **labels: str) -> None:
        """Set one sample; the same name and labels again replace it."""
        self._help.setdefault(name, meaning)
        inner = ",".join(f'{key}="{_escape(labels[key])}"' for key in sorted(labels))
        self._samples.setdefault(name, {})[f"{name}{{{inner}}}" if inner else name] = value

    def text(self) -> str:
        """All samples, in the order of their names."""
        lines = []
        for name in sorted(self._samples):
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# HELP {name} {self._help[name]}", f"# TYPE {name} {kind}"]
            lines += [f"{key} {value:.15g}" for key, value in sorted(self._samples[name].items())]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        """Replace the file in one step: the exporter never reads half of it."""
        replace(path, self.text(), 0o644)


def replace(path: Path, text: str, mode: int) -> None:
    """Write a file beside the path and rename it there; mode by descriptor, no link followed."""
    fd, fresh = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(fd, "wb") as stream:
            # A name that a stranger chose may be none that UTF-8 can say.
            stream.write(text.encode("utf-8", "replace"))
            os.fchmod(fd, mode)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
