"""A former state back in service at once, without the engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import ROOT, Ssh
from .test_drift import report
from .test_stack import set_postfix, stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]


def rollback(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/rollback", "lab", *arguments, "--yes"],
        cwd=ROOT,
        # Neither engine nor its state.
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_rollback_serves_again_is_drift_and_up_goes_forward(
    lab: dict[str, str], pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    before = ssh("mx1", "postconf -h message_size_limit")
    set_postfix(stack_file, "      messageSizeLimitBytes: 20000000")
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == "20000000\n"

    back = rollback("mx1")
    assert back.returncode == 0, back.stdout + back.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == before
    assert "probe: 127.0.0.1:25" in back.stdout

    seen = report(lab, "--json")
    assert seen.returncode == 2, seen.stdout + seen.stderr
    document = json.loads(seen.stdout)
    assert [(c["host"], c["component"], c["why"]) for c in document["changes"]] == [
        ("mx1", "postfix", ["drift"])
    ]
    assert f"-message_size_limit = 20000000\n+message_size_limit = {before}" in document["drift"][0]
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == "20000000\n"
    assert report(lab).returncode == 0


class Edit(NamedTuple):
    """A change of one line of a component, and the command that tells what is in service."""

    path: str
    old: str
    new: str
    tells: str


POLICY = "https://mta-sts.example.test/.well-known/mta-sts.txt"
ASK = "postmap -q mallory@example.test proxy:mysql:/etc/postfix/sql/relay_recipients.cf"
CONFIRM = "sha256sum </etc/mx/firewall.nft | cut -c1-64 | mx-firewall confirm"
COMPONENTS = {
    "postfix": Edit(
        *(
            "/etc/postfix/main.cf.d/10-general.cf",
            "message_size_limit = ",
            "message_size_limit = 1",
        ),
        "postconf -h message_size_limit",
    ),
    "postfix-tls": Edit(
        *("/etc/postfix/main.cf.d/62-tls-server.cf", "tls_loglevel = 1", "tls_loglevel = 2"),
        "postconf -h smtpd_tls_loglevel",
    ),
    "resolver": Edit(
        *("/etc/unbound/unbound.conf", "cache-max-ttl: 5", "cache-max-ttl: 7"),
        "unbound-control get_option cache-max-ttl",
    ),
    "mariadb": Edit(
        "/etc/mysql/mariadb.conf.d/60-mx.cnf",
        *("skip-networking\n", "skip-networking\nmax_connections = 77\n"),
        "mariadb -NBe 'SELECT @@max_connections'",
    ),
    "mail-database": Edit(
        "/etc/mx-database/content/recipient",
        *("example.test\talice\n", "example.test\talice\nexample.test\tmallory\n"),
        f"if {ASK} >/dev/null; then echo known; else echo unknown; fi",
    ),
    "redis": Edit(
        *("/etc/mx/redis.conf", "maxmemory 256mb", "maxmemory 128mb"),
        "redis-cli -s /run/redis/redis-server.sock CONFIG GET maxmemory",
    ),
    "spam-filter": Edit(
        *("/etc/rspamd/local.d/actions.conf", "reject = 15;", "reject = 14;"),
        "rspamadm configdump actions | grep reject; systemctl is-active rspamd",
    ),
    "certificates": Edit(
        *("/etc/mx/certificates.json", '"renewDays": 30', '"renewDays": 29'),
        "grep renewDays /etc/mx/certificates.json",
    ),
    "tls-policy": Edit(
        *("/etc/mta-sts-daemon.yml", "timeout: 10", "timeout: 11"),
        "grep timeout /etc/mta-sts-daemon.yml; systemctl is-active postfix-mta-sts-resolver",
    ),
    "tls-reports": Edit(
        *("/etc/mx/tlsrpt.cfg", "log_level = info", "log_level = debug"),
        "grep log_level /etc/mx/tlsrpt.cfg; systemctl is-active mx-tlsrpt-collectd",
    ),
    "sts-host": Edit(
        *("/var/lib/mx/mta-sts/example.test.txt", "max_age: 604800", "max_age: 86400"),
        f"curl -sk --resolve mta-sts.example.test:443:127.0.0.1 {POLICY} | grep max_age",
    ),
    "firewall": Edit(
        *("/etc/mx/firewall.nft", "198.18.77.31/32", "198.18.77.99/32"),
        # What is in the kernel, and that it is no longer on trial.
        "nft list table inet mx | grep 9100; ! systemctl is-active mx-firewall-undo.timer",
    ),
    "updates": Edit(
        *("/etc/systemd/system/mx-updates.timer", "OnUnitActiveSec=3600", "OnUnitActiveSec=7200"),
        "systemctl show -p TimersMonotonic mx-updates.timer | grep -o 'UnitActiveUSec=[0-9a-z]*'",
    ),
    "monitoring": Edit(
        *("/etc/default/prometheus-node-exporter", " --web.disable-exporter-metrics", ""),
        "pgrep -a -f ^/usr/bin/prometheus-node-exporter | cut -d' ' -f2-",
    ),
}
# The agent's own record has the manifest that is applied.
APPLY = """python3 - <<'END'
import json, subprocess
record = json.load(open("/var/lib/mx-agent/bundles/{component}.json"))
manifest = json.loads(record["text"])
file = manifest["files"][{edit.path!r}]
assert {edit.old!r} in file["content"]
file["content"] = file["content"].replace({edit.old!r}, {edit.new!r}, 1)
subprocess.run(["mx-agent", "apply"], input=json.dumps(manifest).encode(), check=True)
END"""


@pytest.fixture(scope="module")
def healed(pulumi: Pulumi) -> Iterator[None]:
    """Afterwards nothing counts as rolled back any more."""
    yield
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("healed")
@pytest.mark.parametrize("component", COMPONENTS)
def test_former_state_of_a_component_is_in_service_again(ssh: Ssh, component: str) -> None:
    edit = COMPONENTS[component]
    before = ssh("mx1", edit.tells)
    ssh("mx1", APPLY.format(component=component, edit=edit))
    if component == "firewall":
        ssh("mx1", CONFIRM)
    assert ssh("mx1", edit.tells) != before
    back = rollback("mx1", component)
    assert back.returncode == 0, back.stdout + back.stderr
    assert ssh("mx1", edit.tells) == before


def test_every_component_is_among_them(ssh: Ssh) -> None:
    applied = set(json.loads(ssh("mx1", "mx-agent status"))["bundles"])
    # With a secret in it, no former state is kept: put right in the settings, then `up`.
    assert applied - {"acme-dns-tokens"} == set(COMPONENTS)
    secret = rollback("mx1", "acme-dns-tokens")
    assert secret.returncode == 1
    assert "it has a secret, of which no copy is kept" in " ".join(secret.stderr.split())


def test_rollback_says_what_it_cannot_do(lab: dict[str, str]) -> None:
    unknown = rollback("mx9")
    assert unknown.returncode == 64
    assert "stacks/Pulumi.lab.yaml has no host mx9; it has mx1, mx2" in unknown.stderr
    nothing = rollback("mx1", "nothing")
    assert nothing.returncode == 64
    assert "there is no component nothing on mx1" in nothing.stderr
    assert "`mx rollback lab mx1 --list` names the components" in nothing.stderr
