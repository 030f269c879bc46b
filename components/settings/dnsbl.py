"""Lists of clients in DNS that postscreen(8) asks, each with the answers that count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from components.settings.types import Model

# Answers of a block list whose own answers are not known here. With 127.255.255.x a list refuses
# the resolver.
_USUAL = "127.0.0.[2..11]"
# Lists that answer otherwise. Sources: dnswl.org, "How to use" (127.0.CATEGORY.SCORE; 127.0.0.255
# is a refusal); mailspike.org, "Using" (good from 18 on, bad up to 14).
_ALLOWING = {"list.dnswl.org": "127.0.[2..20].[1..3]", "wl.mailspike.net": "127.0.0.[18..20]"}
_BLOCKING = {"bl.mailspike.net": "127.0.0.[2;10..14]"}
_PART = re.compile(r"\d+|\[\d+(\.\.\d+)?(;\d+(\.\.\d+)?)*\]")
_PARTS = re.compile(r"(\[[^]]*\]|\d+)\.(\[[^]]*\]|\d+)\.(\[[^]]*\]|\d+)\.(\[[^]]*\]|\d+)")

Weight = Annotated[StrictInt, Field(ge=-10, le=10)]


def _answers(value: str) -> str:
    """A filter of postscreen_dnsbl_sites (postconf(5)): four numbers, or ranges in brackets."""
    parts = _PARTS.fullmatch(value)
    if parts is None or not all(_PART.fullmatch(part) for part in parts.groups()):
        raise ValueError(
            f"{value!r} is not a filter of answers: expected are four numbers with dots; a "
            "number may also be a list of ranges such as [2..11] or [2;4;10..14]"
        )
    for part in parts.groups():
        for span in part.strip("[]").split(";"):
            low, _, high = span.partition("..")
            if not int(low) <= int(high or low) <= 255:
                raise ValueError(f"{value!r}: {span!r} is not a range within 0 to 255")
    if parts[1] != "127":
        raise ValueError(
            f"{value!r}: the first number must be 127, because all lists answer so (RFC 5782 "
            "section 2.1)"
        )
    second = [tuple(map(int, s.split(".."))) for s in parts[2].strip("[]").split(";")]
    if any(span[0] <= 255 <= span[-1] for span in second):
        raise ValueError(
            f"{value!r}: the filter matches 127.255.255.x, with which a list refuses the "
            "resolver; use a narrower one"
        )
    return value


class DnsblSiteSettings(Model):
    """A list whose answers are not those of a usual block list."""

    weight: Weight = Field(
        description="Number added to a listed client's score; below 0 for an allow list."
    )
    answers: Annotated[str, AfterValidator(_answers)] = Field(
        description="Answers of the list that count, written as in postscreen_dnsbl_sites "
        "(postconf(5))."
    )


DnsblSite = Weight | DnsblSiteSettings


def weight(site: DnsblSite) -> int:
    """Number that is added to a listed client's score."""
    return site if isinstance(site, int) else site.weight


def answers(name: str, site: DnsblSite) -> str:
    """The filter of the answers that count."""
    if isinstance(site, DnsblSiteSettings):
        return site.answers
    return {**_ALLOWING, **_BLOCKING}.get(name, _USUAL)


def contradictions(path: str, sites: Mapping[str, DnsblSite]) -> Iterable[str]:
    """A line for each list whose weight has the wrong sign or whose answers are not known."""
    for name, site in sites.items():
        if name in _ALLOWING and weight(site) >= 0:
            yield f"{path}.{name}: this is an allow list, so its weight must be below 0"
        elif weight(site) < 0 and isinstance(site, int) and name not in _ALLOWING:
            yield (
                f"{path}.{name}: a weight below 0 is for an allow list, but only a block list "
                f"answers {_USUAL}; write {{weight: {site}, answers: ...}} with the answers "
                "that the list documents"
            )
