"""What is known of a table without asking Postfix: static:, inline:, and text files at hand.

Sources: src/util/dict_static.c, dict_inline.c, dict_open.c; DATABASE_README; postmap(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import Literal

from components.postconf.syntax import SPACE, latin, logical_lines, words

TYPES = frozenset(
    (
        *("btree", "cdb", "cidr", "dbm", "environ", "fail", "hash", "inline", "internal"),
        *("ldap", "lmdb", "memcache", "mongodb", "mysql", "netinfo", "nis", "nisplus", "pcre"),
        *("pgsql", "pipemap", "proxy", "randmap", "regexp", "sdbm", "socketmap", "sqlite"),
        *("static", "tcp", "texthash", "unionmap", "unix"),
    )
)
"""Types of some version or package of Postfix (postconf -m, dynamicmaps.cf(5))."""
_INDEXED = ("hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash")
_PATTERNS = ("cidr", "pcre", "regexp")
Asked = Literal["client", "domain", "address", "server"]
"""What a table is asked for: a client's name and address, a domain, a mail address, or names and
addresses of servers, of which nobody knows what strangers have."""
# Keys that only a pattern for everybody matches all of; a client is asked for by name and address.
_STRANGERS: dict[Asked, dict[str, tuple[str, ...]]] = {
    "client": {
        "names": ("unknown", "a4-7.stranger.example.org", "mta_1x.foreign-host.example"),
        "addresses": ("198.51.100.77", "93.184.216.134", "2001:db8:9::1f"),
    },
    "domain": {"domains": ("stranger.example.org", "foreign-host.example", "x7q.net")},
    "server": {},
    "address": {"addresses": ("q7+x@stranger.example.org", "Some_One.else@foreign-host.example")},
}
# A repeated group may take for ever on a pattern of a hostile file.
_SLOW = re.compile(r"\)[*+{?]|\\[1-9]")
_REPEATED = re.compile(r"[*+{]")
_MULTICAST = IPv4Address("224.0.0.0")
_GLOBAL = IPv6Network("2000::/3")


@dataclass(frozen=True)
class Table:
    """A table: its type, whether its content is known, and that content."""

    kind: str
    known: bool = False
    entries: tuple[tuple[str, str], ...] = ()
    """Key, or pattern, and result; a pattern inside `if` has no key here."""

    def results(self) -> list[str]:
        """Every result that the table can give, as far as it is known."""
        return [result for _, result in self.entries]

    def strangers(self, asked: Asked) -> list[str]:
        """What strangers get: results of entries that match nearly everybody.

        A pattern that matches everybody hides those after it; networks do so for their own family.
        """
        if self.kind == "static":
            return self.results()
        found: dict[str, str] = {}
        for key, result in self.entries if self.kind in _PATTERNS else ():
            for family in _matched(self.kind, key, asked):
                found.setdefault(family, result)
        return list(dict.fromkeys(found.values()))


def _inline(name: str) -> Table:
    entries = []
    inner = name.strip(SPACE)
    if inner.startswith("{") and inner.endswith("}"):
        for word in words(inner[1:-1]):
            text = word[1:-1] if word.startswith("{") and word.endswith("}") else word
            key, equals, result = text.partition("=")
            if equals:
                entries.append((key.strip(SPACE), result.strip(SPACE)))
    return Table("inline", known=True, entries=tuple(entries))


def _patterns(lines: list[str]) -> list[tuple[str, str]]:
    """Entries of cidr:, pcre: and regexp: tables: a pattern, blanks, a result."""
    found = []
    inside = 0
    for line in lines:
        first = line.split(None, 1)[0].lower() if line.strip() else ""
        if first in ("if", "endif"):
            inside += 1 if first == "if" else -1
            continue
        match = re.match(r"(!?(?:/(?:[^/\\]|\\.)*/\w*|\S+))\s+(.*)", line, re.S)
        if match:
            found.append(("" if inside > 0 else match[1], match[2].strip()))
    return found


def _matched(kind: str, key: str, asked: Asked) -> list[str]:
    """The families of keys of which a pattern matches nearly all."""
    if kind == "cidr":
        family = widest(key)
        return [family] if family and asked == "client" else []
    match = re.fullmatch(r"(!?)/(.*)/(\w*)", key, re.S)
    if match is None or _SLOW.search(match[2]) or len(_REPEATED.findall(match[2])) > 3:
        return []
    try:
        pattern = re.compile(match[2], 0 if "i" in match[3] else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return []
    return [
        family
        for family, keys in _STRANGERS[asked].items()
        if all((pattern.search(one) is None) == bool(match[1]) for one in keys)
    ]


def widest(word: str) -> str:
    """The family of a network so wide that strangers are in it, "IPv4" or "IPv6"; else ""."""
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        return ""
    if isinstance(network, IPv4Network):
        return "IPv4" if network.prefixlen < 8 and network.network_address < _MULTICAST else ""
    return "IPv6" if network.prefixlen < 16 and network.overlaps(_GLOBAL) else ""


def table(word: str, files: Mapping[str, bytes]) -> Table:
    """What is known of "type:name"; `files` are text files by path."""
    inner = word.strip(SPACE)
    if inner.startswith("{") and inner.endswith("}"):  # { type:name, search_order = ... }
        inner = next(iter(words(inner[1:-1])), "")
    kind, _, name = inner.partition(":")
    while kind == "proxy":
        kind, _, name = name.partition(":")
    if kind == "static":
        text = name.strip(SPACE)
        text = text[1:-1].strip(SPACE) if text.startswith("{") and text.endswith("}") else text
        return Table("static", known=True, entries=(("", text),))
    if kind == "inline":
        return _inline(name)
    if kind in _PATTERNS and name.strip(SPACE).startswith("{"):
        rows = words(name.strip(SPACE)[1:-1])
        found = _patterns([row[1:-1].strip(SPACE) for row in rows])
        return Table(kind, known=True, entries=tuple(found))
    if kind in (*_INDEXED, *_PATTERNS) and name in files:
        lines = ["".join(piece for _, piece in one) for one in logical_lines(latin(files[name]))]
        if kind in _PATTERNS:
            return Table(kind, known=True, entries=tuple(_patterns(lines)))
        pairs = [line.split(None, 1) for line in lines]
        return Table(kind, True, tuple((pair[0], "".join(pair[1:]).strip()) for pair in pairs))
    return Table(kind)
