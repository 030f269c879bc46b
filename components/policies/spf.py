"""SPF (RFC 7208): terms of a record and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network

LOOKUP_LIMIT = 10
"""Terms that ask DNS, in a record and all that it includes (RFC 7208 section 4.6.4)."""
_ASKS = ("include", "a", "mx", "ptr", "exists", "redirect")
_TERM = re.compile(r"([-+~?]?)([a-zA-Z][a-zA-Z0-9_.-]*)(?:([:=])([^/\s]*))?((?:/\d*)*)")


@dataclass(frozen=True)
class Term:
    """A mechanism with its qualifier (`-`, `~`, `?`, `+`), or a modifier (qualifier empty)."""

    qualifier: str
    name: str
    value: str

    @property
    def asks(self) -> bool:
        """Whether it counts for `LOOKUP_LIMIT`."""
        return self.name in _ASKS


def terms(text: str) -> list[Term]:
    """The terms after the version. Raises ValueError that names the bad one."""
    found = []
    for word in text.split()[1:]:
        if re.match(r"[-+~?]?ip[46]:", word, re.IGNORECASE):
            head, _, value = word.partition(":")
            qualifier = head[0] if head[0] in "-+~?" else "+"
            found.append(Term(qualifier, head.lstrip("-+~?").lower(), value))
            continue
        match = _TERM.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r} is not a term")
        qualifier, name, sign, value, cidr = match.groups()
        if sign == "=":
            if qualifier:
                raise ValueError(f"{word!r} is a modifier with a qualifier")
            found.append(Term("", name.lower(), value + cidr))
        else:
            found.append(Term(qualifier or "+", name.lower(), (value or "") + cidr))
    return found


def _fault(term: Term) -> str | None:
    if not term.qualifier:
        return f"{term.name}= has no value" if not term.value else None
    if term.name in ("ip4", "ip6"):
        try:
            network = ip_network(term.value, strict=False)
        except ValueError:
            return f"{term.name}:{term.value} is not an address or network"
        if network.version != int(term.name[2]):
            return f"{term.name}:{term.value} has an address of the other family"
        return None
    if term.name in ("include", "exists"):
        return None if term.value.strip("/") else f"{term.name} names no domain"
    if term.name not in ("a", "mx", "ptr", "all"):
        return f"{term.name!r} is not a mechanism"
    return None


def faults(text: str) -> list[str]:
    """What makes receivers answer permerror, or lets everybody send; empty when there is none."""
    if text.split(" ")[0].lower() != "v=spf1":
        return ["it does not begin with v=spf1"]
    try:
        found = terms(text)
    except ValueError as error:
        return [str(error)]
    wrong = [fault for term in found if (fault := _fault(term))]
    names = [term.name for term in found]
    wrong += [f"{name}= stands twice" for name in ("redirect", "exp") if names.count(name) > 1]
    alls = [term.qualifier for term in found if term.name == "all"]
    if "+" in alls:
        wrong.append("+all lets every host of the world send in the domain's name")
    if not alls and "redirect" not in names:
        wrong.append("it ends neither with all nor with redirect=, so it says nothing of others")
    if sum(term.asks for term in found) > LOOKUP_LIMIT:
        wrong.append(f"it has more than {LOOKUP_LIMIT} terms that ask DNS")
    return wrong
