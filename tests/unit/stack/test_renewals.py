"""Renewals that fail: what a host notes over days, what the stack and `scripts/status` say."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.host import Seen
from components.host.drift import RENEWALS
from components.services.certificates import dehydrated
from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from components.stack import renewals
from components.stack.outputs import Outputs, outputs, plain
from tests.support.status_world import ADDRESSES, Right, Server, certificate
from tests.unit.services.test_certificates import module
from tools.status import __main__ as command
from tools.status import renewal, run
from tools.status.certificate import Certificate
from tools.status.world import World

SINCE = "2026-11-20T06:12:01+00:00"
NAME = "mx1.example.test"
NOTES = {
    f"{NAME}_ecdsa": {"error": "authority: it\nrefuses", "failingSince": SINCE, "lastAttempt": "t"},
    f"{NAME}_rsa": {"error": "", "lastAttempt": "t"},
    "gone.example.test_rsa": {"error": "no", "failingSince": SINCE, "lastAttempt": "t"},
}


@pytest.fixture
def settings() -> Settings:
    return settings_of("lab")


def seen(**notes: dict[str, dict[str, str]]) -> dict[str, Seen]:
    return {"mx1": Seen(), "mx2": Seen()} | {
        key: Seen(True, {}, each) for key, each in notes.items()
    }


def test_outputs_name_host_certificate_time_and_reason(settings: Settings) -> None:
    found = plain(outputs(settings, renewals.failures(settings, seen(mx1=NOTES))))
    assert found["renewalFailures"] == [
        {
            "host": "mx1",
            "name": NAME,
            "algorithm": "ecdsa",
            "since": SINCE,
            "reason": "authority: it refuses",
        }
    ]


def test_outputs_of_hosts_without_a_failure_do_not_vary(settings: Settings) -> None:
    good = {f"{NAME}_rsa": {"error": "", "lastAttempt": "2026-11-20"}}
    found = [renewals.failures(settings, each) for each in (seen(), seen(mx1=good))]
    assert found == [[], []]
    assert plain(outputs(settings, found[1])) == plain(outputs(settings))


def test_a_stack_without_certificates_has_no_renewals(settings: Settings) -> None:
    without = settings.model_copy(update={"certificates": None})
    assert renewals.failures(without, seen(mx1=NOTES)) == []


def test_a_host_has_one_warning_with_the_way_out(settings: Settings) -> None:
    both = dict.fromkeys((f"{NAME}_ecdsa", f"{NAME}_rsa"), NOTES[f"{NAME}_ecdsa"])
    other = {"mx2.example.test_rsa": NOTES[f"{NAME}_ecdsa"]}
    first, second = renewals.warnings(renewals.failures(settings, seen(mx1=both, mx2=other)))
    assert first.splitlines() == [
        "renewal fails on mx1:",
        f"{NAME} (ecdsa) since {SINCE}: authority: it refuses",
        f"{NAME} (rsa) since {SINCE}: authority: it refuses",
        renewals.WAY_OUT,
    ]
    assert second.startswith("renewal fails on mx2:\n")
    assert renewals.warnings([]) == []


def test_hosts_are_asked_for_the_file_that_their_program_writes() -> None:
    assert f"{dehydrated.STATE}/status.json" == RENEWALS
    assert str(module("__main__").STATUS) == RENEWALS


class Host:
    """The program with a folder of its own, a clock, and an authority that fails as told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program, self.days, self.says = module("__main__"), 0, ""
        self.status = folder / "status.json"
        self.unserved: list[str] = []
        trouble, host = module("").Trouble, self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime(2026, 11, 20, tzinfo=tz) + timedelta(days=host.days)

        def issue(*_: Any) -> None:
            if host.says:
                raise trouble(host.says)

        def verify(_: Any) -> None:
            if host.unserved:
                raise trouble("not served")

        monkeypatch.setattr(self.program, "STATUS", self.status)
        monkeypatch.setattr(self.program, "datetime", Clock)
        for place, name, value in (
            ("renewal", "due", lambda *_: "it ends"),
            ("renewal", "register", lambda: None),
            ("renewal", "issue", issue),
            ("renewal", "install", lambda _: False),
            ("rollover", "roll", lambda *_: None),
            ("rollover", "next_key", lambda *_: None),
            ("served", "verify", verify),
            ("served", "users", lambda _: ["postfix"]),
            ("served", "differences", lambda _: host.unserved),
        ):
            monkeypatch.setattr(module(place), name, value)
        monkeypatch.setattr(module("served"), "STATE", folder)

    def run(self, day: int, says: str, *aliases: str, up: bool = False) -> dict[str, Any]:
        self.days, self.says = day, says
        wanted = [{"alias": alias, "name": "other"} for alias in aliases or ("a_rsa",)]
        stack = {"mx": "mx1", "certificates": wanted}
        if says or self.unserved:
            with pytest.raises(module("").Trouble):
                self.program.work(stack, stop_at_first=up)
        else:
            self.program.work(stack, stop_at_first=up)
        return dict(json.loads(self.status.read_text()))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_the_first_failure_is_kept_over_days_and_goes_with_the_success(host: Host) -> None:
    assert host.run(0, "down")["a_rsa"]["failingSince"] == "2026-11-20T00:00:00+00:00"
    later = host.run(3, "other\nreason")["a_rsa"]
    assert later == {
        "error": "other reason",
        "failingSince": "2026-11-20T00:00:00+00:00",
        "lastAttempt": "2026-11-23T00:00:00+00:00",
    }
    assert host.run(4, "")["a_rsa"] == {"error": "", "lastAttempt": "2026-11-24T00:00:00+00:00"}
    assert host.run(5, "down")["a_rsa"]["failingSince"] == "2026-11-25T00:00:00+00:00"


def test_what_up_fails_at_begins_no_series_and_ends_none(host: Host) -> None:
    assert host.run(0, "down", up=True)["a_rsa"] == {
        "error": "down",
        "lastAttempt": "2026-11-20T00:00:00+00:00",
    }
    host.run(1, "down")
    assert host.run(2, "down", up=True)["a_rsa"]["failingSince"] == "2026-11-21T00:00:00+00:00"
    assert "failingSince" not in host.run(3, "", up=True)["a_rsa"]


def test_the_notes_are_one_line_for_every_login(host: Host) -> None:
    host.run(0, "down\n" * 500)
    assert "\n" not in host.status.read_text()
    assert len(host.status.read_text()) < 700
    assert host.status.stat().st_mode & 0o777 == 0o644


def test_a_name_that_left_the_settings_fails_no_more(host: Host) -> None:
    assert set(host.run(0, "down", "a_rsa", "b_rsa")) == {"a_rsa", "b_rsa"}
    assert set(host.run(1, "down", "b_rsa")) == {"b_rsa"}


def test_a_new_certificate_that_is_not_served_is_a_renewal_that_fails(host: Host) -> None:
    host.unserved = ["nginx serves another certificate"]
    host.run(0, "")
    assert host.run(2, "")["a_rsa"] == {
        "error": "nginx serves another certificate",
        "failingSince": "2026-11-20T00:00:00+00:00",
        "lastAttempt": "2026-11-22T00:00:00+00:00",
    }


@pytest.mark.parametrize(("days", "finds"), [(60, False), (29.5, False), (20, True), (10, False)])
def test_status_sees_that_a_renewal_is_late(days: float, finds: bool) -> None:
    right = Right()
    for address in ADDRESSES["mx1.ok.test"]:
        right.smtp.servers[address] = Server("mx1.ok.test", days=days)
    world = World(right.names, right.smtp, right.web, blocklists={"zen.list.test": ""})
    expected = "its ECDSA certificate has 20 days left; its renewal is due for 10 days"
    check = renewal.late({"mx1.ok.test"}, 30)
    found = run.domains(world, ["ok.test"], at=[check])
    told = [each.what for each in found if each.check == "renewal-late"]
    assert (expected in told) is finds
    assert bool(told) is finds
    # Near its end every domain is told of it; nothing is told twice.
    assert {each.check for each in found} <= {"renewal-late", "certificate-soon"}
    assert run.domains(world, ["ok.test"], at=[renewal.late(set(), 30)]) == [
        each for each in found if each.check != "renewal-late"
    ]


@pytest.mark.parametrize(("left", "over"), [(3, 0), (1.6, 0), (1.2, 0.8)])
def test_late_adapts_to_the_lifetime(
    monkeypatch: pytest.MonkeyPatch, left: float, over: float
) -> None:
    short = Certificate(certificate("ECDSA", "mx1.ok.test", left))
    monkeypatch.setattr(Certificate, "lifetime_seconds", 6 * 86400)
    assert renewal.overdue_seconds(short, 30) / 86400 == pytest.approx(over, abs=0.01)


def test_status_tells_what_the_outputs_know(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = outputs(settings, renewals.failures(settings, seen(mx1=NOTES)))
    [finding] = renewal.told(Outputs.model_validate_json(json.dumps(plain(found))))
    assert (finding.severity, finding.subject) == ("warning", NAME)
    assert f"the ecdsa certificate of {NAME} could not be renewed since {SINCE}" in finding.what
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    assert command.main(["--outputs", "ok.test"]) == 1
    assert "what stdin has is not what" in capsys.readouterr().err
