"""What one room writes, another one reads: each form there and back."""

from __future__ import annotations

import pytest

from components.protocol import calls, warnings
from components.protocol.warnings import DNS, DRIFT, REPLACES, Warned, parse


@pytest.mark.parametrize(
    "warned",
    [
        Warned(DRIFT, "mx1", "postfix: /etc/postfix/main.cf: content changed", ("-a", "+b")),
        Warned(DRIFT, DNS, "", ("-old", "+new")),
        Warned(REPLACES, "mx1", "/etc/postfix/main.cf", ("-a: b",)),
        Warned(REPLACES, "mx1", "/etc/mx/secret: not shown, because not every login may read it"),
    ],
    ids=lambda warned: f"{warned.kind}_{warned.host}_{len(warned.lines)}",
)
def test_warning_is_read_as_it_was_written(warned: Warned) -> None:
    assert parse(str(warned)) == warned


@pytest.mark.parametrize(
    "text", ["", "drift", "drift: ", "drift: mx1", "drift of mx1 was not read: x", "renewals: a: b"]
)
def test_other_texts_are_no_warning_of_these_kinds(text: str) -> None:
    assert parse(text) is None


def test_a_host_without_its_agent_is_a_new_one() -> None:
    warned = parse(warnings.drift("mx1", warnings.AGENT, warnings.GONE))
    assert warned is not None
    assert warned.host_is_new
    other = parse(warnings.drift("mx1", warnings.AGENT, "it is not the one installed last"))
    assert other is not None
    assert not other.host_is_new


def test_what_was_not_read() -> None:
    assert warnings.read_not_read(warnings.not_read("mx1", "why\nso")) == ("mx1", "why\nso")
    assert warnings.read_files_not_read(warnings.files_not_read("mx1", "why")) == ("mx1", "why")
    assert warnings.read_zones(warnings.zones("words")) == "words"
    assert warnings.read_not_read(warnings.files_not_read("mx1", "why")) is None


@pytest.mark.parametrize(
    "call",
    [
        "mx-agent apply" + calls.as_argument(3),
        "mx-dkim show" + calls.as_comment(3),
        calls.as_first_line(3) + "set -eu\n",
    ],
    ids=["argument", "comment", "first line"],
)
def test_number_of_a_call(call: str) -> None:
    assert calls.number_of(call) == 3
    plain = calls.without_number(call)
    assert calls.number_of(plain) == 0
    assert calls.number_text(plain) == ""


def test_a_call_without_a_number() -> None:
    assert calls.as_argument(0) == calls.as_first_line(0) == ""
    assert calls.number_of("mx-agent apply") == 0
    assert (
        calls.without_number("mx-agent apply --heal 3 < file") == "mx-agent apply --heal 3 < file"
    )


def test_name_of_an_agents_resource() -> None:
    assert calls.host_of_agent(calls.agent_resource("mx1")) == "mx1"
    assert calls.host_of_agent("mx1-postfix") is None
    assert calls.host_of_agent("-agent") is None
