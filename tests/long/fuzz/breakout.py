"""Whether a value stays where it was put: the facts of all that is rendered, before and after."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

from tests.long.fuzz.readers import Fact, Unreadable, read

# Digests change with what they are of.
_DIGEST = re.compile(r"\b(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{16,}\b|sha256:\S+")


@functools.lru_cache(maxsize=4096)
def _facts(name: str, text: str) -> Counter[Fact]:
    return Counter(
        (_DIGEST.sub("#", key), _DIGEST.sub("#", value)) for key, value in read(name, text)
    )


def forms(text: str) -> set[str]:
    """A value as programs may write it: as it is, or an address or network in its usual form."""
    found = {text, text.strip(), " ".join(text.split()), text.lower(), re.escape(text)}
    # In the quotes of a zone file, as strings of at most 255 bytes (RFC 1035 sections 3.3, 5.1).
    strings = [text[at : at + 255] for at in range(0, len(text), 255)]
    found.add('" "'.join(re.sub(r'(["\\])', r"\\\1", each) for each in strings))
    for make in (ip_address, ip_network):
        try:
            found.add(str(make(text)))
        except ValueError:
            continue
    return found


# Windows of updates follow each other in the order of the hosts' keys, so a key moves them. Probes
# ask for the first domain by name, so that the name of another one may move them.
_OF_THE_ORDER = re.compile(
    r"Timer\.OnCalendar \*-\*-\* \d\d:\d\d:00 UTC|"
    r"\.probe\[\]\.run\[\] (--\S+=)?([a-z]+@)?[a-z0-9.-]+\.test"
)


def _parent(fact: Fact, words: Iterable[str]) -> bool:
    """Whether a fact is Postfix' mydomain, which is a host's name without its first label."""
    return fact[0] == "mydomain" and any(fact[1] == each.partition(".")[2] for each in words)


def breakouts(
    before: Mapping[str, str], after: Mapping[str, str], old: Iterable[str], new: Iterable[str]
) -> Iterable[str]:
    """What a new value changed beyond itself, one line each; `old`, `new`: as may be written."""
    mine = {_DIGEST.sub("#", form) for text in new for form in forms(text)}
    theirs = {_DIGEST.sub("#", form) for text in old for form in forms(text)}
    names = _partners(before, after, theirs, mine)
    for name in sorted((before.keys() - names.values()) | (after.keys() - names.keys())):
        yield f"{name}: there before or after only"
    for name, text in after.items():
        former = before.get(names.get(name, ""))
        if former is None or former == text:
            continue
        plain = re.sub(r"^\w+:(?=/|\w+\.manifest)", "", name)
        try:
            was, now = _facts(plain, former), _facts(plain, text)
        except Unreadable as error:
            yield f"{name}: cannot be read any more: {error}"
            continue
        if was.total() != now.total():
            yield f"{name}: {was.total()} facts became {now.total()}: {_some(now - was)}"
        for facts, words in ((now - was, mine), (was - now, theirs)):
            for fact in facts:
                if _OF_THE_ORDER.fullmatch(" ".join(fact)) or _parent(fact, words):
                    continue
                if not any(form in part for form in words for part in fact):
                    yield f"{name}: changed elsewhere: {fact!r}"


def _partners(
    before: Iterable[str], after: Iterable[str], old: Iterable[str], new: Iterable[str]
) -> dict[str, str]:
    """Name of a text to its name before: the same, or with the old value in place of the new.

    Paths have names of hosts and domains.
    """
    found = {name: name for name in after if name in set(before)}
    gone = [name for name in before if name not in found]
    for name in after:
        for former in gone if name not in found else ():
            moved = (
                former.replace(was, now, times)
                for was in old
                if was and was in former
                for now in new
                for times in (1, -1)
            )
            if name in moved:
                found[name] = former
    return found


def _some(facts: Counter[Fact]) -> str:
    return ", ".join(f"{key}={value}" for key, value in list(facts)[:3])
