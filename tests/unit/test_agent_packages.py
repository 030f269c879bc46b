"""Installing packages: services held back, and a resolver that may be what does not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.agent.mx_agent import Failure, Result

from . import test_agent
from .test_agent import Host, Staged, file, manifest

agent, root = test_agent.agent, test_agent.root


class Masking(Host):
    """Knows of units masked until the next boot."""

    def systemctl(self, verb: str, name: str) -> Result:
        unit = self.read().get(name, {})
        if verb == "is-enabled" and unit.get("masked"):
            return Result(1, "masked-runtime\n", "")
        if verb in ("mask", "unmask"):
            state = self.read()
            blank = {"enabled": False, "active": False, "loads": 0}
            state[name] = {**blank, **unit, "masked": verb == "mask"}
            self.write(state)
            return Result(0, "", "")
        if verb == "start" and unit.get("masked"):
            return Result(1, "", f"Unit {name} is masked.")
        return super().systemctl(verb, name)


@pytest.fixture
def host(root: Path) -> Masking:
    return Masking(root)


WANTED = manifest(packages=["unbound"], units={"unbound.service": {}, "old.service": {}})


def test_services_do_not_start_with_the_configuration_of_their_package(
    host: Masking, agent: Staged
) -> None:
    host.unit("old.service", enabled=True, active=True)
    agent.apply(WANTED)
    calls = [argv[-1] for argv in host.calls if argv[0] == "apt-get" or "mask" in str(argv)]
    assert calls.index("unbound.service") < calls.index("unbound")
    assert host.did("mask") == ["unbound.service"]
    assert host.did("start") == ["unbound.service"]


def test_a_failed_installation_lets_them_go(host: Masking, agent: Staged) -> None:
    host.answers["apt-get"] = Result(100, "", "no route")
    with pytest.raises(Failure, match="no route"):
        agent.apply(WANTED)
    assert host.did("unmask") == ["unbound.service", "old.service"]


def test_what_a_killed_run_held_back_is_let_go(host: Masking, agent: Staged) -> None:
    agent.hold_back(["unbound.service"])
    agent.apply(manifest(units={"unbound.service": {}}))
    assert host.did("start") == ["unbound.service"]


def test_packages_are_fetched_with_the_resolvers_of_before(
    host: Masking, agent: Staged, root: Path
) -> None:
    (root / "etc/resolv.conf").write_text("nameserver 192.0.2.1\n")
    agent.apply(manifest("resolver", files={"/etc/resolv.conf": file("nameserver 127.0.0.1\n")}))
    host.answers["apt-get"] = Result(100, "", "could not resolve")
    agent.apply(manifest("filter", packages=["rspamd"]))
    last = host.calls[[argv[0] for argv in host.calls].index("unshare") + 1]
    assert last[last.index("_resolvers_of_before") + 1] == "apt-get"
    assert last[-1] == "rspamd"
