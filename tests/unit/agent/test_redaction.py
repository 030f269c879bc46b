"""Secrets in what programs say: as a part of a line, in another form, broken into lines."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from components.agent.redaction import SHOWN, redacter

TOKEN = "CANARY/token+0123456789-äbc&x"
TOKENS = json.dumps({"example.test": TOKEN, "other.test": "second-token-1"}, indent=1) + "\n"
HASH = "$2$abcdefghijklmnop$0123456789abcdef"
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPlanted\n-----END PRIVATE KEY-----\n"


def shown(secret: str, said: str) -> str:
    pattern = redacter([secret])
    assert pattern is not None
    return pattern.sub(SHOWN, said)


# What a program may say of it.
SAID = {
    "the value of a line of JSON alone": f'unexpected value "{TOKEN}"',
    "a word in a longer line": f"curl: (22) token={TOKEN}; refused",
    "a part of a URL": f"GET https://api.test/?t={quote(TOKEN, safe='')}&n=1",
    "a part of a path": f"/v4/{quote(TOKEN)}/x",
    "escaped in JSON": f'{{"error": {json.dumps(TOKEN)}}}',
    "base64": f"Authorization: Basic {base64.b64encode(TOKEN.encode()).decode()}",
    "base64 with a name before": base64.b64encode(f"mx:{TOKEN}".encode()).decode(),
    "base64 with a name before, one longer": base64.b64encode(f"mxs:{TOKEN}".encode()).decode(),
    "base64 of a URL": base64.urlsafe_b64encode(f"a:{TOKEN}:b".encode()).decode(),
    "hexadecimal": TOKEN.encode().hex(),
    "broken into lines": f"  {TOKEN[:9]}\n    {TOKEN[9:]}",
    "broken by a shell": f"{TOKEN[:12]}\\\n{TOKEN[12:]}",
}


@pytest.mark.parametrize("how", SAID)
def test_a_secret_that_is_a_part_of_what_is_said_is_not_shown(how: str) -> None:
    found = shown(TOKENS, SAID[how])
    assert SHOWN in found
    for piece in (
        "CANARY",
        "token+",
        quote(TOKEN, safe="")[:12],
        "0123456789",
        TOKEN.encode().hex(),
    ):
        assert piece not in found
    for word in found.replace(SHOWN, " ").split():
        for pad in ("", "=", "=="):
            try:
                decoded = base64.urlsafe_b64decode(word + pad)
            except ValueError:
                continue
            assert b"CANARY" not in decoded
            assert b"token" not in decoded


def test_the_second_of_two_secrets_is_not_shown() -> None:
    assert "second-token-1" not in shown(TOKENS, "x second-token-1 y")


def test_the_right_side_of_an_assignment_is_not_shown() -> None:
    found = shown(f'password = "{HASH}";\n', f"line 1: bad hash {HASH} for password")
    assert found == f"line 1: bad hash {SHOWN} for password"


def test_a_key_of_several_lines_is_not_shown_whole_or_in_part() -> None:
    assert "Planted" not in shown(KEY, f"bad key: {KEY}")
    assert "Planted" not in shown(KEY, "line 2: MC4CAQAwBQYDK2VwBCIEIPlanted is odd")
    assert "Planted" not in shown(KEY, json.dumps(KEY))


def test_common_words_and_names_of_zones_stay() -> None:
    said = "example.test: the true password is not shown"
    assert shown(TOKENS, said) == said
    assert shown(f'password = "{HASH}";\n', said) == said


def test_nothing_secret_changes_nothing() -> None:
    assert redacter([]) is None
    assert redacter(["", "\n", "ab\n"]) is None
