"""The lab itself, on its running hosts."""

import json
import subprocess

import pytest

from lab import container, keys, process, send, status, topology
from tools.preview.units import RELOADS

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("lab")]


def ask(name: str, kind: str) -> str:
    question = ["kdig", f"@{topology.ipv4(topology.RESOLVER)}", "+dnssec", name, kind]
    return container.inside(topology.INTERNET, question)


def test_everything_runs() -> None:
    assert status.healthy(), status.table()


@pytest.mark.parametrize("host", topology.HOSTS, ids=lambda host: host.name)
def test_ssh_with_known_host_key(host: topology.Host) -> None:
    command = [*keys.ssh_command(host, "operator"), "-o", "BatchMode=yes", "sudo", "id", "-u"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "0\n"


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [
        ("mailbox1.example.test.", "AAAA", "2001:db8:77::21"),
        ("11.77.18.198.in-addr.arpa.", "PTR", "mx1.example.test."),
        ("sender.test.", "MX", "out.sender.test."),
    ],
)
def test_answers_are_validated(name: str, kind: str, data: str) -> None:
    answer = ask(name, kind)
    flags = next(line for line in answer.splitlines() if "Flags:" in line)
    assert " ad;" in flags
    assert data in answer


def test_exchangers_install_packages_through_the_proxy() -> None:
    container.inside(topology.MX1, ["apt-get", "--yes", "--download-only", "install", "hello"])


def test_message_reaches_the_maildir(capsys: pytest.CaptureFixture[str]) -> None:
    message = send.Message("test@sender.test", f"postmaster@{topology.MAILBOX1.fqdn}")
    assert send.send(message, None, 20) == 0
    assert "mailbox1: queue ids: " in capsys.readouterr().out


def test_each_host_has_its_own_machine_id() -> None:
    hosts = topology.HOSTS
    found = {container.inside(host, ["cat", "/etc/machine-id"]) for host in hosts}
    assert len(found) == len(hosts)


def test_each_host_has_its_own_processes() -> None:
    leaders = {container.leader(host) for host in topology.HOSTS}
    assert len(leaders) == len(topology.HOSTS)
    assert None not in leaders
    assert all(process.main_pid(host.name) for host in topology.HOSTS)


def test_the_preview_knows_which_units_can_reload() -> None:
    host = topology.host("mx1")
    records = [*(host.root / "var/lib/mx-agent/bundles").glob("*.json")]
    units = {unit for record in records for unit in json.loads(record.read_text())["units"]}
    assert units >= {"postfix.service", "mariadb.service"}

    def can(unit: str) -> bool:
        shown = ["systemctl", "show", "-p", "CanReload", "--value", unit]
        return container.inside(host, shown) == "yes\n"

    assert {unit for unit in units if can(unit)} == set(RELOADS)
