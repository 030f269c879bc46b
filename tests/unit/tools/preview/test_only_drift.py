"""`mx drift` tells what somebody changed by hand, and not what the stack file will change."""

from __future__ import annotations

from typing import Any

import pytest

from components.protocol import warnings
from tests.unit.tools.preview.test_report import BUNDLE, RECORD, bundle, mx, report_of, step
from tools.mx.terminal import counts
from tools.preview.markdown import markdown
from tools.preview.only_drift import only_drift
from tools.preview.records import line

EDITED = bundle({"/etc/postfix/main.cf": {"content": "message_size_limit = 2\n"}})
HELD = bundle({"/etc/postfix/main.cf": {"content": "message_size_limit = 1\n"}})
PENDING = step("update", BUNDLE.format("mx1-postfix"), HELD, EDITED)


def document(*steps: Any, told: str = "") -> dict[str, Any]:
    diagnostics = [{"severity": "warning", "message": f"warning: {told}"}] if told else []
    return {"steps": list(steps), "diagnostics": diagnostics}


def test_an_edit_of_the_stack_file_is_no_drift() -> None:
    report = report_of(document(PENDING))
    assert report.exit_code == 2
    found = only_drift(report)
    assert (found.verdict, found.exit_code, found.changes, found.risks) == ("nothing", 0, [], [])
    assert "not applied yet" in found.notes[0]
    assert "## lab: ✅ no drift" in markdown(found)
    assert counts(found) == "Hosts and DNS are as the last `mx up` left them."


def test_drift_is_told_without_what_the_same_up_would_change() -> None:
    healed = step("update", BUNDLE.format("mx2-redis"), HELD, HELD)
    healed["newState"]["inputs"] = HELD | {"create": "mx-agent apply --heal 1"}
    both = step("update", BUNDLE.format("mx1-postfix"), HELD, EDITED)
    both["newState"]["inputs"] = EDITED | {"create": "mx-agent apply --heal 1"}
    told = warnings.drift("mx2", "redis", "/etc/redis/redis.conf: content changed")
    found = only_drift(report_of(document(healed, both, told=told)))
    assert (found.verdict, found.exit_code) == ("drift", 2)
    assert [(each.host, each.why, each.files) for each in found.changes] == [
        ("mx1", ["drift"], []),
        ("mx2", ["drift"], []),
    ]
    assert counts(found) == "The next `mx up` repairs 2 components and records."
    assert "🔶 drift" in markdown(found)


def test_a_key_that_is_read_again_after_a_repair_is_neither_drift_nor_pending() -> None:
    """A stopped Rspamd makes the command that reads its DKIM key run again, and so the record."""
    healed = step("update", BUNDLE.format("mx1-filter"), HELD, HELD)
    healed["newState"]["inputs"] = HELD | {"create": "mx-agent apply --heal 1"}
    reads = {"create": "dkim-keys show", "stdin": "example.test mx1\n"}
    again = step("update", BUNDLE.format("mx1-dkim-example.test"), reads, reads)
    again["newState"]["inputs"] = reads | {"create": "dkim-keys show # machine 1"}
    key = {"name": "mx1._domainkey.example.test", "type": "TXT", "content": '"v=DKIM1; p=A"'}
    unknown = key | {"content": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}
    record = step("update", RECORD.format("dkim-example.test-mx1"), key, unknown)
    told = warnings.drift("mx1", "filter", "rspamd.service: not active")
    report = report_of(document(healed, again, record, told=told))
    assert ["runs again after a repair"] in [change.why for change in report.changes]
    found = only_drift(report)
    assert [change.component for change in found.changes] == ["filter"]
    assert (found.records, found.notes) == ([], [])


@pytest.mark.parametrize("state", ["gone", "edited"])
def test_a_key_s_record_that_somebody_changed_is_drift_beside_a_stopped_filter(state: str) -> None:
    """What the host tells during `up` is not known then: it may have another key by now."""
    healed = step("update", BUNDLE.format("mx1-filter"), HELD, HELD)
    healed["newState"]["inputs"] = HELD | {"create": "mx-agent apply --heal 1"}
    key = {"name": "mx1._domainkey.example.test", "type": "TXT", "content": '"v=DKIM1; p=A"'}
    unknown = key | {"content": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}
    urn = RECORD.format("dkim-example.test-mx1")
    if state == "gone":
        steps = [step("refresh", urn, key), step("create", urn, None, unknown)]
    else:
        there = key | {"content": '"v=DKIM1; p="'}
        steps = [step("refresh", urn, key, there), step("update", urn, there, unknown)]
    told = warnings.drift("mx1", "filter", "rspamd.service: not active")
    report = report_of(document(healed, *steps, told=told))
    assert [(each.new, each.restores) for each in report.records] == [(line(unknown), False)]
    assert len([text for text in report.drift if f"-{line(key)}" in text]) == 1
    assert f"+{line(unknown)}" in markdown(report)
    found = only_drift(report)
    assert ([each.new for each in found.records], found.notes) == ([line(unknown)], [])
    assert counts(found) == "The next `mx up` repairs 2 components and records."


def test_a_stack_that_is_not_applied_yet_has_no_pending_changes_beside_that() -> None:
    found = only_drift(report_of(document(step("create", BUNDLE.format("mx1-postfix"), new=HELD))))
    assert found.notes == []
    assert counts(found) == "Nothing is applied: `mx up` has not run yet, or `mx destroy` has."


def test_a_secret_beside_a_changed_connection_is_not_said_to_have_changed() -> None:
    old = {"create": "mx-agent apply", "stdin": "{}", "connection": {"host": "192.0.2.1"}}
    secret = {"create": "mx-agent apply", "stdin": "[secret]", "connection": "[secret]"}
    steps = [
        step("update", BUNDLE.format("mx1-a"), old, old | {"connection": {"host": "192.0.2.2"}}),
        step("update", BUNDLE.format("mx1-b"), secret, secret),
        step("update", BUNDLE.format("mx2-b"), secret, secret),
    ]
    found = {
        f"{each.host}-{each.component}": each.why for each in report_of({"steps": steps}).changes
    }
    assert found["mx1-b"] == ["connection, perhaps a secret"]
    assert found["mx2-b"] == ["a secret"]


def test_a_record_that_drifted_is_kept_and_a_new_one_is_not() -> None:
    ours = mx("mx1.example.test")
    theirs = ours | {"priority": 77}
    steps = [
        step("refresh", RECORD.format("a"), ours, ours),
        step("update", RECORD.format("a"), theirs, ours),
        step("create", RECORD.format("new"), new=mx("mx1.example.test", "new.test")),
    ]
    found = only_drift(report_of(document(*steps)))
    assert [record.name for record in found.records] == ["example.test"]
    assert found.exit_code == 2
    assert found.notes


def test_a_host_that_was_not_read_hides_behind_no_drift_of_another() -> None:
    texts = [warnings.drift("mx2", "redis", "stopped"), warnings.not_read("mx1", "timed out")]
    told = [{"severity": "warning", "message": f"warning: {text}"} for text in texts]
    found = only_drift(report_of({"steps": [], "diagnostics": told}))
    assert (found.verdict, found.exit_code) == ("drift", 1)


def test_a_record_that_somebody_put_behind_the_proxy_is_drift() -> None:
    ours = {"name": "mx1.test", "type": "A", "content": "192.0.2.1", "ttl": 300}
    theirs = ours | {"proxied": True, "tags": []}
    steps = [
        step("refresh", RECORD.format("a"), ours | {"proxied": False}, theirs),
        step("update", RECORD.format("a"), theirs, ours | {"proxied": False}),
    ]
    found = only_drift(report_of(document(*steps)))
    line = "mx1.test. 300 IN A 192.0.2.1"
    assert found.drift == [f"drift: DNS:\n-{line} ; proxied none\n+{line} ; proxied True"]
    assert (found.exit_code, len(found.records), found.notes) == (2, 1, [])


def test_empty_values_that_the_api_adds_are_no_drift() -> None:
    ours = {"name": "mx1.test", "type": "A", "content": "192.0.2.1", "ttl": 300}
    read = ours | {"proxied": False, "tags": [], "comment": ""}
    steps = [
        step("refresh", RECORD.format("a"), ours, read),
        step("same", RECORD.format("a"), read, ours),
    ]
    assert only_drift(report_of(document(*steps))).exit_code == 0


def test_hosts_that_are_never_asked_are_no_agreement() -> None:
    found = only_drift(report_of(document(PENDING)), hosts_read=False)
    assert "The hosts were not asked" in counts(found)
