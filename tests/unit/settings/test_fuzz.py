"""Hostile text in every setting: a seeded sample of tests/long/fuzz-settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.settings import given_files, recipient_files
from components.settings.environment import SettingsError, from_mapping
from tests.long.fuzz import document, places
from tests.long.fuzz import settings as fuzz
from tests.long.fuzz.breakout import breakouts
from tests.long.fuzz.readers import Unreadable, read
from tests.support.mapping import mapping


@pytest.fixture(autouse=True)
def _files_of_settings_lie_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(given_files, "BASE", given_files.BASE)
    yield
    recipient_files._parse.cache_clear()


def test_no_value_leaves_its_place_or_crashes_the_program(tmp_path: Path) -> None:
    tally = fuzz.run(seed=7, count=500, folder=tmp_path)
    assert tally.bad == []
    assert tally.counts["tried"] == 500
    assert tally.counts["accepted"] > 50


def test_a_setting_that_is_not_fuzzed_is_told() -> None:
    wanted = fuzz.schema()
    found = {
        places.place(spot, wanted)
        for whole in document.variants().values()
        for spot in places.of_document(whole)
    }
    missing = places.of_schema(wanted) - found
    assert not missing, f"give these a value in tests/long/fuzz/document.py: {sorted(missing)}"


# Each: a text as a careless renderer would write it, with the value in the place of VALUE.
CARELESS = {
    "a word of the shell": ("/etc/dehydrated/conf.d/mx.sh", 'OPTS="--cacert VALUE"\n', '/x"; X="1'),
    "a line of main.cf": ("/etc/postfix/main.cf", "a = VALUE\n", "x\nmynetworks = 0.0.0.0/0"),
    "a directive of nginx": ("/etc/nginx/sites-enabled/mx", "server_name VALUE;", "a; listen 80"),
    "an option of Rspamd": ("/etc/rspamd/local.d/a.conf", 'a = "VALUE";', 'x"; b = "y'),
    "a call in Lua": ("/x/a.lua", 'a = { "VALUE" }', '" .. os.execute("id") .. "'),
    "a zone of Unbound": ("/etc/unbound/unbound.conf", "server:\n  a: VALUE\n", "x\n  include: /y"),
    "a specifier of systemd": ("/etc/systemd/system/a.service", "[Service]\nA=VALUE\n", "100%z"),
    "a section of a unit": ("/x/a.service", "[Service]\nA=VALUE\n", "x\n[Install]\nB=c"),
    "a row of a table": ("/etc/mx-database/content/alias", "a\tVALUE\n", "b\nc\td"),
    "a key of YAML": ("/x/a.yml", "a: VALUE\n", "x\nb: y"),
    "a field of an MTA-STS policy": ("/x/mta-sts/a.txt", "mx: VALUE\n", "a\nmode: none"),
    "a rule of nftables": ("/etc/mx/firewall.nft", "ip saddr { VALUE } accept", "1.1.1.1 } ; x {"),
    "an option of an INI file": ("/etc/mx/tlsrpt.cfg", "[a]\nb = VALUE\n", "c\nd = e"),
    "a word of ssh's line": ("ssh", "mx1 VALUE 22 root", "a -oProxyCommand=id"),
}


@pytest.mark.parametrize("case", CARELESS)
def test_a_value_that_breaks_out_is_found(case: str) -> None:
    name, text, value = CARELESS[case]
    before, after = ({name: text.replace("VALUE", each)} for each in ("good", value))
    assert list(breakouts(before, after, ["good"], [value]))
    assert not list(breakouts(before, {name: text.replace("VALUE", "fine")}, ["good"], ["fine"])), (
        "an honest value is no breakout"
    )


# Each: texts by name before and after, the old value and the new one. None is a breakout.
HARMLESS = {
    "a value that is a part of a file's name": (
        {"h:/etc/rspamd/local.d/bayes.conf": "a = 1;"},
        {"h:/etc/rspamd/local.d/bayes.conf": "a = 1;"},
        "mx.test",
        "yes",
    ),
    "a host with the name of a table": (
        {"one:/etc/postfix/tables/mynetworks.cidr": "a 1", "ssh": "one 1"},
        {"mynetworks:/etc/postfix/tables/mynetworks.cidr": "a 1", "ssh": "mynetworks 1"},
        "one",
        "mynetworks",
    ),
    "a text with a backslash in a record": (
        {"outputs.json": json.dumps({"content": '"v=x;"'})},
        {"outputs.json": json.dumps({"content": r'"v=a\\b;"'})},
        "v=x;",
        "v=a\\b;",
    ),
    "a record of two strings": (
        {"outputs.json": json.dumps({"content": '"v=x;"'})},
        {"outputs.json": json.dumps({"content": f'"{"a" * 255}" "{"a" * 45}"'})},
        "v=x;",
        "a" * 300,
    ),
    "a host whose domain has a label more": (
        {"h:/etc/postfix/main.cf": "myhostname = mx.b.test\nmydomain = b.test\n"},
        {"h:/etc/postfix/main.cf": "myhostname = m.x.b.test\nmydomain = x.b.test\n"},
        "mx.b.test",
        "m.x.b.test",
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_a_value_that_stays_in_its_place_is_no_breakout(case: str) -> None:
    before, after, old, new = HARMLESS[case]
    assert list(breakouts(before, after, [old], [new])) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"h:/etc/a.json": "1"}, {"h:/etc/a.json": "1", "h:/etc/passwd.json": "1"}),
        ({"h:/etc/a.json": "1", "h:/etc/b.json": "1"}, {"h:/etc/a.json": "1"}),
        (
            {"h:/etc/postfix/main.cf": "mydomain = b.test\n"},
            {"h:/etc/postfix/main.cf": "mydomain = evil.test\n"},
        ),
    ],
)
def test_a_file_more_or_less_is_a_breakout(before: dict[str, str], after: dict[str, str]) -> None:
    assert list(breakouts(before, after, ["mx.b.test"], ["../passwd"]))


def test_a_text_in_a_language_without_a_reader_is_told() -> None:
    with pytest.raises(KeyError):
        read("/etc/unknown.toml", "a = 1")
    with pytest.raises(Unreadable):
        read("/x/a.json", "{")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("resolver", "trustAnchors"), ["a" * 64 + ". IN DS 1 13 2 " + "ab" * 32]),
        (("resolver", "trustAnchors"), [". IN DS 1 13 2 zz"]),
        (("resolver", "trustAnchorFile"), "anchors\tkey"),
        (("ssh", "privateKeyFile"), "/root/\nkey"),
        (("ssh", "knownHostsFile"), "/root/\tkey"),
        (("ssh", "privateKeyFile"), "~nobody-of-this-name/key"),
        (("hosts", "mx1", "hostKey"), "ssh-ed25519 AAAA\nmynetworks = 0.0.0.0/0"),
        (("mailboxHosts", "a\tb"), {"hostname": "mailbox.example.test"}),
        (("domains", "example.test\n"), {}),
    ],
)
def test_a_refusal_with_ends_of_line_in_a_name_is_one_line(
    path: tuple[str, ...], value: object
) -> None:
    values = mapping()
    values.setdefault(path[0], {})[path[1]] = value
    with pytest.raises(SettingsError) as refused:
        from_mapping(values)
    lines = str(refused.value).split("\n")
    assert all(line.startswith("mx:mail: mx:mail.") and line.isprintable() for line in lines)
