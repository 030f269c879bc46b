"""Whether the engine is told to read the DNS records first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from components.settings import stack_file
from components.settings.environment import SettingsError
from tests.support.mapping import mapping
from tests.support.stacks import ROOT
from tools import refresh_option


@pytest.mark.parametrize(
    ("drift", "options"), [({}, ["--refresh"]), ({"read": False}, []), ({"read": "no"}, [])]
)
def test_records_are_read_unless_drift_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drift: dict[str, object], options: list[str]
) -> None:
    write(tmp_path, monkeypatch, mapping() | {"drift": drift})
    assert [*refresh_option.options("test")] == options


def test_more_records_than_the_api_lets_read_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = mapping()
    name, domain = next(iter(settings["domains"].items()))
    settings["domains"] |= {f"d{number}.{name}": domain for number in range(400)}
    write(tmp_path, monkeypatch, settings)
    assert not refresh_option.options("test")
    count = refresh_option.record_count(stack_file.settings_of("test"))
    assert count > 1000
    assert f"{count} DNS records are too many" in capsys.readouterr().err


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]) -> None:
    """A stack file `test` that is found."""
    monkeypatch.setattr(stack_file, "_ROOT", folder)
    (folder / "stacks").mkdir()
    document = {"config": {"mx:mail": settings}}
    (folder / "stacks/Pulumi.test.yaml").write_text(yaml.safe_dump(document))


LOCAL_PARTS = "        recipients: [alice, no, on, y, 'true']\n"


def test_local_parts_that_were_booleans_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, monkeypatch, mapping())
    file = tmp_path / "stacks/Pulumi.test.yaml"
    file.write_text(file.read_text().replace("        recipients:\n        - alice\n", LOCAL_PARTS))
    assert stack_file.settings_of("test").domains["example.test"].recipients == [
        *("alice", "no", "on", "y", "true")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config:\n  mx:mail: {a: 1}\n  mx:mail: {b: 2}\n", ":3:3: the key 'mx:mail' occurs twice"),
        ("config:\n  mx:mail:\n    a: 2001-12-14\n", ":3:8: '2001-12-14' would be read as a date"),
        ("config:\n  mx:mail:\n    a: !foo x\n", ":3:8: the tag '!foo'"),
        ("config:\n  mx:mail:\n    a: [1\n", ":4:1: expected ',' or ']'"),
        ("config: {}\n", ": config.mx:mail: missing"),
        ("", ": config: missing"),
    ],
)
def test_a_file_that_the_engine_reads_otherwise_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    write(tmp_path, monkeypatch, mapping())
    (tmp_path / "stacks/Pulumi.test.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        stack_file.settings_of("test")
    assert str(caught.value).startswith(f"stacks/Pulumi.test.yaml{words}"), caught.value
    assert "\n" not in str(caught.value)


def test_yaml_is_read_in_one_place() -> None:
    root = ROOT
    readers = [
        str(file.relative_to(root))
        for folder in ("components", "tools", "benchmarks")
        for file in (root / folder).rglob("*.py")
        if re.search(r"\byaml\.(safe_|full_|unsafe_)?load", file.read_text())
    ]
    assert readers == ["components/settings/engine_yaml.py"]
