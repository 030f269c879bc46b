"""Where the API of the zones is, and what may change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DnsApi:
    """Cloudflare's API for the zones of a stack.

    `base_url`: another address than the vendor's, or None. `tokens`: zone to its API token; the
    tokens are secret, so they stand in no representation of the object. `reads_only`: zones whose
    token may not change records; a preview can have such a token.
    """

    base_url: str | None
    tokens: Mapping[str, str] = field(repr=False)
    reads_only: frozenset[str] = frozenset()
