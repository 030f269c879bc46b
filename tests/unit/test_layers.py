"""Imports point down the list of layers only (docs/architecture.md, "The house")."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPONENTS = sorted((ROOT / "components").rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Absolute names of the modules that a file imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module or ""]))
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    found = imports(path)
    place = path.relative_to(ROOT).as_posix()
    roots = {name.split(".")[0] for name in found}
    assert not roots & {"lab", "scripts", "tests"}
    if not place.startswith("components/remote/"):
        assert "pulumi_command" not in roots
    pure = ("render/", "report/", "settings", "postconf/", "audit/")
    if place.startswith(tuple(f"components/{part}" for part in pure)):
        assert "pulumi" not in roots
    if place.startswith("components/postconf/"):
        assert not {name for name in found if name.startswith("components.settings")}
    if place == "components/remote/agent.py":
        assert not roots & {"components", "pulumi", "pydantic", "yaml"}
    if place.startswith(("components/render/", "components/remote/")):
        upper = {f"components.{name}" for name in ("host", "postfix", "dns", "mail_exchanger")}
        assert not found & upper


def test_main_fits_on_one_screen() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 60
