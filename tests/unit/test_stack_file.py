"""Whether the engine is told to read the DNS records first."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.settings import stack_file
from tools import refresh_option

from .test_settings import mapping


@pytest.mark.parametrize(
    ("drift", "options"), [({}, "--refresh"), ({"read": False}, ""), ({"read": "no"}, "")]
)
def test_records_are_read_unless_drift_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drift: dict[str, object], options: str
) -> None:
    write(tmp_path, monkeypatch, mapping() | {"drift": drift})
    assert refresh_option.options("test") == options


def test_more_records_than_the_api_lets_read_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = mapping()
    name, domain = next(iter(settings["domains"].items()))
    settings["domains"] |= {f"d{number}.{name}": domain for number in range(400)}
    write(tmp_path, monkeypatch, settings)
    assert refresh_option.options("test") == ""
    count = refresh_option.record_count(stack_file.settings_of("test"))
    assert count > 1000
    assert f"{count} DNS records, too many" in capsys.readouterr().err


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]) -> None:
    """A stack file `test` that is found."""
    monkeypatch.setattr(stack_file, "_ROOT", folder)
    (folder / "stacks").mkdir()
    document = {"config": {"mx:mail": settings}}
    (folder / "stacks/Pulumi.test.yaml").write_text(yaml.safe_dump(document))
