"""What senders rely on, and what breaks it: MTA-STS (RFC 8461) and DANE (RFC 7672).

A `Sender` is told what one would see, look by look, and remembers what one would keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.policies.mta_sts import Policy, allows, parse


@dataclass(frozen=True)
class DomainLook:
    """A mail domain at one moment.

    `id`: of `_mta-sts`, read before the policies; None without the record. `mx`: what DNS names
    before and after the rest was looked at. `addresses`: of the policy host. `policies`: what each
    address that answered serves. `errors`: addresses that answered with something else.
    """

    domain: str
    id: str | None
    mx: frozenset[str]
    addresses: frozenset[str] = frozenset()
    policies: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostLook:
    """An MX host at one moment.

    `tlsa`: SHA-256 of the keys announced before its addresses were asked, if any are announced
    still. `keys`: "address algorithm" to the SHA-256 of the key that it serves, None where it
    answers without TLS; addresses that do not answer are not there.
    """

    host: str
    tlsa: frozenset[str]
    keys: Mapping[str, str | None]


@dataclass
class _Announced:
    """An id, its text, the text that followed under the same id, and who serves that already."""

    id: str
    text: str
    following: str | None = None
    moved: set[str] = field(default_factory=set)


class Sender:
    """All senders there could be: `faults` says what one of them would stumble over."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._announced: dict[str, _Announced] = {}
        self._kept: dict[str, dict[str, Policy]] = {}

    def see_domain(self, look: DomainLook) -> None:
        """Every MX is in the policy that is served and in the one that is announced."""
        if look.id is None:
            return
        self._say(look, look.errors)
        if not look.addresses:
            self._say(look, ["is announced, and its policy host has no address"])
        policies = {}
        for address, text in look.policies.items():
            policies[text], wrong = parse(text)
            self._say(look, [f"{address}: {fault}" for fault in wrong])
        self._follow(look)
        kept = self._kept.setdefault(look.domain, {})
        kept |= policies
        known = self._announced.get(look.domain)
        if known is not None and known.text in kept:
            policies[known.text] = kept[known.text]
        for policy in policies.values():
            left_out = [name for name in sorted(look.mx) if not allows(policy, name)]
            self._say(look, [f"MX {name} is not in {policy}" for name in left_out])
        # Whoever keeps an older one still finds a host (section 8.1).
        for policy in kept.values():
            if look.mx and not any(allows(policy, name) for name in look.mx):
                self._say(look, [f"no MX of {sorted(look.mx)} is in {policy}, which may be kept"])

    def _follow(self, look: DomainLook) -> None:
        """An id stands for one text: new everywhere before the id changes, never old after it."""
        if look.id is None or not look.policies:
            return
        known, texts = self._announced.get(look.domain), set(look.policies.values())
        if known is None or known.id != look.id:
            if len(texts) > 1:
                self._say(look, [f"{look.id} is announced while {len(texts)} policies are served"])
            elif known is not None and texts == {known.text}:
                self._say(look, [f"{look.id} is announced while the former policy is served"])
            self._announced[look.domain] = _Announced(look.id, min(texts))
            return
        for address, text in look.policies.items():
            if text == known.text and address in known.moved:
                self._say(look, [f"{address} serves the former policy again"])
            elif text != known.text:
                known.following = known.following or text
                known.moved.add(address)
                if text != known.following:
                    self._say(look, [f"{address} serves a third policy under {look.id}"])

    def see_host(self, look: HostLook) -> None:
        """At every address, for both algorithms, the key that is served is announced."""
        if look.tlsa:
            for place, key in look.keys.items():
                if key is None:
                    self.faults.append(f"{look.host}: {place}: announced, and there is no TLS")
                elif key not in look.tlsa:
                    self.faults.append(f"{look.host}: {place}: {key} is served, not announced")

    def _say(self, look: DomainLook, faults: list[str] | tuple[str, ...]) -> None:
        self.faults += [f"{look.domain}: {fault}" for fault in faults]
