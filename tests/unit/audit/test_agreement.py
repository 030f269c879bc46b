"""The audit against what real Postfixes did: a recorded sample of tests/long/audit-agreement."""

from __future__ import annotations

import json
import socketserver
from collections import Counter
from pathlib import Path

import pytest

from components.audit import audit
from tests.long.audit.compare import agreement
from tests.long.audit.generate import cases
from tests.support.serving import running

RECORDS = json.loads((Path(__file__).parent / "fixtures" / "agreement.json").read_text())


@pytest.mark.parametrize("number", range(len(RECORDS)))
def test_what_postfix_did_is_what_the_audit_says(number: int) -> None:
    record = RECORDS[number]
    result, why = agreement(record["text"], record["version"], record)
    assert result in ("agrees", "stricter"), f"{why}\n{record['text']}"


def test_sample_has_every_verdict_and_both_versions() -> None:
    assert {record["verdict"] for record in RECORDS} >= {"open", "dead", "deferring", "fine"}
    assert {record["version"] for record in RECORDS} == {"3.7", "3.10"}


def test_generator_makes_the_same_files_again_a_third_of_each_kind() -> None:
    made = list(cases(90, 7))
    assert made == list(cases(90, 7))
    assert Counter(case.kind for case in made) == {"table": 30, "mutated": 30, "outside": 30}
    for case in made:
        audit(case.text)  # any file gets an answer


class _Nothing(socketserver.BaseRequestHandler):
    """Answers nobody."""


def test_second_postfix_finds_the_port_of_the_first_name_server_free() -> None:
    first = socketserver.UDPServer(("127.0.0.1", 0), _Nothing)
    with running(first):
        port = first.server_address[1]
    with running(socketserver.UDPServer(("127.0.0.1", port), _Nothing)):
        pass
