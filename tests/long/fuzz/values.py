"""Seeded hostile values: the text of a place with characters and fragments that end words."""

from __future__ import annotations

import random
from collections.abc import Iterator

SIGNS = "\"'`$;|&<>%{}[]()#\\/*?~!=,:@+^-_. \n\t\r\0"
UNSEEN = "\x0b\x0c\x1b\x1c\x7f\x85\x9b\xa0\u200b\u200e\u2028\u2029\u202e\u2066\ufeff\U000e0041"
LETTERS = "aZ0\xe9\u0131\U0001f4a9\ud800"
FRAGMENTS = (
    *("`id`", "$(id)", "${IFS}", "$x", "$$", ";id;", "&&id", "|id", ">/x", "%s", "%%", "%h", "{{"),
    *(
        "}}",
        "{x}",
        "# x",
        " #",
        "\\n",
        '\\"',
        "\\",
        "/../../etc/passwd",
        "../",
        "//",
        "<b>",
        "<!--",
    ),
    *("' OR 1=1 --", "'; DROP TABLE recipient; --", '"; touch /tmp/x; "', '" --config /tmp/x "'),
    *(
        "\nmynetworks = 0.0.0.0/0",
        "\n  next",
        "\n[Service]\nExecStart=/x",
        "}\nserver { listen 80; }",
    ),
    *('"\ninclude: "/etc/passwd"', "\x1b]0;x\x07", "\x1b[2K", "-oProxyCommand=id", "--help", " -x"),
    *(".include /etc/passwd", '"]] os.execute("id") --', "]]", '";\n', "; }", "' )", "\t", "\n.\n"),
    *(
        "example.test",
        "0.0.0.0/0",
        "::/0",
        "all",
        "none",
        "yes",
        "static:all",
        "127.0.0.1",
        "1",
        "",
    ),
    *(
        "A" * 64,
        "a" * 300,
        "a." * 130,
        "9" * 30,
        "xn--a",
        "\u00df.test",
        "@",
        "=",
        "v=spf1 +all",
        ",",
    ),
)


def values(text: str, rng: random.Random, count: int, permitted: set[str]) -> Iterator[str]:
    """`count` values near `text`.

    The first ones try one sign each. The caller adds to `permitted` the signs of the values that
    were accepted, and later values are made of these, so that many are accepted.
    """
    signs = [*SIGNS, *UNSEEN]
    rng.shuffle(signs)
    for sign in signs[: count // 2]:
        yield _inserted(text, sign, rng)
    for _ in range(count - min(len(signs), count // 2)):
        kind = rng.random()
        known = sorted(permitted)
        if kind < 0.5 and known:
            fits = [each for each in FRAGMENTS if set(each) <= permitted | set(text)]
            parts = known + fits
            value = text
            for _ in range(rng.randint(1, 4)):
                value = _inserted(value, rng.choice(parts), rng)
            yield value
        elif kind < 0.7:
            yield _inserted(text, rng.choice(FRAGMENTS), rng)
        elif kind < 0.8:
            yield rng.choice(FRAGMENTS)
        else:
            mixed = [*FRAGMENTS, *SIGNS, *UNSEEN, *LETTERS]
            value = text if rng.random() < 0.8 else ""
            for _ in range(rng.randint(1, 5)):
                value = _inserted(value, rng.choice(mixed), rng)
            yield value


def _inserted(text: str, part: str, rng: random.Random) -> str:
    """The part at some place of the text, or instead of a character of it."""
    at = rng.choice([0, len(text), rng.randint(0, len(text))])
    return text[:at] + part + text[at + (rng.random() < 0.2) :]
