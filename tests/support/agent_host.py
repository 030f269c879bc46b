"""The agent below a temporary root, on a host that pretends: its units, packages and manifests."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from components.agent import staging
from components.agent.plan import Plan
from components.agent.plan import Staged as Staging
from components.agent.process import Result
from components.agent.verbs import Agent

USER, GROUP = str(os.geteuid()), str(os.getegid())
Json = dict[str, Any]


class Host:
    """Pretends to be systemd, dpkg and apt; its state is a file, so that it outlives a process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "units.json"
        self.calls: list[list[str]] = []
        self.answers: dict[str, Result] = {}
        self.write({})

    def read(self) -> Json:
        state: Json = json.loads(self.store.read_text())
        return state

    def write(self, state: Json) -> None:
        self.store.write_text(json.dumps(state))

    def unit(self, name: str, enabled: bool = False, active: bool = False) -> None:
        self.write({**self.read(), name: {"enabled": enabled, "active": active, "loads": 0}})

    def __call__(self, argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        self.calls.append(argv)
        line = " ".join(argv)
        for start, answer in self.answers.items():
            if line.startswith(start):
                return answer
        if argv[0] == "systemctl":
            if argv[1] in ("is-enabled", "is-active"):
                said = [self.systemctl(argv[1], unit) for unit in argv[2:]]
                return Result(max(one.code for one in said), "".join(one.out for one in said), "")
            return [self.systemctl(argv[1], unit) for unit in _units(argv)][-1]
        if argv[0] == "dpkg-query":
            # A package is a file of its name, with what it provides.
            there = {path.name: path for path in (self.root / "packages").glob("*")}
            asked = argv[3:] or sorted(there)
            known = [package for package in asked if package in there]
            lines = [f"{each}\tinstalled\t{there[each].read_text()}\n" for each in known]
            return Result(int(len(known) < len(asked)), "".join(lines), "")
        if argv[0] == "apt-get" and "install" in argv:
            (self.root / "packages").mkdir(exist_ok=True)
            for package in argv[argv.index("install") + 1 :]:
                (self.root / "packages" / package).touch()
        return Result(0, "", "")

    def systemctl(self, verb: str, name: str) -> Result:
        state = self.read()
        unit = state.setdefault(name, {"enabled": False, "active": False, "loads": 0})
        if verb == "is-enabled" and unit.get("masked"):
            return Result(1, "masked\n", "")
        if verb == "unmask":
            unit["masked"] = False
        if verb == "is-enabled":
            return Result(0, "enabled\n" if unit["enabled"] else "disabled\n", "")
        if verb == "is-active":
            return Result(0, "active\n" if unit["active"] else "inactive\n", "")
        if verb == "show":
            return Result(0, "yes\n", "")
        if verb in ("enable", "disable"):
            unit["enabled"] = verb == "enable"
        if verb in ("start", "stop"):
            unit["active"] = verb == "start"
        if verb in ("reload", "restart"):
            unit["loads"] += 1
        self.write(state)
        return Result(0, "", "")

    def did(self, verb: str) -> list[str]:
        called = (argv for argv in self.calls if argv[:2] == ["systemctl", verb])
        return [unit for argv in called for unit in _units(argv)]


def _units(argv: list[str]) -> list[str]:
    """The units of a call of systemctl(1); some verbs take several at once."""
    several = argv[1] in ("mask", "unmask", "enable")
    return [name for name in argv[2:] if not name.startswith("-")] if several else [argv[-1]]


class Staged(Agent):
    """Stages in a copy of the root, where a real host has an overlay."""

    tied = ()

    def stage(self, plan: Plan) -> Staging:
        view = self.root.with_name(self.root.name + "-view")
        shutil.rmtree(view, ignore_errors=True)
        shutil.copytree(self.root, view, symlinks=True)

        def run(argv: list[str], stdin: bytes | None, timeout: float) -> Result:
            if argv[0] == "make-map":
                data = (view / argv[1].lstrip("/")).read_bytes()
                (view / argv[2].lstrip("/")).write_bytes(b"map:" + data)
            if argv[0] == "words":
                return Result(int(argv[1]), argv[2], argv[3])
            if argv[0] == "show-file":
                return Result(1, "", (view / argv[1].lstrip("/")).read_text())
            return Result(0, "", "")

        return staging.stage_files(view, plan, run)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "var/lib").mkdir(parents=True)
    return root


@pytest.fixture
def host(root: Path) -> Host:
    return Host(root)


@pytest.fixture
def agent(root: Path, host: Host) -> Staged:
    return Staged(root, host)


def file(content: str, mode: str = "0644", **more: Any) -> Json:
    return {"content": content, "mode": mode, "owner": USER, "group": GROUP, **more}


def manifest(bundle: str = "one", owner: str = "org/mx/lab", **more: Any) -> str:
    return json.dumps({"bundle": bundle, "owner": owner, **more})


def snapshot(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """All but the agent's lock, its notes of failures and the pretended units."""
    found = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        name = str(path.relative_to(root))
        if name == "units.json" or name.startswith(("packages", "var/lib/mx-agent/lock")):
            continue
        if name.startswith("var/lib/mx-agent/bundles/") and name.endswith(".failed"):
            continue
        data = b""
        if path.is_symlink():
            data = os.readlink(path).encode()
        elif path.is_file():
            data = path.read_bytes()
        found[name] = (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, data)
    return found


def mail(agent: Agent, text: str = "b\n", **more: Any) -> str:
    """A manifest with something of everything."""
    return manifest(
        directories={
            "/etc/postfix/main.cf.d": {
                "mode": "0755",
                "owner": USER,
                "group": GROUP,
                "exclusive": True,
            }
        },
        files={
            "/etc/postfix/main.cf.d/10-a.cf": file("a\n"),
            "/etc/postfix/main.cf.d/20-b.cf": file(text),
            "/etc/postfix/relay": file(text, "0640"),
        },
        assemble={
            "/etc/postfix/main.cf": {
                "directory": "/etc/postfix/main.cf.d",
                "owner": USER,
                "group": GROUP,
            }
        },
        build=[
            {
                "run": ["make-map", "/etc/postfix/relay", "/etc/postfix/relay.db"],
                "makes": ["/etc/postfix/relay.db"],
            }
        ],
        check=[{"run": ["words", "0", "fine", ""]}],
        units={"postfix.service": {"restart_when": "1"}},
        probe=[{"unit": "postfix.service", "timeout": 1}],
        **more,
    )
