"""Packages of another repository: upgraded once, and given back when what follows fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.agent.manifest import parse_manifest
from components.agent.process import BadManifest, Failure, Result
from tests.support.agent_host import Host, Staged, file, manifest

POLICY = "rspamd:\n  Installed: {}\n  Candidate: {}\n  Version table:\n"
UNIT = "rspamd.service"


class Apt(Host):
    """Has Rspamd 3 installed, and knows of 4."""

    installed, there = "3", True

    def __call__(self, argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        done = super().__call__(argv, stdin, timeout)
        if argv[:2] == ["apt-cache", "policy"]:
            return Result(0, POLICY.format(self.installed, "4"), "")
        if argv[:2] == ["dpkg-query", "-W"] and argv[-1] == "rspamd" and "Version" in argv[2]:
            return Result(0, f"rspamd {self.installed}\n", "")
        if argv[0] == "env" and "download" in argv:
            if self.there:
                (Path(argv[2]) / "rspamd_3.deb").touch()
            return Result(0 if self.there else 100, "", "")
        if argv[0] == "apt-get" and "install" in argv:
            if argv[-1] == "rspamd":
                self.installed = "4"
            elif argv[-1].endswith("rspamd_3.deb"):
                self.installed = "3"
                self.unit(UNIT, enabled=True)  # it did not run with 4, and dpkg starts nothing
        return done

    @property
    def installs(self) -> int:
        return sum(argv[0] == "apt-get" and argv[-1] == "rspamd" for argv in self.calls)


@pytest.fixture
def host(root: Path) -> Apt:
    host = Apt(root)
    (root / "packages").mkdir()
    (root / "packages" / "rspamd").touch()
    host.unit(UNIT, enabled=True, active=True)
    return host


def wanted(source: str = "", text: str = "a", check: int = 0) -> str:
    body: dict[str, Any] = {
        "packages": ["rspamd"],
        "units": {UNIT: {}},
        "files": {"/etc/rspamd/x": file(text)},
        "check": [{"run": ["words", str(check), "", "no such option"]}],
    }
    if source:
        body["newest"] = {"rspamd": source}
    return manifest(**body)


def test_package_is_upgraded_when_its_repository_is_new_and_not_again(
    host: Apt, agent: Staged
) -> None:
    agent.apply(wanted())
    assert host.installs == 0
    agent.apply(wanted("https://a.example trixie"))
    assert (host.installs, host.installed) == (1, "4")
    host.installed = "3.9"  # whatever the repository has by now
    agent.apply(wanted("https://a.example trixie", "b"))
    assert host.installs == 1
    agent.apply(wanted("https://b.example trixie", "b"))
    assert host.installs == 2
    agent.apply(wanted(text="b"))
    assert (host.installs, host.installed) == (2, "4")
    assert not (agent.state / "former").exists()


def test_version_that_does_not_take_our_files_goes_and_the_former_one_runs_again(
    host: Apt, agent: Staged
) -> None:
    agent.apply(wanted())
    with pytest.raises(Failure, match="no such option") as found:
        agent.apply(wanted("https://a.example trixie", check=1))
    assert str(found.value).endswith("no such option\nrspamd 3 is installed again")
    assert host.installed == "3"
    assert host.did("restart") == [UNIT]
    assert not (agent.state / "former").exists()
    # The next attempt upgrades again.
    agent.apply(wanted("https://a.example trixie"))
    assert host.installed == "4"


def test_without_a_way_back_the_error_says_so(host: Apt, agent: Staged) -> None:
    agent.apply(wanted())
    host.there = False
    with pytest.raises(Failure, match="rspamd 4 stays installed; mend what failed"):
        agent.apply(wanted("https://a.example trixie", check=1))


def test_failure_without_an_upgrade_speaks_of_none(host: Apt, agent: Staged) -> None:
    agent.apply(wanted())
    host.installed = "4"
    with pytest.raises(Failure) as found:
        agent.apply(wanted("https://a.example trixie", check=1))
    assert "rspamd" not in str(found.value)


def test_manifests_without_the_key_keep_their_digest() -> None:
    assert "newest" not in parse_manifest(wanted())


@pytest.mark.parametrize(
    "more",
    [
        {"newest": ["rspamd"]},
        {"newest": {"rspamd": 1}, "packages": ["rspamd"]},
        {"newest": {"rspamd": "x"}},
        {"newest": {"a | b": "x"}, "packages": ["a | b"]},
        {"newest": {"-o": "x"}, "packages": ["-o"]},
    ],
)
def test_entry_that_is_no_package_of_the_bundle_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(BadManifest, match=r"newest|packages"):
        parse_manifest(json.dumps({"bundle": "one", "owner": "mx/lab", **more}))
