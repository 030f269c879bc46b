"""The firewall: what the Internet reaches, foreign tables, rules that cut the operator off."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Ssh
from .test_stack import stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]

PUBLIC = {25, 80, 443}
SCAN = """
import concurrent.futures, json, socket, sys
def is_open(port):
    try:
        socket.create_connection((sys.argv[1], port), 2).close()
    except OSError:
        return False
    return True
ports = json.loads(sys.argv[2])
with concurrent.futures.ThreadPoolExecutor(1200) as pool:
    print(json.dumps([port for port, found in zip(ports, pool.map(is_open, ports)) if found]))
"""
RULES = "nft list table inet mx"


def reachable(ssh: Ssh, address: str, ports: set[int]) -> set[int]:
    """Those of the ports that the host internet can connect to."""
    words = ["python3", "-c", SCAN, address, json.dumps(sorted(ports))]
    return set(json.loads(ssh("internet", shlex.join(words))))


@pytest.mark.parametrize("address", ["198.18.77.11", "2001:db8:77::11"])
def test_the_internet_reaches_nothing_but_public_ports(ssh: Ssh, address: str) -> None:
    listening = {
        int(line.split()[3].rpartition(":")[2]) for line in ssh("mx1", "ss -ltnH").splitlines()
    }
    assert 22 in listening  # it listens, and only the firewall keeps the Internet from it
    ssh("mx1", "systemd-run --quiet --unit=listener python3 -m http.server --bind :: 8099")
    try:
        found = reachable(ssh, address, listening | {8099, *range(1, 1024)})
    finally:
        ssh("mx1", "systemctl stop listener.service")
    assert {25, 443} <= found
    assert found <= PUBLIC


def test_tables_of_others_stay(pulumi: Pulumi, ssh: Ssh, stack_file: Path) -> None:
    ssh("mx1", "nft add table inet theirs; nft add chain inet theirs c")
    text = stack_file.read_text()
    stack_file.write_text(text.replace("sshNetworks: [", "sshNetworks: [203.0.113.0/24, "))
    try:
        done = pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "203.0.113.0/24" in ssh("mx1", RULES)
        assert "chain c" in ssh("mx1", "nft list table inet theirs")
    finally:
        ssh("mx1", "nft delete table inet theirs")


def test_the_confirmed_rules_come_with_the_boot(ssh: Ssh) -> None:
    before = ssh("mx1", RULES)
    ssh("mx1", "systemctl restart mx-firewall.service")
    assert ssh("mx1", RULES) == before


def test_rules_that_cut_the_operator_off_undo_themselves(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    before = ssh("mx1", RULES)
    text = stack_file.read_text()
    networks = text.partition("sshNetworks: ")[2].partition("\n")[0]
    cut = "[203.0.113.0/24]\n      confirmSeconds: 45"
    stack_file.write_text(text.replace(f"sshNetworks: {networks}", f"sshNetworks: {cut}"))
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode != 0, done.stdout + done.stderr
    assert "mx1-firewall-confirmed" in done.stdout + done.stderr
    deadline = time.monotonic() + 120
    login = ["scripts/lab", "ssh", "mx1", RULES]
    while True:
        tried = subprocess.run(login, cwd=ROOT, capture_output=True, text=True, check=False)
        if tried.returncode == 0 or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert tried.stdout == before, tried.stderr
    assert "are back" in ssh("mx1", "journalctl -o cat -u mx-firewall-undo.service")
    # The file has the refused rules until the next `up`, and the host says so.
    assert "other rules are loaded than those of" in ssh("mx1", "mx-agent status firewall")
