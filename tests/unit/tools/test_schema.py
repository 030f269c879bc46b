"""The generated schema and manual of stack files are the current ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import schema


@pytest.mark.parametrize("path", schema.generated(), ids=lambda path: path.name)
def test_generated_file_is_current(path: Path) -> None:
    assert path.read_text() == schema.generated()[path], "run scripts/schema"


def test_site_has_no_dead_link(tmp_path: Path) -> None:
    build = ["mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", *build], cwd=schema.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "start.html").is_file()


def test_every_setting_has_a_description() -> None:
    """A section may have that of its class, to which the schema refers."""
    document = json.loads((schema.ROOT / "stacks/schema.json").read_text())
    bare = [
        f"{name}.{key}"
        for name, definition in document["$defs"].items()
        for key, value in definition.get("properties", {}).items()
        if "description" not in value and "$ref" not in json.dumps(value)
    ]
    assert bare == [], "components/settings: say in one sentence what each is for"
