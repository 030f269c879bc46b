"""DNS lists: what each lists, the answers that mean "listed", and the lists that are gone.

A list may answer with other addresses to say that it does not answer: Spamhaus 127.255.255.252 to
.255 for resolvers that ask too much or too openly, URIBL 127.0.0.1. Without codes after the name
Postfix takes every answer for a listing. Sources: the lists' own pages on return codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from components.postconf.syntax import shown, words

Kind = Literal["addresses", "domains", "allow"]

NAME = re.compile(
    r"(?=[^=]{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?"
)
"""A name of a list that DNS can be asked for."""
_PART = r"(\d+|\[\d+(\.\.\d+)?(;\d+(\.\.\d+)?)*\])"
_ANSWERS = re.compile(rf"{_PART}\.{_PART}\.{_PART}\.{_PART}")


@dataclass(frozen=True)
class DnsList:
    """One list: what it is asked for, and the answers that count ("" where they are not known)."""

    kind: Kind
    codes: str = ""


LISTS = {
    "zen.spamhaus.org": DnsList("addresses", "127.0.0.[2..11]"),
    "sbl.spamhaus.org": DnsList("addresses", "127.0.0.[2..3;9]"),
    "xbl.spamhaus.org": DnsList("addresses", "127.0.0.[4..7]"),
    "pbl.spamhaus.org": DnsList("addresses", "127.0.0.[10..11]"),
    "sbl-xbl.spamhaus.org": DnsList("addresses", "127.0.0.[2..9]"),
    "dbl.spamhaus.org": DnsList("domains", "127.0.1.[2..99]"),
    "zrd.spamhaus.org": DnsList("domains", "127.0.2.[2..24]"),
    "bl.spamcop.net": DnsList("addresses", "127.0.0.2"),
    "b.barracudacentral.org": DnsList("addresses", "127.0.0.2"),
    "bb.barracudacentral.org": DnsList("addresses", "127.0.0.2"),
    "psbl.surriel.com": DnsList("addresses", "127.0.0.2"),
    "all.s5h.net": DnsList("addresses", "127.0.0.2"),
    "dnsbl-1.uceprotect.net": DnsList("addresses", "127.0.0.2"),
    "dnsbl-2.uceprotect.net": DnsList("addresses", "127.0.0.2"),
    "dnsbl-3.uceprotect.net": DnsList("addresses", "127.0.0.2"),
    "bl.blocklist.de": DnsList("addresses", "127.0.0.[2..21]"),
    "dnsbl.dronebl.org": DnsList("addresses", "127.0.0.[3..19]"),
    "bl.mailspike.net": DnsList("addresses", "127.0.0.[10..14]"),
    "z.mailspike.net": DnsList("addresses", "127.0.0.2"),
    "black.uribl.com": DnsList("domains", "127.0.0.[2..255]"),
    "multi.uribl.com": DnsList("domains", "127.0.0.[2..255]"),
    "multi.surbl.org": DnsList("domains", "127.0.0.[2..255]"),
    "list.dnswl.org": DnsList("allow", "127.0.[0..255].[0..3]"),
    "wl.mailspike.net": DnsList("allow", "127.0.0.[18..20]"),
    "iadb.isipp.com": DnsList("allow", "127.[0..3].[0..255].[0..255]"),
}
"""Lists that answer, by name."""

GONE = {
    "ordb.org": "2006",
    "opm.blitzed.org": "2006",
    "dsbl.org": "2008",
    "rfc-ignorant.org": "2012",
    "njabl.org": "2013",
    "ahbl.org": "2015",
    "spamcannibal.org": "2018",
    "mail-abuse.org": "2007",
    "mail-abuse.com": "2007",
    "maps.vix.com": "2001",
    "blackholes.easynet.nl": "2003",
    "csma.biz": "2014",
    "dnsbl.inps.de": "2020",
    "ix.dnsbl.manitu.net": "2025",
    "cbl.abuseat.org": "2021",
    "sorbs.net": "2024",
    "swl.spamhaus.org": "2015",
    "dwl.spamhaus.org": "2015",
    "orbs.org": "2001",
    "orbz.org": "2002",
    "osirusoft.com": "2003",
    "monkeys.com": "2003",
    "virbl.dnsbl.bit.nl": "2017",
    "virbl.bit.nl": "2017",
    "sectoor.de": "2018",
    "emailbasura.org": "2019",
    "megarbl.net": "2019",
    "dnswl.inps.de": "2020",
    "ubl.unsubscore.com": "2024",
    "drbl.drand.net": "2024",
    "moensted.dk": "",
    "five-ten-sg.com": "",
    "spam.abuse.ch": "",
    "drone.abuse.ch": "",
    "httpbl.abuse.ch": "",
    "dnsbl.abuse.ch": "",
    "wormrbl.imp.ch": "",
    "wpbl.info": "",
    "dnsbl.cyberlogic.net": "",
}
"""Lists that are gone, with all names below them, and the year, or "" where it is not known.

Some answered "listed" for all the world when they closed (ORDB in 2008, AHBL in 2015) or when
somebody else took their name (spamcannibal.org and emailbasura.org in 2019)."""


# By these a list says that it does not answer this resolver, whatever it was asked.
_REFUSALS = {"list.dnswl.org": "127.0.0.255"}
_REFUSAL = "127.255.255.[252..255]"


def refusal(name: str) -> str:
    """The answers by which a list refuses a resolver."""
    return _REFUSALS.get(name.lower().rstrip("."), _REFUSAL)


def gone(name: str) -> str | None:
    """The year since which a list is gone; None when it is not known to be."""
    labels = name.lower().rstrip(".").split(".")
    for at in range(len(labels) - 1):
        year = GONE.get(".".join(labels[at:]))
        if year is not None:
            return year
    return None


def _octet(text: str) -> frozenset[int] | None:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    found: set[int] = set()
    for part in inner.split(";"):
        first, dots, last = part.partition("..")
        if not first.isdigit() or (dots and not last.isdigit()):
            return None
        found.update(range(int(first), min(int(last or first), 255) + 1))
    return frozenset(found)


def octets(codes: str) -> list[frozenset[int]] | None:
    """The four sets of numbers of a filter such as 127.0.0.[2..11;20]; None when it is none."""
    parts = re.findall(r"\[[^\]]*\]|[^.\[\]]+", codes)
    sets = [_octet(part) for part in parts]
    if len(sets) != 4 or any(one is None for one in sets):
        return None
    return [one for one in sets if one is not None]


def overlaps(one: str, other: str) -> bool:
    """Tell whether an answer can match both filters; True when one of them cannot be read."""
    first, second = octets(one), octets(other)
    if first is None or second is None:
        return True
    return all(left & right for left, right in zip(first, second, strict=True))


def answers(codes: str) -> str | None:
    """Why Postfix cannot read a filter of answers, such as 127.0.0.[2..11;20] (ip_match.c)."""
    parts = _ANSWERS.fullmatch(codes)
    if parts is None:
        return f"{shown(codes[:60])!r} is no filter of answers: 127.0.0.2 or 127.0.0.[2..11;20] is"
    for span in re.findall(r"\d+(?:\.\.\d+)?", codes.replace("].", "] ").replace(".[", " [")):
        low, dots, high = span.partition("..")
        if dots and int(low) > int(high):
            return f"{shown(codes[:60])!r}: {span} is no range"
    if any(int(number) > 255 for number in re.findall(r"\d+", codes)):
        return f"{shown(codes[:60])!r} has a number above 255"
    return None


def sites(value: str) -> str | None:
    """Why postscreen(8) dies at a list of lists, NAME=ANSWERS*WEIGHT; None when it does not."""
    for word in words(value):
        site, star, weight = word.partition("*")
        name, equals, codes = site.partition("=")
        if star and not re.fullmatch(r"[-+]?\d+", weight):
            return f"{shown(word[:60])!r} has no number after *; NAME=ANSWERS*WEIGHT is the order"
        if equals and (wrong := answers(codes)) is not None:
            return wrong
        if not NAME.fullmatch(name):
            return f"{shown(name[:60])!r} is no name of a list in DNS"
    return None
