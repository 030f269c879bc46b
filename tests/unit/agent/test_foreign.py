"""Directories that somebody besides root can change, and files that change while they are read."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.agent import files, transaction
from components.agent.files import Want, look
from components.agent.process import Failure
from tests.support.agent_host import GROUP, USER, Host, Staged, file, manifest

Json = dict[str, Any]
ANOTHER = str(os.geteuid() + 1)


def declared(mode: str = "0755", owner: str = USER, group: str = GROUP) -> Json:
    return {"mode": mode, "owner": owner, "group": group}


# Each: what is on the host before, the directories of the manifest, words of the refusal.
FOREIGN: dict[str, tuple[Callable[[Path], None], Json, str]] = {
    "everybody may write in it": (
        lambda top: top.chmod(0o777),
        {},
        "/etc/filter can be written by everybody (mode 0777)",
    ),
    "everybody may write in it, sticky": (
        lambda top: top.chmod(0o1777),
        {},
        "/etc/filter can be written by everybody (mode 1777)",
    ),
    "everybody may write in the one above": (
        lambda top: top.parent.chmod(0o777),
        {},
        "/etc can be written by everybody",
    ),
    "the manifest gives it to another user": (
        lambda top: None,
        {"/etc/filter": declared(owner=ANOTHER)},
        f"/etc/filter belongs to user {ANOTHER}",
    ),
    "the manifest gives it to another group": (
        lambda top: None,
        {"/etc/filter": declared("0770", group="54321")},
        "/etc/filter can be written by group 54321 (mode 0770)",
    ),
}


@pytest.mark.parametrize("state", FOREIGN)
def test_a_manifest_that_writes_where_somebody_else_can_is_refused(
    state: str, root: Path, agent: Staged
) -> None:
    before, directories, words = FOREIGN[state]
    (root / "etc/filter").mkdir()
    before(root / "etc/filter")
    with pytest.raises(Failure) as failed:
        agent.apply(manifest(directories=directories, files={"/etc/filter/a": file("a")}))
    assert f"/etc/filter/a: {words}" in str(failed.value)
    assert not (root / "etc/filter/a").exists()


def test_a_command_that_makes_a_file_there_is_refused_too(root: Path, agent: Staged) -> None:
    (root / "var/lib/filter").mkdir(mode=0o777)
    (root / "var/lib/filter").chmod(0o777)
    step = {"run": ["make-key"], "creates": "/var/lib/filter/key"}
    with pytest.raises(Failure, match="/var/lib/filter/key: /var/lib/filter can be written"):
        agent.apply(manifest(run=[step]))


def test_a_link_of_root_leads_into_a_foreign_directory(root: Path, agent: Staged) -> None:
    (root / "var/lib/filter/conf").mkdir(parents=True)
    (root / "var/lib/filter").chmod(0o777)
    (root / "etc/filter").symlink_to("../var/lib/filter/conf")
    with pytest.raises(Failure, match="/var/lib/filter can be written by everybody"):
        agent.apply(manifest(files={"/etc/filter/a": file("a")}))


def test_a_directory_of_a_service_below_one_of_root_is_fine(root: Path, agent: Staged) -> None:
    """A service makes its socket there; root does not work in it."""
    agent.apply(manifest(directories={"/var/lib/filter": declared("02770")}))
    assert (root / "var/lib/filter").is_dir()


def test_a_directory_that_the_manifest_takes_back_is_taken_before_files_are_there(
    root: Path, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "etc/filter").mkdir()
    (root / "etc/filter").chmod(0o777)
    modes: list[int] = []
    place = files.place

    def watched(real: Path, want: Want) -> None:
        if real.parent == root / "etc/filter":
            modes.append(real.parent.stat().st_mode & 0o777)
        place(real, want)

    monkeypatch.setattr(transaction, "place", watched)
    text = manifest(
        directories={"/etc/filter": declared("0750")}, files={"/etc/filter/a": file("a")}
    )
    agent.apply(text)
    assert modes == [0o750]


def test_a_rollback_to_a_manifest_from_before_the_rule_is_warned_about(
    root: Path, host: Host, agent: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "etc/filter").mkdir()
    agent.apply(manifest(files={"/etc/filter/a": file("a")}))
    agent.apply(manifest(files={"/etc/b": file("b")}))
    (root / "etc/filter").chmod(0o777)
    agent.rollback("one")
    assert (root / "etc/filter/a").read_text() == "a"
    assert "/etc/filter can be written by everybody" in capsys.readouterr().err
    record = json.loads((root / "var/lib/mx-agent/bundles/one.json").read_text())
    assert record["rolled_back"] is True


def test_a_file_that_is_swapped_for_a_link_while_it_is_read(tmp_path: Path) -> None:
    """What lies behind the link is never returned as the content of the file."""
    secret, plain = tmp_path / "shadow", tmp_path / "plain"
    secret.write_text("root:secret")
    plain.write_text("mine")
    shown, spare = tmp_path / "shown", tmp_path / "spare"
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            spare.unlink(missing_ok=True)
            os.link(plain, spare)
            os.rename(spare, shown)
            spare.unlink(missing_ok=True)
            spare.symlink_to(secret)
            os.rename(spare, shown)

    os.link(plain, shown)
    flipping = threading.Thread(target=flip)
    flipping.start()
    try:
        seen = [look(shown) for _ in range(4000)]
    finally:
        stop.set()
        flipping.join()
    assert {want.data for want in seen} <= {b"mine", None}
    assert {want.link for want in seen} <= {str(secret), None}


@pytest.mark.parametrize("kind", ["pipe", "directory"])
def test_what_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(Failure, match="neither a file nor a symbolic link"):
        look(place)
