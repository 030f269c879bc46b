"""When `mx preview` and `mx up` have the engine read each record at the DNS API."""

from __future__ import annotations

import json
import subprocess

import pytest

from components.protocol import warnings
from tools import refresh_option
from tools.mx import __main__, engine, plan, verbs_apply
from tools.mx.app import Failure, run
from tools.mx.codes import FAILED
from tools.preview.model import Report

# Each verb is known once its module is loaded.
assert __main__.VERBS

RECORD = "urn:pulumi:test::mx::cloudflare:index/dnsRecord:DnsRecord::dns-mx-a.test"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of each call of an engine for which one record drifted."""
    calls: list[list[str]] = []

    def call(stack: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        del stack
        calls.append(arguments[4:])
        step = {"op": "refresh" if "--refresh" in arguments else "same", "urn": RECORD}
        text = warnings.records_drift(["mx-a.test"])
        document = {
            "steps": [step],
            "diagnostics": [{"severity": "warning", "message": text}],
        }
        return subprocess.CompletedProcess(arguments, 0, json.dumps(document), "")

    monkeypatch.setattr(engine, "call", call)
    return calls


def test_records_are_read_after_the_program_saw_that_they_drifted(asked: list[list[str]]) -> None:
    report = plan.plan("production")
    assert asked == [[], ["--refresh"]]
    assert report.refreshed
    assert [*verbs_apply.refresh_as(report, "production")] == ["--refresh"]


def test_records_are_not_read_without_drift(
    asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Report, "records_drifted", False)
    report = plan.plan("production")
    assert asked == [[]]
    assert [*verbs_apply.refresh_as(report, "production")] == []


@pytest.mark.parametrize("given", ["--refresh", "--refresh=false", "-r"])
def test_what_a_person_chose_is_not_asked_twice(asked: list[list[str]], given: str) -> None:
    report = plan.plan("production", [given])
    assert asked == [[given]]
    assert [*verbs_apply.refresh_as(report, "production", (given,))] == []


@pytest.mark.parametrize(
    "options",
    [
        ["--target", "**::dns-mx-b.test"],
        ["--target=**::dns-mx-*.tset"],
        ["-t", "dns-mx-a.test"],
        ["-tdns-mx-a.test"],
        ["--target", "*dnsRecord:DnsRecord::dns-mx-a.test"],
        ["--target", "**::dns-mx-a.test", "--target-replace", "urn:pulumi:test::mx::a"],
    ],
)
def test_a_target_that_is_no_resource_is_refused(
    asked: list[list[str]], options: list[str]
) -> None:
    with pytest.raises(Failure, match="no resource of production has this URN"):
        plan.plan("production", options)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--target", "**::dns-mx-a.test"],
        ["--target=**DnsRecord::dns-*"],
        ["-t", RECORD],
        [f"-t{RECORD}"],
        ["--exclude", "**::dns-mx-b.test"],
    ],
)
def test_a_part_that_matches_is_no_agreement_of_all(
    asked: list[list[str]], options: list[str]
) -> None:
    report = plan.plan("production", options, refresh=False)
    assert report.agreement.endswith("The rest was not compared.")
    assert plan.plan("production", refresh=False).agreement == "Hosts and DNS match the settings."


def test_too_many_records_to_read_each_of_them(
    asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_option, "_RECORDS_READ", 3)
    report = plan.plan("production")
    assert asked == [[]]
    assert report.records_drifted


def test_up_without_a_report_reads_them() -> None:
    assert [*verbs_apply.refresh_as(None, "production")] == ["--refresh"]


@pytest.mark.parametrize("place", ["mx1", "DNS"])
def test_drift_that_could_not_be_read_is_no_agreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    text = warnings.not_read(place, "timed out")
    document = {
        "steps": [{"op": "same", "urn": RECORD}],
        "diagnostics": [{"severity": "warning", "message": text}],
    }
    printed = json.dumps(document)
    monkeypatch.setattr(
        engine,
        "call",
        lambda stack, arguments: subprocess.CompletedProcess(arguments, 0, printed, ""),
    )
    monkeypatch.setattr(engine, "install", lambda: None)
    assert run(["drift", "production"]) == FAILED
    said = " ".join(capsys.readouterr().out.split())
    assert f"No drift was found, but {place} could not be read." in said
    assert run(["preview", "production"]) == FAILED
    said = " ".join(capsys.readouterr().out.split())
    assert f"No change is planned, but {place} could not be read." in said
