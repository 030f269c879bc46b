"""Certificates of an MX host: dehydrated's hook, renewal, and what is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/mx/certificates.json")
TOKENS = Path("/etc/mx/acme-dns-tokens.json")
STATE = Path("/var/lib/mx/certificates")
DEHYDRATED = Path("/var/lib/dehydrated")


class Trouble(Exception):
    """Something did not work; the text is for the operator and holds no secret."""


def config() -> dict[str, Any]:
    """What the stack says. Raises Trouble."""
    return _json(CONFIG)


def tokens() -> dict[str, str]:
    """Zone to API token. Raises Trouble."""
    return _json(TOKENS)


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Trouble(f"{path}: not JSON: {error}") from None
