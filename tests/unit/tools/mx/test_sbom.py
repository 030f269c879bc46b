"""`mx sbom --ask`: what each host told is in the bill; a host that told nothing ends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.mx import hosts
from tools.mx.app import run
from tools.mx.codes import FAILED, OK
from tools.mx.verb_sbom import sbom

TOLD = "installed\tpostfix\t3.10.13-0+deb13u1\tamd64\nconfig-files\texim4\t4.98-1\tall\n"


def answers(monkeypatch: pytest.MonkeyPatch, second: tuple[int, str, str]) -> None:
    monkeypatch.setattr(hosts, "run", lambda *_: {"mx1": (0, TOLD, ""), "mx2": second})


def test_versions_are_those_of_the_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(monkeypatch, (0, TOLD.replace("deb13u1", "deb13u2"), ""))
    assert (
        run([str(sbom.name), "production", "--ask", "--output", str(tmp_path / "sbom.json")]) == OK
    )
    found = json.loads((tmp_path / "sbom.json").read_text())
    debian = {
        (each["name"], each["version"])
        for each in found["components"]
        if each.get("purl", "").startswith("pkg:deb")
    }
    assert debian == {("postfix", "3.10.13-0+deb13u1"), ("postfix", "3.10.13-0+deb13u2")}
    needs = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    assert needs["host:mx1"] != needs["host:mx2"]


SILENT = {
    "not reached": ((255, "", "ssh: connect to host mx2 port 22: Connection refused\n"), "refused"),
    "a login that greets": ((0, f"Welcome to mx2\n{TOLD}", ""), "not a line of dpkg-query(1)"),
    "a login with a forced command": ((0, '{"heal": 1, "bundles": {}}\n', ""), "not a line of"),
    "a version that draws": ((0, "installed\tpostfix\t\x1b[2K\tamd64\n", ""), "is not the version"),
    "nothing": ((0, "", ""), "not a line of"),
}


@pytest.mark.parametrize("state", SILENT)
def test_no_bill_is_written_when_a_host_tells(
    state: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    second, words = SILENT[state]
    answers(monkeypatch, second)
    assert (
        run([str(sbom.name), "production", "--ask", "--output", str(tmp_path / "sbom.json")])
        == FAILED
    )
    said = capsys.readouterr().err
    assert "mx2 did not tell its packages" in said
    assert words in said
    assert "\x1b[2K" not in said
    assert not (tmp_path / "sbom.json").exists()
