"""SPF (RFC 7208): terms of a record and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

LOOKUP_LIMIT = 10
"""Terms that ask DNS, in a record and all that it includes (RFC 7208 section 4.6.4)."""
_ASKS = ("include", "a", "mx", "ptr", "exists", "redirect")
_MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
_MODIFIER = re.compile(r"([a-zA-Z][a-zA-Z0-9_.-]*)=(.*)")
_MECHANISM = re.compile(r"([-+~?]?)([a-zA-Z][a-zA-Z0-9_.-]*)(?:([:/])(.*))?")
_VERSION = re.compile(r"v=spf1", re.IGNORECASE)
# Section 7.1. The letters c, r and t are for the text of exp= alone (section 7.2).
_MACRO = re.compile(r"%(?:[%_-]|\{[slodiphv](?:[1-9][0-9]*)?r?[-.+,/_=]*\})", re.IGNORECASE)
_EXP_MACRO = re.compile(r"%(?:[%_-]|\{[slodiphvcrt](?:[1-9][0-9]*)?r?[-.+,/_=]*\})", re.IGNORECASE)
_TOP_LABEL = re.compile(r"(?=.*[A-Za-z-])[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
# Section 5.6: no leading zeros.
_CIDR = re.compile(r"(?P<name>.*?)(?:/(?P<v4>0|[1-9][0-9]*))?(?://(?P<v6>0|[1-9][0-9]*))?")
# A wider network lets strangers send in the domain's name.
_WIDEST = {4: 8, 6: 16}


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
        modifier = _MODIFIER.fullmatch(word)
        if modifier is not None:
            found.append(Term("", modifier[1].lower(), modifier[2]))
            continue
        if _MODIFIER.fullmatch(word.lstrip("-+~?")):
            raise ValueError(f"{word!r} is a modifier with a qualifier")
        match = _MECHANISM.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r} is not a term")
        qualifier, name, sign, value = match.groups()
        found.append(
            Term(qualifier or "+", name.lower(), ("/" if sign == "/" else "") + (value or ""))
        )
    return found


def _domain_fault(text: str, macro: re.Pattern[str] = _MACRO) -> str | None:
    """What is wrong with a domain-spec (section 7.1)."""
    rest = macro.sub("", text)
    if "%" in rest:
        at = rest.index("%")
        return f"{rest[at : at + 4]!r} is no macro"
    try:
        address = ip_address(text)
    except ValueError:
        # The end is a macro, or a label that is no number after a dot.
        last = list(macro.finditer(text))
        if last and last[-1].end() == len(text):
            return None
        head, dot, label = text.removesuffix(".").rpartition(".")
        if not dot or not head or not _TOP_LABEL.fullmatch(label):
            return f"{text!r} is not a domain name"
        return None
    return f"{text} is an address, but a name is expected; write ip{address.version}:{text}"


def _network_fault(term: Term) -> str | None:
    where = f"{term.name}:{term.value}"
    if re.search(r"/0\d", term.value):
        return f"{where} has a prefix with a leading zero"
    try:
        network = ip_network(term.value, strict=False)
    except ValueError:
        return f"{where} is not an address or network"
    if network.version != int(term.name[2]):
        return f"{where} has an address of the other IP version"
    return _wide(term, where, network.version, network.prefixlen)


def _wide(term: Term, where: str, version: int, prefix: int) -> str | None:
    if term.qualifier == "+" and prefix < _WIDEST[version]:
        return f"{where} lets a large part of the world send in the domain's name"
    return None


def _host_fault(term: Term) -> str | None:
    """What is wrong with `a` or `mx`: domain and two prefix lengths (sections 5.3, 5.4, 5.6)."""
    match = _CIDR.fullmatch(term.value)
    where = f"{term.name}{'' if term.value.startswith('/') else ':'}{term.value}"
    if match is None:
        return f"{where} is not a term"
    # The digits of an address of IPv6 have colons; a macro may have a slash.
    if "/" in _MACRO.sub("", match["name"]):
        return f"{where} has a prefix that is not a number"
    for version, group, most in ((4, "v4", 32), (6, "v6", 128)):
        length = match[group]
        if length is not None and int(length) > most:
            return f"{where}: /{length} is too long for IPv{version}"
        if length is not None and (wide := _wide(term, where, version, int(length))):
            return wide
    wrong = _domain_fault(match["name"]) if match["name"] else None
    return f"{where}: {wrong}" if wrong else None


def _fault(term: Term) -> str | None:
    if not term.qualifier:
        return _modifier_fault(term)
    if term.name in ("ip4", "ip6"):
        return _network_fault(term)
    if term.name in ("a", "mx"):
        return _host_fault(term)
    if term.name in ("include", "exists", "ptr"):
        if not term.value.strip("/"):
            return None if term.name == "ptr" and not term.value else f"{term.name} needs a domain"
        if "/" in _MACRO.sub("", term.value):
            return f"{term.name}:{term.value} has a prefix, which only a, mx, ip4 and ip6 have"
        wrong = _domain_fault(term.value)
        return f"{term.name}:{term.value}: {wrong}" if wrong else None
    if term.name == "all":
        return f"all takes no value, but here it has {term.value!r}" if term.value else None
    return f"{term.name!r} is not a mechanism"


def _modifier_fault(term: Term) -> str | None:
    where = f"{term.name}={term.value}"
    if _VERSION.fullmatch(where):
        return "the text has two records; receivers read the second one as a modifier"
    if term.name in _MECHANISMS:
        return f"{where} is an unknown modifier; write {term.name}:{term.value}"
    if not term.value and term.name in ("redirect", "exp"):
        return f"{term.name}= has no value"
    if term.name in ("redirect", "exp"):
        wrong = _domain_fault(term.value)
        return f"{where}: {wrong}" if wrong else None
    rest = _EXP_MACRO.sub("", term.value)
    return f"{where} has a % that does not begin a macro" if "%" in rest else None


def faults(text: str) -> list[str]:
    """What makes receivers answer permerror, says less than is written, or lets everybody send."""
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
        wrong.append(
            "it ends neither with all nor with redirect=, so it does not say what other hosts "
            "may do"
        )
    if alls:
        wrong += _after_all(found, names)
    if sum(term.asks for term in found) > LOOKUP_LIMIT:
        wrong.append(f"it has more than {LOOKUP_LIMIT} terms that ask DNS")
    return wrong


def _after_all(found: list[Term], names: list[str]) -> list[str]:
    """Terms that nobody looks at, because `all` fits every sender (sections 5.1, 6.1)."""
    wrong = [
        f"{term.name}{f':{term.value}' if term.value else ''} stands after all, "
        "which fits everybody: it is never looked at"
        for term in found[names.index("all") + 1 :]
        if term.qualifier
    ]
    if "redirect" in names:
        wrong.append("redirect= does nothing beside all")
    return wrong
