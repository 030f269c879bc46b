"""Takes secrets out of what other programs say: whole, as a part of a line, or in another form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

# Shorter words are common ones; a whole line of a secret file may be shorter.
SHORTEST_LINE, SHORTEST_PART = 4, 8
# From here on a value is found where a program broke it into lines, too.
BREAKABLE = 16
_ASSIGNMENT = re.compile(r"""^[\w.-]+\s*[=:]\s*(.*?)[\s;,]*$""")
SHOWN = "[secret]"


def redacter(texts: Iterable[str]) -> re.Pattern[str] | None:
    """The pattern of all that must not be shown of secret texts; None when there is nothing."""
    found: set[str] = set()
    for text in texts:
        lines = {line.strip() for line in text.splitlines()}
        found |= {line for line in lines if len(line) >= SHORTEST_LINE}
        parts = {part for part in _parts(text) if len(part) >= SHORTEST_PART}
        found |= {form for part in parts for form in _forms(part)}
    # A longer one may have a shorter one in it, of which the rest would stay.
    words = sorted(found, key=len, reverse=True)
    return re.compile("|".join(map(_pattern, words))) if words else None


def _parts(text: str) -> Iterator[str]:
    """The values in a secret text: strings of JSON, the right side of `name = value`, lines."""
    try:
        yield from _strings(json.loads(text))
        return
    except ValueError:
        pass
    yield text.strip()
    for line in text.splitlines():
        line = line.strip()
        assigned = _ASSIGNMENT.match(line)
        yield (assigned[1].strip("\"'") if assigned else line)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _forms(part: str) -> Iterator[str]:
    """The part, and how it stands in a URL, in JSON, in base64 and in hexadecimal digits."""
    data = part.encode("utf-8", "surrogateescape")
    yield part
    for safe in ("", "/"):
        yield from (quote(part, safe, errors="replace"), quote_plus(part, safe, errors="replace"))
    yield json.dumps(part)[1:-1]
    yield from (data.hex(), data.hex().upper())
    # Inside of a longer text it begins at one of three places of a group (RFC 4648 section 4), and
    # its first and last group have bits of its neighbours.
    for before in range(3):
        groups = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        inner = groups[4 if before else 0 :]
        inner = inner[: len(inner) - 1 if (before + len(data)) % 3 else len(inner)]
        if len(inner) >= SHORTEST_PART:
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


def _pattern(word: str) -> str:
    if len(word) < BREAKABLE or "\n" in word:
        return r"\s*".join(re.escape(piece) for piece in word.split("\n"))
    return r"(?:\\?\n[ \t]*)?".join(re.escape(one) for one in word)
