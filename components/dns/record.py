"""One DNS record of an environment, and the facts that only hosts know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Promise = Literal["nothing", "agent", "mail", "tls", "policy"]


@dataclass(frozen=True)
class Record:
    """One DNS record; `key` names its Pulumi resource and never holds an editable value.

    `content` or `data` is given, perhaps as a value that is known later. `hosts` are the MX hosts
    that must keep the record's promise before it is published: be reached and believed, take mail,
    serve their certificates, serve the MTA-STS policy. `after` are the keys of records, earlier in
    the table, that must be published before this one. `former` is the key that the same record had
    before. `other_type`: settings can make it a CNAME or none, at the same name.
    """

    key: str
    zone: str
    name: str
    type: str
    content: Any = None
    data: Mapping[str, Any] | None = None
    priority: int | None = None
    hosts: tuple[str, ...] = ()
    promise: Promise = "nothing"
    after: tuple[str, ...] = ()
    former: str | None = None
    other_type: bool = False


@dataclass(frozen=True)
class Facts:
    """What only the hosts' components know; absent means no such record.

    `host_keys`: MX host to its SSH key. `tlsa`: MX host to {slot: SHA-256 of a public key}, where
    a slot is a name that stands for one key as long as that is in use or announced: a new key has
    another slot or replaces the one that nothing serves. `sts_ids`: mail domain to the id of its
    MTA-STS policy. `dkim`: MX host to {mail domain: TXT value of its DKIM key}. Digests and
    keys may be values that are known later.
    """

    host_keys: Mapping[str, str] = field(default_factory=dict)
    tlsa: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sts_ids: Mapping[str, str] = field(default_factory=dict)
    dkim: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
