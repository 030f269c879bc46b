"""What somebody changed by hand is told once, and so is a host that was not read."""

from __future__ import annotations

from typing import Any

import pytest

from components.protocol import warnings
from tests.unit.tools.preview.test_report import BUNDLE, RECORD, bundle, mx, report_of, step
from tools.preview import records
from tools.preview.markdown import markdown
from tools.preview.model import Step
from tools.preview.only_drift import only_drift
from tools.preview.sections import zone_lines

MAIN = "/etc/postfix/main.cf"
PIECE = f"{MAIN}.d/80-restrictions.cf"
DIFF = "@@ -4 +4 @@\n-a = 1\n+a = 2"


def told(*texts: str) -> list[dict[str, str]]:
    return [{"severity": "warning", "message": f"warning: {text}"} for text in texts]


def healed(name: str, **more: Any) -> dict[str, Any]:
    """A bundle that is applied again, and nothing else."""
    inputs = bundle({PIECE: {"content": "a = 1\n"}}, **more)
    found = step("update", BUNDLE.format(name), inputs, inputs)
    found["newState"]["inputs"] = inputs | {"create": "mx-agent apply --heal 1"}
    return found


def test_a_file_of_two_components_has_its_diff_once() -> None:
    texts = [
        warnings.drift("mx1", name, f"{MAIN}: content changed\n{DIFF}")
        for name in ("postfix", "postfix-tls")
    ]
    text = markdown(report_of({"steps": [], "diagnostics": told(*texts)}))
    assert text.count("> a = 2") == 1
    assert "main.cf: content changed, as under mx1 postfix\n" in text


def test_the_same_diff_on_two_hosts_is_told_of_both() -> None:
    texts = [
        warnings.drift(host, "postfix", f"{MAIN}: content changed\n{DIFF}")
        for host in ("mx1", "mx2")
    ]
    text = markdown(report_of({"steps": [], "diagnostics": told(*texts)}))
    assert text.count("> a = 2") == 2


def test_a_record_that_comes_back_stands_under_drift_alone() -> None:
    ours, theirs = mx("mx1.example.test"), mx("mx1.example.test") | {"priority": 77}
    steps = [
        step("refresh", RECORD.format("a"), ours, theirs),
        step("update", RECORD.format("a"), theirs, ours),
    ]
    report = report_of({"steps": steps})
    assert report.risks == [
        "example.test MX: somebody else changed the DNS record. The section on drift shows it."
    ]
    text = markdown(report)
    assert text.count("MX 77") == 1
    assert "| DNS | example.test MX | drift |" in text
    assert "### DNS" not in text
    assert "1 DNS record among them" in text


def test_a_record_that_the_settings_change_too_is_told_as_a_change() -> None:
    ours, theirs = mx("mx1.example.test"), mx("mx1.example.test") | {"priority": 77}
    steps = [
        step("refresh", RECORD.format("a"), ours, theirs),
        step("update", RECORD.format("a"), theirs, mx("mx2.example.test")),
    ]
    report = report_of({"steps": steps})
    assert any("changes from 77 mx1.example.test" in risk for risk in report.risks)
    assert "### DNS" in markdown(report)


@pytest.mark.parametrize(
    ("words", "units"),
    [
        ("postfix.service: not active", [("start", "postfix.service")]),
        (f"{PIECE}: content changed\n{DIFF}", [("reload", "postfix.service")]),
        (f"{PIECE}: mode 0666, not 0644", [("reload", "postfix.service")]),
        ("/etc/postfix/main.cf.d: mode 0777, not 0755", []),
        ("database mail: differs\n+recipient a.test mallory", []),
        ("rolled back by hand at 2026", [("repair", "postfix.service")]),
        ("postfix.service: not active\na change failed at 2026", [("start", "postfix.service")]),
    ],
)
def test_what_happens_to_units_follows_what_the_host_told(
    words: str, units: list[tuple[str, str]]
) -> None:
    known: dict[str, Any] = {"units": {"postfix.service": {}}}
    document = {
        "steps": [healed("mx1-postfix", **known), healed("mx2-postfix", **known)],
        "diagnostics": told(warnings.drift("mx1", "postfix", words)),
    }
    changes = only_drift(report_of(document)).changes
    assert changes[0].units == units
    assert changes[1].units == [("repair", "postfix.service")], "nothing was told of this host"


def test_a_host_that_was_not_read_is_told_once() -> None:
    why = "Host key verification failed."
    kept = warnings.updates("mx1", "a reboot into its newer kernel")
    document = {"steps": [], "diagnostics": told(warnings.not_read("mx1", why), kept)}
    report = report_of(document)
    assert report.exit_code == 1
    assert report.warnings_beside(report.risks) == [kept]
    assert report.warnings_beside([]) == report.warnings, "a risk that is cut is told here"
    assert markdown(report).count("verification failed") == 1


def test_updates_are_no_news_beside_a_failure_or_in_a_report_of_drift() -> None:
    texts = [warnings.updates(host, "a reboot into its newer kernel") for host in ("mx1", "mx2")]
    failed = [{"severity": "error", "message": "error: x"}]
    assert report_of({"steps": [], "diagnostics": [*told(*texts), *failed]}).warnings == []
    report = report_of({"steps": [], "diagnostics": told(*texts)})
    assert len(report.warnings) == 1
    assert only_drift(report).warnings == []


def test_a_state_without_anything_is_no_agreement() -> None:
    new = step("create", RECORD.format("a"), new=mx("mx1.example.test"))
    found = only_drift(report_of({"steps": [new]}))
    assert found.agreement == "Nothing is applied: `mx up` has not run yet, or `mx destroy` has."


def test_a_dkim_record_that_is_read_again_is_not_shown_as_gone() -> None:
    ours = {"name": "mx1._domainkey.a.test", "type": "TXT", "content": '"v=DKIM1; p=x"', "ttl": 300}
    unknown = ours | {"content": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}
    document = {
        "steps": [step("update", RECORD.format("d"), ours, unknown)],
        "diagnostics": told(warnings.not_read("mx1", "timed out")),
    }
    report = report_of(document)
    text = markdown(report)
    assert "; read from its host again during `mx up`" in text
    assert "-mx1._domainkey" not in text
    assert not any("DKIM key" in risk for risk in report.risks)


def test_hosts_that_take_no_key_share_a_sentence() -> None:
    texts = [
        warnings.not_read(f"mx{number}", f"op@198.51.100.{number}: Permission denied (publickey).")
        for number in (1, 2)
    ]
    risks = report_of({"steps": [], "diagnostics": told(*texts)}).risks
    assert len(risks) == 1
    assert risks[0].startswith("mx1, mx2: MX could not read the state of the host (Permission")


def test_an_edited_file_whose_danger_is_told_is_not_told_again() -> None:
    texts = [
        warnings.drift("mx1", "postfix", f"{MAIN}: content changed\n{DIFF}"),
        warnings.edited("mx1", f"mynetworks in {MAIN}: an open relay"),
    ]
    assert report_of({"steps": [], "diagnostics": told(*texts)}).risks == [
        f"mx1: somebody edited Postfix. mynetworks in {MAIN}: an open relay. `mx up` restores the "
        "file."
    ]


def test_a_changed_policy_is_told_with_what_it_is_now() -> None:
    ours = {"name": "a.test", "type": "TXT", "content": '"v=spf1 mx -all"', "ttl": 300}
    theirs = ours | {"content": '"v=spf1 +all"'}
    steps = [
        step("refresh", RECORD.format("s"), ours, theirs),
        step("update", RECORD.format("s"), theirs, ours),
    ]
    assert report_of({"steps": steps}).risks == [
        "a.test SPF: somebody else changed the DNS record. It is now: v=spf1 +all. Everybody may "
        "send in the name of the domain."
    ]


def test_commands_in_a_sentence_are_code_in_markdown() -> None:
    text = markdown(report_of({"steps": [], "diagnostics": told(warnings.not_read("mx1", "x"))}))
    assert "Until it can, `mx up` fails there." in text


def test_an_imported_record_that_gets_another_ttl_changes_in_nothing_else() -> None:
    old = {"name": "a.test", "type": "TXT", "content": '"v=spf1 mx ~all"', "ttl": 3600}
    new = old | {"ttl": 300, "proxied": False}
    change = records.change(Step("update", RECORD.format("spf-a.test"), old, new))
    assert change.other == ()


def test_an_imported_record_that_its_host_tells_again_is_shown_once_and_no_risk() -> None:
    """After the loss of the state: the host has the key that DNS announces."""
    name = "_25._tcp.mx1.a.test"
    data = {"usage": 3, "selector": 1, "matchingType": 1, "certificate": "AB"}
    there = {"name": name, "type": "TLSA", "data": data, "ttl": 300}
    ours = there | {"data": data | {"certificate": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}
    urn = RECORD.format("tlsa-mx1-ecdsa-a")
    report = report_of(
        {"steps": [step("import", urn, None, ours), step("replace", urn, there, ours)]}
    )
    assert report.counts == {"import": 1}
    assert report.risks == []
    assert zone_lines(report) == [
        f" {name}. 300 IN TLSA 3 1 1 AB ; taken over if its host has this key"
    ]


def test_a_record_whose_ttl_alone_changes_is_shown_once() -> None:
    old = {
        "name": "k._domainkey.a.test",
        "type": "TXT",
        "content": '"v=DKIM1; p=AAAA"',
        "ttl": 3600,
    }
    for new, count in ((old | {"ttl": 300}, 1), (old | {"ttl": 300, "content": '"x"'}, 2)):
        lines = zone_lines(report_of({"steps": [step("update", RECORD.format("k"), old, new)]}))
        assert len(lines) == count
    [line] = zone_lines(
        report_of({"steps": [step("update", RECORD.format("k"), old, old | {"ttl": 300})]})
    )
    assert line == ' k._domainkey.a.test. 3600 IN TXT "v=DKIM1; p=AAAA" ; the TTL becomes 300'


def test_of_a_key_that_stays_the_beginning_is_enough() -> None:
    whole = f'"v=DKIM1; k=rsa; p=MIIBIjAN{"B" * 200}" "{"C" * 150}IDAQAB"'
    old = {"name": "k._domainkey.a.test", "type": "TXT", "content": whole, "ttl": 3600}
    urn = RECORD.format("k")
    [line] = zone_lines(report_of({"steps": [step("update", urn, old, old | {"ttl": 300})]}))
    assert line.endswith('TXT "v=DKIM1; k=rsa; p=MIIBIjAN..." ; the TTL becomes 300')
    # The report is the last that has a key that goes.
    [gone] = zone_lines(report_of({"steps": [step("delete", urn, old, None)]}))
    assert whole in gone
