"""Lines that `mx adopt` writes into a stack file: read by the one reader, nothing else changed."""

from __future__ import annotations

import difflib
import io
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.settings import engine_yaml
from tests.support.stacks import ROOT
from tools.adopt.offers import Edit
from tools.adopt.stack_file import Unwritable, edited, write

ID, DIGITS = "f" * 32, "00000000000000000000000000000008"
EDITS: list[Edit] = [
    (("domains", "example.org", "records", "spf"), "v=spf1 include:_spf.example.net ~all"),
    (("dns", "recordTtlSeconds", "spf-example.org"), 300),
    (("dns", "adopt", "spf-example.org"), ID),
    (("dns", "adopt", "dmarc-example.org"), DIGITS),
]
FILES = {
    "a plain file with comments": """\
# Production. Ask Eve before you change this.
config:
  cloudflare:apiToken:
    secure: v1:abc  # rotated in May
  mx:mail:
    hosts:
      mx1: {hostname: mx1.example.org, ipv4: 192.0.2.1}   # rack 4

    dns:
      # From the overview page.
      zones:
        example.org: 023e105f4ecef8ad9ca31a8372d0c353  # the zone

    # Mail domains.
    domains:
      example.org:
        mailboxHost: mailbox1
        recipients: [no, "on", 'yes', 007, 1_000, postmaster]

      # The old one.
      example.net:
        mailboxHost: mailbox1
encryptionsalt: v1:salt
""",
    "lists below their key, and two keys there already": """\
config:
  mx:mail:
    dns:
      adopt:
        # By hand, in March.
        tlsrpt-example.org: 0123456789abcdef0123456789abcdef
      recordTtlSeconds: {tlsrpt-example.org: 120}
      parkedDomains:
      - park.example
      - park2.example   # for sale
    domains:
      example.org:
        recipients:
        - alice
        - bob
        records:
          dmarc: v=DMARC1; p=none # weekly
""",
    "all of it in flow style": (
        "config: {mx:mail: {dns: {zones: {a: b}}, domains: {example.org: {recipients: [x]}}}}\n"
    ),
    "four blanks, a document start and Windows lines": (
        "---\r\nconfig:\r\n    mx:mail:\r\n        dns:\r\n            zones:\r\n"
        "                a: b\r\n        # end\r\n        domains:\r\n"
        "            example.org:\r\n                recipients:\r\n"
        "                    - alice\r\n"
    ),
    "empty keys and a folded text": """\
config:
  mx:mail:
    dns:
      adopt:
      note: >-
        one
        two
      # after the text
    domains:
      example.org:  # nothing yet
        records:
""",
}


def put(document: Any, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        if document.get(key) is None:
            document[key] = {}
        document = document[key]
    document[path[-1]] = value


@pytest.mark.parametrize("state", FILES)
def test_both_readers_find_the_new_lines_and_all_old_ones(state: str) -> None:
    old = FILES[state]
    new = edited(old, EDITS)
    expected: Any = engine_yaml.load(old)
    for path, value in EDITS:
        put(expected, ("config", "mx:mail", *path), value)
    assert engine_yaml.load(new) == expected
    # The other way round: what ruamel.yaml reads and writes again is the same to the one reader.
    round_trip = YAML()
    round_trip.preserve_quotes = True
    stream = io.StringIO()
    round_trip.dump(round_trip.load(new), stream)
    assert engine_yaml.load(stream.getvalue()) == expected


@pytest.mark.parametrize("state", [name for name in FILES if "flow" not in name])
def test_no_other_line_of_the_file_changes(state: str) -> None:
    old, new = FILES[state], edited(FILES[state], EDITS)
    gone = [
        line[2:]
        for line in difflib.ndiff(old.splitlines(keepends=True), new.splitlines(keepends=True))
        if line.startswith("- ")
    ]
    # A mapping on one line, and an empty one, get what is added on or below that line.
    assert [line for line in gone if "{" not in line and not line.rstrip().endswith(":")] == []


def test_comments_stay_above_what_they_are_about() -> None:
    new = edited(FILES["a plain file with comments"], EDITS)
    lines = [line.strip() for line in new.splitlines()]
    assert lines[lines.index("# Mail domains.") + 1] == "domains:"
    assert lines[lines.index("# The old one.") + 1] == "example.net:"
    assert lines[lines.index("# From the overview page.") + 1] == "zones:"
    assert f'dmarc-example.org: "{DIGITS}"' in lines
    assert f"spf-example.org: {ID}" in lines


def test_twice_is_once() -> None:
    once = edited(FILES["a plain file with comments"], EDITS)
    assert edited(once, EDITS) == once


@pytest.mark.parametrize("stack", ["lab", "staging", "production"])
def test_the_example_stacks_lose_no_line(stack: str) -> None:
    old = (ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text()
    new = edited(old, [(("dns", "adopt", "spf-example.org"), ID)])
    changed = [
        line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"
    ]
    assert [line.split() for line in changed] == [
        ["+", "adopt:"],
        ["+", "spf-example.org:", ID],
    ]


def test_a_shared_mapping_is_not_changed_for_all_who_share_it() -> None:
    text = """\
config:
  mx:mail:
    dns: {zones: {a: b}}
    domains:
      example.org: {mailboxHost: m, records: &shared {dmarc: v=DMARC1; p=none}}
      example.net: {mailboxHost: m, records: *shared}
"""
    with pytest.raises(Unwritable, match="a YAML anchor"):
        edited(text, EDITS)


def test_the_file_keeps_its_mode_and_no_half_file_is_left(tmp_path: Path) -> None:
    place = tmp_path / "Pulumi.x.yaml"
    place.write_text("a: 1\n")
    place.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(place)
    write(link, "a: 2\n")
    assert link.is_symlink()
    assert place.read_text() == "a: 2\n"
    assert place.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["Pulumi.x.yaml", "link.yaml"]
