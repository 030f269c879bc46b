"""A whole configuration: main.cf, master.cf and the text tables that they name, from a directory.

Nothing outside the directory is read: /etc/postfix/x and $config_directory/x are x in it.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from components.audit.configuration import configuration
from components.audit.model import Finding
from components.postconf.syntax import latin

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


def judged(folder: Path, version: str | None = None) -> list[Finding]:
    """Findings of a directory with main.cf and master.cf, the most dangerous first.

    Raises OSError when there is no main.cf that can be read.
    """
    text = (folder / "main.cf").read_bytes()
    services = content(folder / "master.cf")
    return configuration(text, services, _tables(folder, text, services or b""), version)
