"""Which folder may import which: the table in this file holds the layers of the house.

docs/architecture.md, "The house", explains the layers. A new folder needs its row in ALLOWED; a
service that has to know another one needs its pair in NEIGHBOURS.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.support.stacks import ROOT

# Files that run on a host are not part of the program: they lie below files/.
MODULES = sorted(
    path
    for folder in ("components", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "files" not in path.relative_to(ROOT).parts
)
SERVICES = sorted(path.name for path in (ROOT / "components/services").iterdir() if path.is_dir())

# Folder: the folders that its modules may import. Lower floors stand first.
ALLOWED = {
    "components/policies": set(),
    "components/postconf": set(),
    "components/agent": set(),
    "components/protocol": set(),
    "components/engine": set(),
    "components/audit": {"components/postconf"},
    "components/settings": {"components/policies", "components/postconf"},
    "components/host": {
        "components/settings",
        "components/postconf",
        "components/protocol",
        "components/engine",
    },
    "components/dns": {
        "components/settings",
        "components/policies",
        "components/protocol",
        "components/engine",
    },
    "components/services": {
        "components/settings",
        "components/host",
        "components/dns",
        "components/postconf",
    },
    "components/stack": {
        "components/audit",
        "components/postconf",
        "components/protocol",
        "components/settings",
        "components/host",
        "components/dns",
        "components/services",
    },
    # mail_exchanger.py puts the services of a host together.
    "components": {
        "components/settings",
        "components/host",
        "components/dns",
        "components/services",
    },
    "tools": {
        # Only its rule of restarts, which a report foretells (restarts.py).
        "components/agent",
        "components/audit",
        "components/protocol",
        "components",
        "components/settings",
        "components/host",
        "components/dns",
        "components/policies",
        "components/postconf",
        "components/services",
        "components/stack",
    },
}
# A service knows another one only where the two work together on the host.
NEIGHBOURS = {
    ("monitoring", "mta_sts"),
    ("monitoring", "postfix"),
    ("mta_sts", "certificates"),
    ("mta_sts", "postfix"),
    ("postfix", "spam_filter"),
    ("postfix", "tls_policy"),
    ("postfix", "tls_reports"),
    ("postfix_tls", "certificates"),
    ("postfix_tls", "postfix"),
    ("tls_policy", "tls_reports"),
}
# Packages that only these folders may import. In components/dns a local command switches DNSSEC on.
ONLY_IN = {
    "pulumi_command": {"components/host", "components/dns"},
    "pulumi_cloudflare": {"components/dns"},
}
# These folders are pure: no engine, no network.
WITHOUT_PULUMI = (
    "components/audit",
    "components/policies",
    "components/postconf",
    "components/settings",
)


def imports(path: Path) -> set[str]:
    """Absolute names of the modules that a file imports, with the names taken from them."""
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


def folder_of(parts: tuple[str, ...]) -> str:
    """The folder of the table that a module, given by the parts of its name, belongs to."""
    if parts[0] == "tools":
        return "tools"
    is_folder = len(parts) > 1 and (ROOT / parts[0] / parts[1]).is_dir()
    return f"{parts[0]}/{parts[1]}" if is_folder else parts[0]


def service_of(parts: tuple[str, ...]) -> str | None:
    """The service that a module is part of, or None."""
    if parts[:2] == ("components", "services") and len(parts) > 2 and parts[2] in SERVICES:
        return parts[2]
    return None


def test_every_folder_is_in_the_table() -> None:
    there = {folder_of(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES}
    assert there == set(ALLOWED), "a folder needs its row in ALLOWED, with what it may import"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_table(path: Path) -> None:
    own = path.relative_to(ROOT).with_suffix("").parts
    folder = folder_of(own)
    for name in imports(path):
        parts = tuple(name.split("."))
        assert parts[0] not in {"lab", "scripts", "tests"}, f"{name}: the program runs without it"
        if parts[0] in ONLY_IN:
            assert folder in ONLY_IN[parts[0]], f"{name}: only {ONLY_IN[parts[0]]} may import it"
        if parts[0] == "pulumi":
            assert not folder.startswith(WITHOUT_PULUMI), f"{name}: {folder} works without it"
        if folder == "components/agent":
            own_or_standard = folder_of(parts) == folder or parts[0] in sys.stdlib_module_names
            assert own_or_standard, f"{name}: hosts have nothing but the standard library"
        if parts[0] in {"components", "tools"} and parts != ("components",) and len(parts) > 1:
            there = folder_of(parts)
            allowed = ALLOWED[folder] | {folder}
            assert there in allowed, f"{name}: {folder} may import {sorted(allowed)} only"
            here, other = service_of(own), service_of(parts)
            if here and other and here != other:
                pair = (here, other)
                assert pair in NEIGHBOURS, f"{name}: {here} does not know {other} (NEIGHBOURS)"


def test_modules_of_the_agent_import_each_other_by_relative_names() -> None:
    # In the archive on a host the package has another name (components/host/agent.py).
    for path in (ROOT / "components/agent").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert not (node.module or "").startswith("components"), path.name


def test_no_two_folders_import_each_other() -> None:
    arrows = {(folder, other) for folder, others in ALLOWED.items() for other in others}
    assert not {(one, other) for one, other in arrows if (other, one) in arrows}
    assert not {(one, other) for one, other in NEIGHBOURS if (other, one) in NEIGHBOURS}


def test_main_fits_on_one_screen() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 60
