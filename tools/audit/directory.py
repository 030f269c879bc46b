"""A whole configuration: main.cf, master.cf and the text tables that they name, from a directory.

Nothing outside the directory is read: /etc/postfix/x and $config_directory/x are x in it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from components.postconf.restrictions import RESTRICTIONS
from components.postconf.syntax import latin, logical_lines, shown
from tools.audit import judge, master
from tools.audit.evaluate import action
from tools.audit.lookup import table
from tools.audit.model import Finding, MainCf

_PATH = re.compile(r"(?:/etc/postfix|\$\{?config_directory\}?|\$\(config_directory\))/([\w./@+-]+)")
_LARGEST = 20_000_000
"""Bytes of a table that is read; a larger one counts as unknown."""


def content(path: Path) -> bytes | None:
    """A regular file's bytes; None for what is none, or too large, or not readable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        try:
            return stream.read()
        except OSError:
            return None


def _tables(folder: Path, *texts: bytes) -> dict[str, bytes]:
    """Text tables in the directory, by each way in which the configuration names them."""
    root = folder.resolve()
    found: dict[str, bytes] = {}
    for text in texts:
        for match in _PATH.finditer(latin(text)):
            path = (folder / match[1]).resolve()
            if not path.is_relative_to(root):
                continue
            data = content(path)
            if data is not None:
                found[match[0]] = data
                found[f"/etc/postfix/{match[1]}"] = data
    return found


def _access_tables(main: MainCf) -> Iterable[Finding]:
    """Results in access tables that are no action and no restriction: 451."""
    seen = set()
    for _, step in main.restrictions():
        one = RESTRICTIONS.get(step.name)
        if (one is None or one.argument != "table") and step.name != "":
            continue
        path = step.argument.partition(":")[2]
        if path not in main.files or path in seen or not table(step.argument, main.files).known:
            continue
        seen.add(path)
        yield from _results(main, path)


def _results(main: MainCf, path: str) -> Iterable[Finding]:
    for pieces in logical_lines(latin(main.files[path])):
        parts = "".join(piece for _, piece in pieces).split(None, 1)
        if len(parts) < 2 or parts[0].startswith("/") or parts[0].lower() in ("if", "endif"):
            continue
        first = parts[1].split(None, 1)[0].rstrip(",")
        known = first.lower() in RESTRICTIONS or first in main.classes or ":" in first
        if action(parts[1]) is None and not known and first.lower() != "warn_if_reject":
            yield Finding(
                pieces[0][0],
                shown(parts[0][:80]),
                "dangerous",
                f"{shown(first[:60])!r} is neither an action of access(5) nor a restriction: mail"
                " that meets it is deferred (451)",
                "Write OK, REJECT, DUNNO, or a restriction.",
                "high",
                path.rsplit("/", 1)[-1],
            )


def judged(folder: Path, version: str | None = None) -> list[Finding]:
    """Findings of a directory with main.cf and master.cf, the most dangerous first.

    Raises OSError when there is no main.cf that can be read.
    """
    text = (folder / "main.cf").read_bytes()
    services_text = content(folder / "master.cf")
    if services_text is None:
        main = MainCf(text, version, files=_tables(folder, text))
        return sorted({*judge(main), *_access_tables(main)}, key=lambda one: one.order)
    services, faults = master.parse(services_text)
    files = _tables(folder, text, services_text)
    main = MainCf(
        text,
        version,
        files=files,
        elsewhere=master.referred(services),
        port_25=master.on_port_25(services),
    )
    found = {*judge(main), *faults, *master.findings(main, services), *_access_tables(main)}
    return sorted(found, key=lambda one: one.order)
