"""The disk with the agent's own state fills up at any of the writes of a change."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from components.agent import files, transaction, undo
from components.agent.process import Failure
from tests.support.agent_host import Staged, file, manifest, snapshot

STATE = "var/lib/mx-agent"
DONE = "the change is in effect; the next call of mx-agent, or the next boot, writes its record"
RAN = "the old files are back, but: what `true` did stays until the next apply"
UNDONE = ("nothing has been changed", "all undone, the old state is back", RAN)


def fill(monkeypatch: pytest.MonkeyPatch, state: Path, writes: int) -> list[Path]:
    """Let so many writes of the agent's state succeed, and none afterwards; what was refused."""
    done, refused = list[Path](), list[Path]()
    place = files.place

    def full(real: Path, want: files.Want) -> None:
        if not real.is_relative_to(state):
            return place(real, want)
        if len(done) < writes:
            done.append(real)
            return place(real, want)
        refused.append(real)
        # Some bytes had room: the file is there, and not whole.
        place(real, files.Want(data=b"", uid=want.uid, gid=want.gid))
        raise OSError(errno.ENOSPC, "No space left on device", str(real))

    monkeypatch.setattr(files, "place", full)
    return refused


@pytest.mark.parametrize("writes", range(8))
def test_state_disk_full_in_a_change_says_what_became_of_the_change_and_leaves_no_rest(
    root: Path, agent: Staged, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    step = [{"run": ["true"]}]
    old = manifest(files={"/etc/x": file("x")}, units={"x.service": {}}, run=step)
    new = manifest(
        files={"/etc/x": file("y"), "/etc/new": file("n")}, units={"x.service": {}}, run=step
    )
    agent.apply(old)
    before = snapshot(root)
    with monkeypatch.context() as patch:
        refused = fill(patch, root / STATE, writes)
        failure = ""
        try:
            agent.apply(new)
        except Failure as error:
            failure = str(error)
    assert bool(refused) == bool(failure)
    assert not list((root / STATE).rglob("*.new"))
    if failure:
        assert "no space left on device" in failure
        assert failure.endswith((*UNDONE, DONE))
        if not failure.endswith(DONE):
            # The mark that commands ran stays on purpose until the next apply.
            now = snapshot(root)
            assert {path: now[path] for path in now if not path.endswith(".unfinished")} == before
    # With room again one more `up` is enough.
    agent.apply(new)
    assert (root / "etc/x").read_text() == "y"
    assert not agent.journal_path.exists()
    assert not list((root / STATE).rglob("*.failed"))


def test_state_disk_full_while_groups_are_joined_and_left(
    root: Path, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(manifest(files={"/etc/x": file("x")}, groups={"games": ["news"]}))
    before = snapshot(root)
    new = manifest(files={"/etc/x": file("y")}, groups={"games": ["mail"]})
    for writes in (0, 3):
        with monkeypatch.context() as patch:
            fill(patch, root / STATE, writes)
            with pytest.raises(Failure, match="no space left on device") as caught:
                agent.apply(new)
        assert str(caught.value).endswith(UNDONE)
        assert (root / "etc/x").read_text() == "x"
    agent.recover()
    assert snapshot(root) == before


def test_disk_that_became_read_only_says_that_the_undo_comes_later(
    root: Path, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(manifest(files={"/etc/x": file("x")}))
    before = snapshot(root)

    def read_only(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "sync_directory", read_only)
        patch.setattr(undo, "sync_directory", read_only)
        with pytest.raises(Failure, match=r"apply: Read-only .*\nundo: .* next boot, undoes"):
            agent.apply(manifest(files={"/etc/x": file("y")}))
    agent.recover()
    assert snapshot(root) == before
