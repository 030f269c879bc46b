"""`mx init` for a domain that has mail today: no MX record of ours comes by itself."""

from __future__ import annotations

import pytest
import yaml

from tools.mx import init_file, init_live
from tools.mx.init_file import Answers, Host
from tools.status.names import Answer, Names

DOMAINS = ["live.test", "new.test", "ours.test"]
MX = {
    "live.test": Answer("found", ("10 Old.live.test.", "20 mx1.ours.test.")),
    "ours.test": Answer("found", ("10 mx1.ours.test.",)),
}


def answers() -> Answers:
    hosts = [Host(f"mx{n}.ours.test", f"5.5.5.{n}", host_key="k") for n in (1, 2)]
    return Answers(hosts, [*DOMAINS], ["postmaster"], "box.ours.test")


def test_a_domain_whose_mx_records_name_others_has_leaving_mx(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Names, "ask", lambda _, name, kind: MX.get(name, Answer("missing", ())))
    given = answers()
    init_live.find(given)
    told = " ".join(capsys.readouterr().err.split())
    assert "live.test has mail today: its MX records name old.live.test." in told
    for domain in ("live.test", "ours.test"):
        assert f"MX records of {domain} name mx1.ours.test today, so mail comes there now" in told
    written = init_file.text(given)
    assert "&" not in written, "an alias of YAML is no text for people"
    domains = yaml.safe_load(written)["config"]["mx:mail"]["domains"]
    assert [domain.get("leavingMx") for domain in domains.values()] == [["mx1", "mx2"], None, None]
    comment = written[: written.index("leavingMx:\n")].rstrip().split("\n")[-1]
    assert comment == "        # remove leavingMx (docs/moving-a-domain.md, step 5)."


def test_dns_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(_: Names, name: str, kind: str) -> Answer:
        asked.append(name)
        return Answer("failed", ())

    monkeypatch.setattr(Names, "ask", ask)
    given = answers()
    init_live.find(given)
    assert asked == DOMAINS[:1]
    assert given.live == []
