"""Which records of a live zone the stack can take over as they are, and what that needs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.dns import data as dns_data
from components.dns import exchangers, foreign, foreign_words, leftovers
from components.dns.foreign import Met
from components.dns.records import Record
from components.policies import dkim, dmarc, spf, tlsrpt
from components.settings.environment import Settings

Path = tuple[str, ...]
Edit = tuple[Path, str | int]
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_AUTOMATIC = 1
# What the stack file calls a policy of a mail domain, by the beginning of its record's key.
_POLICIES = {
    "spf": ("spf", spf.faults),
    "dmarc": ("dmarc", dmarc.faults),
    "tlsrpt": ("tlsRpt", tlsrpt.faults),
}


@dataclass(frozen=True)
class Offer:
    """A record of others at a name of ours.

    `key`: our record's. `identifier`: of the record at the API. `edits`: what the stack file gets
    below mx:mail, path to value; empty when it cannot be taken over, and `words` say why and what
    to do instead.
    """

    key: str
    zone: str
    name: str
    type: str
    content: str
    ttl: int
    identifier: str
    words: str
    edits: tuple[Edit, ...] = ()


@dataclass
class Found:
    """`offers`: what meets a record of ours in its place. `beside`: sentences on what stays."""

    offers: list[Offer] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


def find(
    settings: Settings,
    wanted: Sequence[Record],
    listed: Mapping[str, Collection[Mapping[str, Any]]],
    held: Mapping[str, str],
) -> Found:
    """Judge all zones; see `components.dns.foreign.meet` for what is given."""
    found = Found()
    for met in foreign.meet(wanted, listed, held, settings.dns.adopt):
        if met.kind in ("same", "single") and not met.is_there:
            found.offers.append(_offer(settings, met))
        elif met.kind == "cname":
            words = (
                "a CNAME must be the only record of its name, so it cannot be taken over: "
                "remove it by hand when this stack's record is to come"
            )
            found.offers.append(_by_hand(met, words))
        elif met.kind != "same":
            found.beside.append(foreign_words.line(met))
    ours = {*held.values(), *settings.dns.adopt.values()}
    found.beside += exchangers.told(settings, listed, ours)
    found.beside += leftovers.told(settings, listed, ours)
    counted: dict[str, int] = {}
    for offer in found.offers:
        counted[offer.key] = counted.get(offer.key, 0) + 1
    several = {key for key, count in counted.items() if count > 1}
    found.offers = [_one_of_several(each) if each.key in several else each for each in found.offers]
    found.beside = list(dict.fromkeys(found.beside))
    return found


def _offer(settings: Settings, met: Met) -> Offer:
    other = met.other
    if other.get("proxied"):
        return _by_hand(met, "it is proxied, which mail cannot use: switch the proxy off first")
    if other.get("comment") or other.get("tags"):
        words = "it has a comment or tags at Cloudflare, which the stack would not have: clear them"
        return _by_hand(met, words)
    edits: list[Edit] = []
    if met.kind == "single":
        text, path = unquoted(str(other.get("content"))), _place(settings, met.record.key)
        if path is None:
            words = (
                "the stack makes this text itself, so another one cannot be kept: remove the record"
            )
            return _by_hand(met, f"{words} when this stack's record is to come")
        faults = _faults(met.record.key, text)
        if faults:
            return _by_hand(met, f"receivers read it as broken ({faults[0]}): correct it first")
        edits.append((path, text))
    if met.record.type == "TXT" and not str(other.get("content")).startswith('"'):
        return _by_hand(met, "the API has it without quotes: save it once more at Cloudflare")
    if (
        met.record.type == "TXT"
        and dns_data.txt(unquoted(str(other["content"]))) != other["content"]
    ):
        words = "its text is cut into strings in another way: save it once more at Cloudflare"
        return _by_hand(met, words)
    ttl = int(other.get("ttl") or _AUTOMATIC)
    if ttl != settings.dns.ttl_of(met.record.key):
        edits.append((("dns", "recordTtlSeconds", met.record.key), ttl))
    edits.append((("dns", "adopt", met.record.key), str(other.get("id"))))
    return _made(met, "is taken over as it is", tuple(edits))


def _made(met: Met, words: str, edits: tuple[Edit, ...] = ()) -> Offer:
    other = met.other
    return Offer(
        met.record.key,
        met.record.zone,
        str(other.get("name")),
        str(other.get("type")),
        str(other.get("content")),
        int(other.get("ttl") or _AUTOMATIC),
        str(other.get("id")),
        words,
        edits,
    )


def _by_hand(met: Met, words: str) -> Offer:
    return _made(met, words)


def _one_of_several(offer: Offer) -> Offer:
    """Two SPF records are void already, and nobody knows which one is meant."""
    words = (
        "the name has several of this kind, and receivers ignore all of them today: leave the "
        "right one, then try again"
    )
    return Offer(**{**vars(offer), "words": words, "edits": ()})


def _place(settings: Settings, key: str) -> Path | None:
    """Where in the stack file the text of a policy is, or None when nobody writes it there."""
    kind, _, rest = key.partition("-")
    if kind in _POLICIES and rest in settings.domains:
        return ("domains", rest, "records", _POLICIES[kind][0])
    for name, domain in settings.domains.items():
        selector = key.removeprefix(f"dkim-{name}-")
        if selector != key and selector in domain.records.dkim:
            return ("domains", name, "records", "dkim", selector)
    return None


def _faults(key: str, text: str) -> list[str]:
    kind = key.partition("-")[0]
    judged = dkim.faults if kind == "dkim" else _POLICIES[kind][1]
    return judged(text)


def unquoted(content: str) -> str:
    """The text of a TXT record from its quoted strings (RFC 1035 section 5.1)."""
    strings = _STRING.findall(content)
    if not strings:
        return content
    return "".join(re.sub(r"\\(.)", r"\1", each) for each in strings)
