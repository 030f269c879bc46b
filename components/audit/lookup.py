"""What is known of a table without asking Postfix: static:, inline:, and text files at hand.

Sources: src/util/dict_static.c, dict_inline.c, dict_open.c; DATABASE_README; postmap(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

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


@dataclass(frozen=True)
class Table:
    """A table: its type, whether its content is known, and that content."""

    kind: str
    known: bool = False
    always: str | None = None
    """What every lookup gives, where a table gives the same for all keys."""
    entries: tuple[tuple[str, str], ...] = ()
    """Key, or pattern, and result."""

    def results(self) -> list[str]:
        """Every result that the table can give, as far as it is known."""
        return [self.always] if self.always is not None else [result for _, result in self.entries]


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
    for line in lines:
        match = re.match(r"(!?(?:/(?:[^/\\]|\\.)*/\w*|\S+))\s+(.*)", line, re.S)
        if match:
            found.append((match[1], match[2].strip()))
    return found


def _everybody(kind: str, key: str) -> bool:
    """Tell whether a pattern matches every key."""
    if kind == "cidr":
        try:
            return ip_network(key, strict=False).prefixlen == 0
        except ValueError:
            return False
    return kind in _PATTERNS and re.fullmatch(r"/(\^?\.[*+]\$?|\^|\.|\$|)/\w*", key) is not None


def _from(kind: str, entries: list[tuple[str, str]]) -> Table:
    first = entries[0] if entries else None
    always = first[1] if first and _everybody(kind, first[0]) else None
    return Table(kind, known=True, always=always, entries=tuple(entries))


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
        return Table("static", known=True, always=text)
    if kind == "inline":
        return _inline(name)
    if kind in _PATTERNS and name.strip(SPACE).startswith("{"):
        rows = words(name.strip(SPACE)[1:-1])
        return _from(kind, _patterns([row[1:-1].strip(SPACE) for row in rows]))
    if kind in (*_INDEXED, *_PATTERNS) and name in files:
        lines = ["".join(piece for _, piece in one) for one in logical_lines(latin(files[name]))]
        if kind in _PATTERNS:
            return _from(kind, _patterns(lines))
        pairs = [line.split(None, 1) for line in lines]
        return Table(
            kind, True, None, tuple((pair[0], "".join(pair[1:]).strip()) for pair in pairs)
        )
    return Table(kind)
