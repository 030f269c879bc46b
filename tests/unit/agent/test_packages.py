"""Installing packages: services held back, and a resolver that may be what does not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.agent.process import Failure, Result
from tests.support.agent_host import Host, Staged, file, manifest


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


class BothWays(Host):
    """Knows of units masked by an administrator, until the next boot, or both, as systemctl(1)."""

    masked: set[str]

    def __call__(self, argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        if argv[0] == "systemctl" and argv[1] in ("mask", "unmask"):
            self.calls.append(argv)
            where = "run" if "--runtime" in argv else "etc"
            names = {f"{where}/{name}" for name in argv[2:] if not name.startswith("-")}
            self.masked = self.masked | names if argv[1] == "mask" else self.masked - names
            return Result(0, "", "")
        return super().__call__(argv, stdin, timeout)

    def systemctl(self, verb: str, name: str) -> Result:
        how = [where for where in ("etc", "run") if f"{where}/{name}" in self.masked]
        if verb == "is-enabled" and how:
            return Result(1, "masked\n" if how[0] == "etc" else "masked-runtime\n", "")
        if verb in ("enable", "start") and how:
            return Result(1, "", f"Unit /{how[0]}/systemd/system/{name} is masked")
        return super().systemctl(verb, name)


@pytest.mark.parametrize("before", [{"etc"}, {"etc", "run"}, {"run"}])
def test_a_unit_that_somebody_masked_runs_again_beside_a_missing_package(
    root: Path, before: set[str]
) -> None:
    host = BothWays(root)
    host.masked = {f"{where}/old.service" for where in before}
    agent = Staged(root, host)
    agent.apply(manifest("packages", packages=["unbound"], held=["old.service"]))
    assert host.masked == ({"etc/old.service"} if "etc" in before else set())
    assert host.did("mask") == ["old.service"], "a package may lift the mask of before"
    agent.apply(manifest("old", units={"old.service": {}}))
    assert host.masked == set()
    assert host.did("start") == ["old.service"]


def test_a_mask_comes_back_with_the_old_state(root: Path) -> None:
    host = BothWays(root)
    host.masked = {"etc/old.service", "run/old.service"}
    agent = Staged(root, host)
    host.answers["probe"] = Result(1, "", "refused")
    wanted = manifest(units={"old.service": {}}, probe=[{"run": ["probe"], "timeout": 1}])
    with pytest.raises(Failure, match="the old state is back"):
        agent.apply(wanted)
    assert "etc/old.service" in host.masked


class Enabling(Masking):
    """Enables the unit of a package when it is installed, as Debian does."""

    def __call__(self, argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        done = super().__call__(argv, stdin, timeout)
        if argv[0] == "apt-get" and argv[-1] == "unbound":
            self.systemctl("enable", "unbound.service")
        return done


def test_package_of_a_service_that_has_not_been_applied_yet_starts_nothing(
    root: Path, host: Masking
) -> None:
    """A reboot between the packages and the service finds it neither running nor enabled."""
    host = Enabling(root)
    agent = Staged(root, host)
    host.unit("old.service", enabled=True, active=True)
    agent.apply(manifest("packages", packages=["unbound"], held=["unbound.service", "old.service"]))
    assert host.did("mask") == ["unbound.service"]
    assert host.did("start") == []
    assert host.did("disable") == ["unbound.service"]
    service = manifest("resolver", packages=["unbound"], units={"unbound.service": {}})
    agent.apply(service)
    assert host.did("start") == ["unbound.service"]
    assert sum(argv[0] == "apt-get" and "install" in argv for argv in host.calls) == 1
    agent.remove("resolver")
    assert host.read()["unbound.service"] == {
        **host.read()["unbound.service"],
        "enabled": False,
        "active": False,
    }
    assert host.read()["old.service"]["active"]


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


QUERY = "dpkg-query -W -f=${Package}\\t${db:Status-Status}\\t${Provides}\\n"
UNFINISHED = "dpkg-query -W -f=${Package} ${db:Status-Status} ${db:Status-Eflag}\\n"
INTERRUPTED = {
    "dpkg --audit": Result(0, "The following packages are only half configured:\n unbound\n", ""),
    UNFINISHED: Result(
        0, "bash installed ok\nunbound half-configured ok\nrspamd half-installed reinstreq\n", ""
    ),
    "dpkg-query -L unbound": Result(0, "/usr/lib/systemd/system/unbound.service\n", ""),
    "dpkg-query -L rspamd": Result(
        0, "/lib/systemd/system/rspamd.service\n/lib/systemd/system/rspamd@.service\n/etc/x\n", ""
    ),
}


def done(host: Host, *program: str) -> list[list[str]]:
    """Calls of a program whose arguments have all of the rest."""
    name, *words = program
    return [argv for argv in host.calls if argv[0] == name and set(words) <= set(argv)]


def interrupted(host: Host, root: Path) -> None:
    """As after a power cut in dpkg: nothing of the packages is known as installed yet."""
    (root / "packages").mkdir(exist_ok=True)
    host.answers |= {
        f"{QUERY} unbound": Result(1, "unbound\thalf-configured\t\n", ""),
        **INTERRUPTED,
    }


def test_dpkg_that_was_cut_off_is_finished_before_apt_installs(
    host: Masking, agent: Staged, root: Path
) -> None:
    interrupted(host, root)
    host.unit("rspamd.service", enabled=True, active=False)
    agent.apply(WANTED)
    names = [argv[0] + " " + argv[-1] for argv in host.calls if argv[0] in ("dpkg", "apt-get")]
    assert names[:4] == ["dpkg --audit", "dpkg -a", "apt-get rspamd", "apt-get update"]
    [mend] = done(host, "apt-get", "--fix-broken")
    assert "--no-remove" in mend
    # What a power cut left half unpacked is unpacked anew.
    assert mend[mend.index("--reinstall") + 1 :] == ["rspamd"]
    # Neither its own service nor that of another bundle starts as its package has it.
    assert {"unbound.service", "rspamd.service"} <= set(host.did("mask"))
    assert {"unbound.service", "rspamd.service"} <= set(host.did("unmask"))
    assert host.did("start") == ["unbound.service", "old.service"]


def test_dpkg_that_was_cut_off_while_it_wrote_its_status_is_finished(
    host: Masking, agent: Staged, root: Path
) -> None:
    (root / "var/lib/dpkg/updates").mkdir(parents=True)
    (root / "var/lib/dpkg/updates/0001").touch()
    agent.apply(WANTED)
    assert done(host, "dpkg", "--configure", "-a")


def test_nothing_is_finished_where_nothing_was_cut_off(host: Masking, agent: Staged) -> None:
    agent.apply(WANTED)
    assert not done(host, "dpkg", "--configure")
    assert not done(host, "apt-get", "--fix-broken")


def test_package_whose_own_script_fails_is_told_with_the_way_out(
    host: Masking, agent: Staged, root: Path
) -> None:
    interrupted(host, root)
    host.answers["dpkg --force-confold"] = Result(1, "", "unbound.postinst returned 1")
    host.answers["apt-get"] = Result(100, "", "E: Sub-process /usr/bin/dpkg returned 1")
    with pytest.raises(Failure) as failed:
        agent.apply(WANTED)
    told = str(failed.value)
    assert "unbound.postinst returned 1" in told
    assert "run `dpkg --configure -a`" in told
    assert "nothing has been changed" in told
    assert {"unbound.service", "rspamd.service"} <= set(host.did("unmask"))


LOCKED = {
    "apt-get": "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)",
    "dpkg": "dpkg: error: dpkg frontend lock was locked by another process with pid 7",
}


@pytest.mark.parametrize("program", LOCKED)
def test_lock_of_another_is_waited_for_and_told_once(
    program: str,
    host: Masking,
    agent: Staged,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            host.answers.clear()

    monkeypatch.setattr("components.agent.packages.time.sleep", sleep)
    host.answers[program] = Result(100, "", LOCKED[program])
    assert agent.packages([program, "install"]).code == 0
    assert len(slept) == 3
    told = [line for line in capsys.readouterr().out.splitlines() if "waiting" in line]
    assert len(told) == 1
    assert "7" in told[0]


def test_lock_that_stays_is_told_with_its_holder(host: Masking, agent: Staged) -> None:
    host.answers["apt-get"] = Result(100, "", LOCKED["apt-get"])
    agent.lock_wait = 0.0
    with pytest.raises(Failure, match=r"held by process 7 \(apt\)"):
        agent.apply(WANTED)


def test_archive_that_a_power_cut_spoiled_is_fetched_again(host: Masking, agent: Staged) -> None:
    def install(argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        if argv[0] == "apt-get" and "install" in argv and not done(host, "apt-get", "clean"):
            host.calls.append(argv)
            return Result(100, "", "dpkg-deb: error: unexpected end of file")
        return host(argv, stdin, timeout)

    agent.run = install
    agent.apply(WANTED)
    assert agent.records()["one"].packages == ["unbound"]


TIME = "systemd-timesyncd | time-daemon"


@pytest.mark.parametrize(
    ("name", "provides", "installs"),
    [
        ("nothing", "", ["systemd-timesyncd"]),
        ("systemd-timesyncd", "time-daemon", []),
        ("chrony", "time-daemon (= 4.6), ntp", []),
        ("ntpdate", "", ["systemd-timesyncd"]),
    ],
)
def test_other_package_that_provides_the_same_is_kept(
    host: Host, agent: Staged, root: Path, name: str, provides: str, installs: list[str]
) -> None:
    (root / "packages").mkdir()
    (root / "packages" / name).write_text(provides)
    agent.apply(manifest("postfix", packages=[TIME]))
    assert [argv[-1] for argv in done(host, "apt-get", "install")] == installs
    assert agent.status()["bundles"]["postfix"]["drift"] == []


def test_package_is_not_taken_for_another_one_that_provides_it(
    host: Host, agent: Staged, root: Path
) -> None:
    (root / "packages").mkdir()
    (root / "packages/valkey").write_text("redis-server")
    agent.apply(manifest("redis", packages=["redis-server"]))
    assert [argv[-1] for argv in done(host, "apt-get", "install")] == ["redis-server"]


def test_host_that_lost_its_time_service_is_told(agent: Staged, root: Path) -> None:
    agent.apply(manifest("postfix", packages=[TIME]))
    (root / "packages/systemd-timesyncd").unlink()
    [drift] = agent.status()["bundles"]["postfix"]["drift"]
    assert (drift["package"], drift["what"]) == (TIME, "not installed")
