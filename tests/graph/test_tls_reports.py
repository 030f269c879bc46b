"""The collector is there before Postfix is told of it, and after the queue directory it needs."""

from __future__ import annotations

from typing import Any

import pulumi

from components.host import Seen
from components.mail_exchanger import MailExchanger
from components.settings.environment import from_mapping
from tests.support.graph import API, Answers, Recorder
from tests.support.mapping import mapping


def graph(debian: int) -> dict[str, Any]:
    recorder = Recorder()
    recorder.mocks = mocks = Answers()
    pulumi.runtime.set_mocks(mocks, project="mx", stack="test", monitor=recorder)
    values = mapping() | {
        "certificates": {"acceptTerms": True},
        "tlsReports": {"organization": "Example", "contact": "alice@example.test"},
    }
    values["hosts"]["mx1"]["debian"] = debian

    def program() -> None:
        MailExchanger("mx1", from_mapping(values), "mx/test", Seen(), API)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder.requests


def needs(request: Any) -> set[str]:
    return {urn.rpartition("::")[2] for urn in request.dependencies}


def test_order() -> None:
    found = graph(debian=13)
    assert needs(found["mx1-tls-reports"]) == {"mx1-postfix"}
    assert "mx1-tls-reports" in needs(found["mx1-postfix-tls"])


def test_a_host_whose_postfix_cannot_report_has_no_collector() -> None:
    found = graph(debian=12)
    assert "mx1-tls-reports" not in found
    assert "mx1-tls-reports" not in needs(found["mx1-postfix-tls"])
