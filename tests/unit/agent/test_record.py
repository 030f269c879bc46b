"""Files of the agent's state: what a former agent wrote is read, what a newer one wrote is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.agent.journal import Journal
from components.agent.process import Failure
from components.agent.record import FORMAT, Record
from tests.support.agent_host import Host, Staged, mail

STATE = "var/lib/mx-agent"


def _change(path: Path, **keys: Any) -> None:
    value = {**json.loads(path.read_text()), **keys}
    path.write_text(json.dumps({key: each for key, each in value.items() if each is not None}))


def _as_a_former_agent_wrote(path: Path) -> None:
    """A record of agent 1.3: no format, no digest of the manifest as given, marks of made paths."""
    value = json.loads(path.read_text())
    for key in ("format", "given", "rolled_back", "compare", "undo", "groups", "creates"):
        del value[key]
    for mark in value["made"].values():
        del mark["restart"]
    path.write_text(json.dumps(value))


def test_a_record_of_a_former_agent(root: Path, host: Host, agent: Staged) -> None:
    agent.apply(mail(agent))
    record = root / STATE / "bundles/one.json"
    _as_a_former_agent_wrote(record)
    assert agent.status()["bundles"]["one"]["drift"] == []
    agent.apply(mail(agent, "c\n"))
    assert (root / "etc/postfix/relay").read_text() == "c\n"
    agent.rollback("one")
    assert (root / "etc/postfix/relay").read_text() == "b\n"
    assert json.loads(record.read_text())["format"] == FORMAT
    agent.remove("one")
    assert not (root / "etc/postfix/relay").exists()


@pytest.mark.parametrize("verb", ["apply", "remove", "rollback", "status"])
def test_a_record_of_a_newer_agent(root: Path, agent: Staged, verb: str) -> None:
    agent.apply(mail(agent))
    record = root / STATE / "bundles/one.json"
    _change(record, format=FORMAT + 1)
    before = record.read_text()
    with pytest.raises(Failure, match=rf"bundles/one\.json: a newer mx-agent wrote .*{FORMAT + 1}"):
        getattr(agent, verb)(mail(agent, "c\n") if verb == "apply" else "one")
    assert record.read_text() == before
    assert (root / "etc/postfix/relay").read_text() == "b\n"


def _cut_off(agent: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a journal behind, as a power cut in the middle of the renames does."""
    monkeypatch.setattr(agent, "undo", lambda journal: "cut off")
    monkeypatch.setattr(agent, "start_guardian", lambda: lambda: None)
    monkeypatch.setattr(agent, "_probe_all", _fails)
    with pytest.raises(Failure, match="cut off"):
        agent.apply(mail(agent, "c\n"))
    monkeypatch.undo()


def _fails(*_: Any) -> None:
    raise Failure("cut off")


def test_a_journal_of_a_former_agent(
    root: Path, host: Host, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(mail(agent))
    _cut_off(agent, monkeypatch)
    journal = root / STATE / "journal.json"
    value = json.loads(journal.read_text())
    del value["format"], value["record"]["format"]
    journal.write_text(json.dumps(value))
    Staged(root, host).recover()
    assert (root / "etc/postfix/relay").read_text() == "b\n"
    assert not journal.exists()


def test_a_journal_of_a_newer_agent(
    root: Path, host: Host, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(mail(agent))
    _cut_off(agent, monkeypatch)
    journal = root / STATE / "journal.json"
    _change(journal, format=FORMAT + 1)
    with pytest.raises(Failure, match=r"journal\.json: a newer mx-agent wrote this file"):
        Staged(root, host).recover()
    assert journal.exists()


def test_records_and_journals_are_read_as_they_were_written(
    root: Path, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(mail(agent))
    [record] = agent.records().values()
    assert Record.of(json.loads(record.text_of_file())) == record
    _cut_off(agent, monkeypatch)
    path = root / STATE / "journal.json"
    journal = Journal.read(path)
    assert json.loads(journal.text()) == json.loads(path.read_text())
