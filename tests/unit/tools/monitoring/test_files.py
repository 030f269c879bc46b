"""scripts/monitoring: one line for what is wrong, and no traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.settings import stack_file
from components.settings.environment import Settings, SettingsError, from_mapping
from components.stack.outputs import outputs, plain
from tests.support.mapping import mapping
from tests.unit.stack.test_outputs import WATCHED
from tools.monitoring import __main__ as monitoring_files


def call(monkeypatch: pytest.MonkeyPatch, directory: Path, **settings: Any) -> int:
    printed = json.dumps(plain(outputs(from_mapping(mapping() | settings))))
    monkeypatch.setattr(sys, "stdin", io.StringIO(printed))
    monkeypatch.setattr(
        sys, "argv", ["monitoring", "lab", str(directory), "--runbooks", "https://x.test/r"]
    )
    return monitoring_files.main()


def test_files_are_written_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, tmp_path, **WATCHED) == 0
    assert f"written: {tmp_path / 'rules.yml'}\n" in capsys.readouterr().out
    assert call(monkeypatch, tmp_path, **WATCHED) == 0
    assert capsys.readouterr().out == ""


def said(capsys: pytest.CaptureFixture[str], directory: Path, printed: object) -> str:
    """The one line that outputs of no use are told with; nothing is written."""
    given = printed if isinstance(printed, str) else json.dumps(printed)
    assert monitoring_files.main(["staging", str(directory)], given) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), list(directory.iterdir())) == ("", 1, [])
    return err


@pytest.mark.parametrize("left_out", [True, False])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "there is no `monitoring` in stacks/Pulumi.staging.yaml, so there is nothing to"),
        (WATCHED, "is in stacks/Pulumi.staging.yaml, but no `mx up` has succeeded since it was"),
        (None, "there was no `monitoring` in stacks/Pulumi.staging.yaml at the last `mx up`"),
    ],
)
def test_a_stack_without_monitoring(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any] | None,
    words: str,
    left_out: bool,
) -> None:
    def settings_of(stack: str) -> Settings:
        if settings is None:
            raise SettingsError(f"stacks/Pulumi.{stack}.yaml: No such file or directory")
        return from_mapping(mapping() | settings)

    monkeypatch.setattr(stack_file, "settings_of", settings_of)
    printed = plain(outputs(from_mapping(mapping())))
    if left_out:  # as Pulumi does with an output that is null
        del printed["thresholds"]
    text = said(capsys, tmp_path, printed)
    assert text.startswith("monitoring: ")
    assert words in text
    assert "run `mx up staging`" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outputsVersion": 2}, "outputs.outputsVersion: 2, but this MX reads 1"),
        ({"endpoints": None}, "outputs.endpoints: Input should be a valid list: an MX of another"),
    ],
)
def test_outputs_of_another_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], words: str
) -> None:
    printed = plain(outputs(from_mapping(mapping())))
    text = said(capsys, tmp_path, printed | change)
    assert words in text
    assert "run `mx up staging` with this one" in text
    del printed["endpoints"]
    assert "outputs.endpoints: missing: an MX of another" in said(capsys, tmp_path, printed)


@pytest.mark.parametrize("printed", ["", "{}\n"])
def test_a_stack_without_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], printed: str
) -> None:
    assert "the stack staging has no outputs: no `mx up staging`" in said(capsys, tmp_path, printed)


@pytest.mark.parametrize("printed", ["no", "[]", "["])
def test_what_are_no_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], printed: str
) -> None:
    assert "not the JSON of `pulumi stack output --json`" in said(capsys, tmp_path, printed)


@pytest.mark.parametrize("origin", ["https://forge.test/a/b.git", "https://github.com/a/b.git"])
def test_links_to_runbooks_are_missed_only_where_the_help_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], origin: str
) -> None:
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda arguments, **_: subprocess.CompletedProcess(arguments, 0, f"{origin}\n", ""),
    )
    printed = json.dumps(plain(outputs(from_mapping(mapping() | WATCHED))))
    assert monitoring_files.main(["staging", str(tmp_path)], printed) == 0
    err = capsys.readouterr().err
    known = "github.com" in origin
    assert ("the remote `origin` of this clone is at neither GitHub nor GitLab" in err) != known
    assert ("https://github.com/a/b/blob/HEAD/" in (tmp_path / "rules.yml").read_text()) == known


def test_a_directory_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call(monkeypatch, tmp_path / "file", **WATCHED) == 1
    assert capsys.readouterr().err.startswith(f"monitoring: {tmp_path}/file")


def test_a_path_in_place_of_the_address_of_the_runbooks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lab", str(tmp_path), "--runbooks", "docs/runbooks"]
    assert monitoring_files.main(arguments, json.dumps({"outputsVersion": 1})) == 1
    assert "--runbooks docs/runbooks: Alertmanager needs a complete URL" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
