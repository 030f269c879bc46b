"""The example stacks previewed by the pinned engine and by a newer one: the same plan."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.settings.stack_file import settings_of
from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from lab.environment import engine_folder
from tests.engine.conftest import Project
from tests.support.serving import serving

NEWEST = Path(os.environ["MX_NEWEST_ENGINE"])


def ordered(value: Any) -> Any:
    """The value with its lists of URNs sorted: their order is that of the program's threads."""
    if isinstance(value, dict):
        return {key: ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(ordered, value), key=json.dumps)
    return value


def plan(folder: Path, stack: str, engine: Path) -> dict[str, Any]:
    """The preview of a new stack by this engine, by URN."""
    folder.mkdir()
    project = Project(folder)
    path = project.environment["PATH"].split(":")
    project.environment["PATH"] = ":".join(
        [path[0], str(engine), *(part for part in path[1:] if Path(part) != engine_folder())]
    )
    api = Api(folder / "api.json", settings_of(stack).dns.zones, {"t" * 40: SCOPES})
    with serving(api) as url:
        project.environment["CLOUDFLARE_BASE_URL"] = url
        if engine == NEWEST:
            assert project.run("version").stdout.strip() == f"v{NEWEST.name}"
        project.init(stack)
        return {step["urn"]: ordered(step) for step in project.preview(stack)}


@pytest.mark.parametrize("stack", ["staging", "production"])
def test_newer_engine_plans_the_same(tmp_path: Path, stack: str) -> None:
    pinned = plan(tmp_path / "pinned", stack, engine_folder())
    newest = plan(tmp_path / "newest", stack, NEWEST)
    assert newest.keys() == pinned.keys()
    assert [urn for urn in pinned if newest[urn] != pinned[urn]] == []
