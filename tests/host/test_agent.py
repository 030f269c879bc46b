"""The agent on a real Debian host: overlay, systemd, kills, a lost connection, a full disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.host.agent import sources
from lab import container, keys, topology

from .conftest import eventually

COMPONENTS = Path(__file__).resolve().parents[2] / "components"
BUNDLE = "test-unit"
UNIT = "mx-agent-test.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"
CONFIG = "/etc/mx-agent-test/config"
SERVICE = f"""\
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/grep -q valid {CONFIG}

[Install]
WantedBy=multi-user.target
"""
Json = dict[str, Any]

pytestmark = pytest.mark.host


def ssh_argv(command: str) -> list[str]:
    return [*keys.ssh_command(topology.host("mx1")), command]


def inside(command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Without SSH, which takes ten times as long; lost connections are tested with it."""
    words = [*container.enter(topology.host("mx1")), "bash", "-c", command]
    return subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


def out(command: str) -> str:
    done = inside(command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def state() -> str:
    """What the test's files and unit are on the host, byte for byte."""
    return out(
        f"find /etc/mx-agent-test {UNIT_PATH} -type f -printf '%p %i %T@\\n' 2>&1 | sort;"
        f"find /etc/mx-agent-test {UNIT_PATH} -printf '%p %m %u %g\\n' 2>&1 | sort;"
        f"cat /etc/mx-agent-test/* {UNIT_PATH} 2>&1; systemctl is-active {UNIT};"
        f"systemctl is-enabled {UNIT} 2>&1; find /etc -name '.mx-agent-*'; true"
    )


@pytest.fixture(scope="module")
def owner(lab: dict[str, str]) -> Iterator[str]:
    """Install the agent of this checkout; take it away again when the host had none."""
    had = inside("test -x /usr/local/sbin/mx-agent").returncode == 0
    done = inside((COMPONENTS / "host/bootstrap.sh").read_text(), sources())
    assert done.returncode == 0, done.stderr
    yield json.loads(out("mx-agent status"))["owner"] or "tests/mx/host"
    if not had:
        out("mx-agent uninstall")


@pytest.fixture
def apply(owner: str) -> Iterator[Callable[..., str]]:
    """Return a maker of manifests; the bundle is applied once before and removed after."""

    def text(config: str = "valid 1\n", **more: Any) -> str:
        document: Json = {
            "bundle": BUNDLE,
            "owner": owner,
            "directories": {"/etc/mx-agent-test": {"mode": "0750", "group": "daemon"}},
            "files": {
                CONFIG: {"content": config, "mode": "0640", "group": "daemon"},
                UNIT_PATH: {"content": SERVICE},
            },
            "build": [{"run": ["cp", CONFIG, CONFIG + ".db"], "makes": [CONFIG + ".db"]}],
            "check": [{"run": ["cmp", CONFIG, CONFIG + ".db"], "fail_on_stderr": True}],
            "units": {UNIT: {}},
            "probe": [{"unit": UNIT, "timeout": 5}],
        }
        document.update(more)
        return json.dumps(document)

    done = inside("mx-agent apply", text())
    assert done.returncode == 0, done.stderr
    yield text
    eventually(lambda: inside(f"mx-agent remove {BUNDLE}").returncode == 0)
    gone = state()
    assert "valid" not in gone
    assert "inactive" in gone


SLOW: Json = {"probe": [{"run": ["/bin/false"], "timeout": 60}]}
KILL = "kill -9 $(cat /var/lib/mx-agent/lock)"


def swapping() -> bool:
    return inside(f"grep -q 'valid 2' {CONFIG}").returncode == 0


def test_applied_and_nothing_to_do(apply: Callable[..., str]) -> None:
    before = state()
    assert "\nactive\nenabled\n" in before
    assert out("mx-agent version").startswith("mx-agent ")
    assert "nothing to do" in inside("mx-agent apply", apply()).stdout
    assert state() == before
    assert json.loads(out(f"mx-agent status {BUNDLE}"))["bundles"][BUNDLE]["drift"] == []


def test_a_change_reloads_the_same_process(apply: Callable[..., str]) -> None:
    pid = out(f"systemctl show -p MainPID {UNIT}")
    done = inside("mx-agent apply", apply("valid 2\n"))
    assert done.returncode == 0, done.stderr
    assert f"reload: {UNIT}" in done.stdout
    assert out(f"systemctl show -p MainPID {UNIT}") == pid
    assert out(f"cat {CONFIG}.db") == "valid 2\n"


def test_checks_see_the_staged_state_and_nobody_else_does(apply: Callable[..., str]) -> None:
    before = state()
    check = f"grep -q 'valid 2' {CONFIG} && ! nsenter -t 1 -m grep -q 'valid 2' {CONFIG} || exit 7"
    words = [{"run": ["sh", "-c", check]}, {"run": ["sh", "-c", "echo line 3 is bad >&2; exit 1"]}]
    done = inside("mx-agent apply", apply("valid 2\n", check=words))
    assert done.returncode == 1
    assert "line 3 is bad" in done.stderr
    assert "nothing has been changed" in done.stderr
    assert state() == before


def test_a_refused_reload_is_undone(apply: Callable[..., str]) -> None:
    before = state()
    done = inside("mx-agent apply", apply("broken\n"))
    assert done.returncode == 1
    assert f"systemctl reload {UNIT}" in done.stderr
    assert "the old state is back" in done.stderr
    assert state() == before


def test_the_guardian_undoes_at_once(apply: Callable[..., str]) -> None:
    before = state()
    with subprocess.Popen(ssh_argv("mx-agent apply"), stdin=subprocess.PIPE, text=True) as call:
        assert call.stdin
        call.stdin.write(apply("valid 2\n", **SLOW))
        call.stdin.close()
        eventually(swapping)
        out(KILL)
        call.wait(30)
    eventually(lambda: inside("test -e /var/lib/mx-agent/journal.json").returncode == 1)
    assert state() == before


@pytest.mark.parametrize("how", ["boot", "next call"])
def test_worker_and_guardian_both_killed(apply: Callable[..., str], how: str) -> None:
    before = state()
    with subprocess.Popen(ssh_argv("mx-agent apply"), stdin=subprocess.PIPE, text=True) as call:
        assert call.stdin
        call.stdin.write(apply("valid 2\n", **SLOW))
        call.stdin.close()
        eventually(swapping)
        out("w=$(cat /var/lib/mx-agent/lock); kill -9 $(pgrep -P $w -x mx-agent) $w")
        call.wait(30)
    assert swapping()
    if how == "boot":
        out("systemctl start mx-agent-recover.service")
    else:
        assert "recover" in inside("mx-agent apply", apply()).stdout
    assert state() == before


def test_a_lost_connection_does_not_stop_the_work(apply: Callable[..., str]) -> None:
    probe = [{"run": ["sh", "-c", "test -e /run/mx-agent-test-go"], "timeout": 30}]
    with subprocess.Popen(ssh_argv("mx-agent apply"), stdin=subprocess.PIPE, text=True) as call:
        assert call.stdin
        call.stdin.write(apply("valid 2\n", probe=probe))
        call.stdin.close()
        eventually(swapping)
        call.kill()
    out("touch /run/mx-agent-test-go")
    done = inside("mx-agent apply", apply("valid 2\n", probe=probe))
    out("rm /run/mx-agent-test-go")
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout


def test_a_full_disk_changes_nothing(apply: Callable[..., str]) -> None:
    where = "/srv/mx-agent-test"
    out(f"mkdir -p {where} && mount -t tmpfs -o size=64k,mode=755 tmpfs {where}")
    try:
        before = state()
        document = json.loads(apply("valid 2\n"))
        document["files"]["/srv/mx-agent-test/big"] = {"content": "x" * 200_000}
        done = inside("mx-agent apply", json.dumps(document))
        assert done.returncode == 1
        assert "no space left on device" in done.stderr
        assert "nothing has been changed" in done.stderr
        assert state() == before
        assert out("ls -A /srv/mx-agent-test") == ""
    finally:
        out("umount /srv/mx-agent-test && rmdir /srv/mx-agent-test")


def test_another_stack_is_refused(apply: Callable[..., str], owner: str) -> None:
    document = json.loads(apply())
    document["owner"] = "somebody/else/stack"
    done = inside("mx-agent apply", json.dumps(document))
    assert done.returncode == 1
    assert owner in done.stderr
    assert "somebody/else/stack" in done.stderr


def test_a_group_and_a_command_that_fails_are_undone(apply: Callable[..., str]) -> None:
    step = {"run": ["sh", "-c", "id -nG games; test -e /run/mx-agent-test-ok"]}
    text = apply("valid 2\n", groups={"games": ["news"]}, run=[step])
    before = state()
    done = inside("mx-agent apply", text)
    assert done.returncode == 1
    assert "games news" in done.stderr
    assert state() == before
    assert out("id -nG games") == "games\n"
    out("touch /run/mx-agent-test-ok")
    done = inside("mx-agent apply", text)
    assert done.returncode == 0, done.stderr
    assert "games news" in done.stdout
    assert f"restart: {UNIT}" in done.stdout
    assert "nothing to do" in inside("mx-agent apply", text).stdout
    done = inside("mx-agent apply", apply("valid 2\n"))
    assert done.returncode == 0, done.stderr
    assert out("id -nG games; rm /run/mx-agent-test-ok") == "games\n"


OTHER, WAITING = "test-other", "/run/mx-agent-test-waiting"
# Ends with the exit code in the file once that is there, after a minute at most.
WAIT = [
    *("sh", "-c"),
    f"for try in $(seq 600); do [ -s {WAITING} ] && exit $(cat {WAITING}); sleep 0.1; done; false",
]
WAITS = f"pgrep -f '^sh -c for try .*{WAITING}'"


@pytest.fixture
def ordering(owner: str) -> Iterator[str]:
    """A manifest of a new bundle with an unlocked command that waits for the test."""
    inside(f"rm -f {WAITING}")
    yield json.dumps(
        {
            "bundle": BUNDLE,
            "owner": owner,
            "files": {CONFIG: {"content": "valid 1\n"}},
            "run": [{"run": WAIT, "unlocked": True}],
        }
    )
    inside(f"rm -f {WAITING}")
    for bundle in (BUNDLE, OTHER):
        out(f"mx-agent remove {bundle}")
    assert inside("test -e /etc/mx-agent-test").returncode == 1


def waiting(manifest: str) -> subprocess.Popen[str]:
    """An apply that has come to the command which waits."""
    words = [*container.enter(topology.host("mx1")), "mx-agent", "apply"]
    applying = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert applying.stdin is not None
    applying.stdin.write(manifest)
    applying.stdin.close()
    applying.stdin = None
    eventually(lambda: inside(WAITS).returncode == 0)
    return applying


def test_other_bundles_are_applied_while_a_new_one_waits_for_somebody_else(
    owner: str, ordering: str
) -> None:
    applying = waiting(ordering)
    other = {"bundle": OTHER, "owner": owner, "files": {f"{CONFIG}2": {"content": "valid\n"}}}
    done = inside("mx-agent apply", json.dumps(other))
    assert done.returncode == 0, done.stderr
    assert applying.poll() is None
    inside(f"echo 0 >{WAITING}")
    said, _ = applying.communicate(timeout=30)
    assert applying.returncode == 0, said
    assert json.loads(out(f"mx-agent status {BUNDLE}"))["bundles"][BUNDLE]["drift"] == []


def test_a_new_bundle_whose_order_is_refused_goes_and_others_stay(
    owner: str, ordering: str
) -> None:
    applying = waiting(ordering)
    other = {"bundle": OTHER, "owner": owner, "files": {f"{CONFIG}2": {"content": "valid\n"}}}
    assert inside("mx-agent apply", json.dumps(other)).returncode == 0
    inside(f"echo 3 >{WAITING}")
    _, words = applying.communicate(timeout=30)
    assert applying.returncode == 1
    assert "all undone, the old state is back" in words
    assert out("ls /etc/mx-agent-test") == "config2\n"
    status = json.loads(out("mx-agent status"))
    assert OTHER in status["bundles"]
    assert BUNDLE not in status["bundles"]
    assert BUNDLE in status["failed"]


def test_an_agent_killed_while_it_waits_for_somebody_else_is_drift_and_heals(
    ordering: str,
) -> None:
    applying = waiting(ordering)
    out("pkill -9 -f '^/usr/bin/python3 -I /usr/local/sbin/mx-agent apply'")
    applying.communicate(timeout=30)
    # The command goes with the agent that started it.
    eventually(lambda: inside(WAITS).returncode == 1)
    drift = json.loads(out(f"mx-agent status {BUNDLE}"))["bundles"][BUNDLE]["drift"]
    assert [each.get("run") for each in drift] == [BUNDLE]
    inside(f"echo 0 >{WAITING}")
    done = inside("mx-agent apply", ordering)
    assert done.returncode == 0, done.stderr
    assert "run: sh -c" in done.stdout
    assert json.loads(out(f"mx-agent status {BUNDLE}"))["bundles"][BUNDLE]["drift"] == []
