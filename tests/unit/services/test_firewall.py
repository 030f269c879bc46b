"""The firewall's table: who may reach which port."""

from __future__ import annotations

from typing import Any

import pytest

from components.services.firewall import nftables
from components.services.firewall.component import manifest
from components.settings.environment import from_mapping
from tests.support.mapping import mapping


def table(**more: Any) -> str:
    settings = from_mapping(mapping() | more)
    return nftables.table(settings, "mx1", {25, 443})


def test_everybody_reaches_public_ports_and_operators_ssh() -> None:
    text = table(firewall={"sshNetworks": ["192.0.2.0/28", "2001:db8:9::/48"]}, ssh={"port": 2222})
    assert "    tcp dport { 25, 443 } accept\n" in text
    assert "    ip saddr { 192.0.2.0/28 } tcp dport 2222 accept\n" in text
    assert "    ip6 saddr { 2001:db8:9::/48 } tcp dport 2222 accept\n" in text
    assert "9100" not in text


def test_only_monitoring_networks_reach_exporters() -> None:
    text = table(
        firewall={"sshNetworks": ["192.0.2.0/28"]},
        monitoring={"networks": ["198.51.100.7/32"], "nodeExporterPort": 9200},
    )
    assert "    ip saddr { 198.51.100.7/32 } tcp dport 9200 accept\n" in text


def test_only_the_own_table_is_made_anew() -> None:
    text = table(firewall={"sshNetworks": ["192.0.2.0/28"]})
    assert "flush" not in text
    assert [line for line in text.splitlines() if line.startswith(("table", "delete"))] == [
        "table inet mx",
        "delete table inet mx",
        "table inet mx {",
    ]


def test_there_is_no_table_without_the_setting() -> None:
    with pytest.raises(ValueError, match="no firewall"):
        table()


def test_a_reload_puts_rules_on_trial_for_as_long_as_the_settings_say() -> None:
    firewall = {"sshNetworks": ["192.0.2.0/28"], "confirmSeconds": 45}
    made = manifest(from_mapping(mapping() | {"firewall": firewall}), "mx1", "mx/test")
    unit = made.files["/etc/systemd/system/mx-firewall.service"]
    assert "ExecReload=/usr/local/sbin/mx-firewall load 45\n" in unit.content


def test_the_end_of_a_trial_runs_in_the_sandbox_of_the_firewall() -> None:
    firewall = {"sshNetworks": ["192.0.2.0/28"]}
    files = manifest(from_mapping(mapping() | {"firewall": firewall}), "mx1", "mx/test").files
    lines = {
        name: set(files[f"/etc/systemd/system/{name}.service"].content.splitlines())
        for name in ("mx-firewall", "mx-firewall-undo")
    }
    assert "ExecStart=/usr/local/sbin/mx-firewall undo" in lines["mx-firewall-undo"]
    sandbox = {line for line in lines["mx-firewall"] if "Protect" in line or "Restrict" in line}
    assert sandbox | {"CapabilityBoundingSet=CAP_NET_ADMIN"} <= lines["mx-firewall-undo"]
    assert not any(line.startswith("WantedBy=") for line in lines["mx-firewall-undo"])
