"""Where the lab keeps what is costly to make: base images and Debian packages."""

from __future__ import annotations

import os
from pathlib import Path


def directory() -> Path:
    """Return the lab's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mx" / "lab"
