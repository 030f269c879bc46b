"""Who may read the metrics: networks of monitoring servers, never everybody in parts."""

from __future__ import annotations

import pytest

from components.settings.environment import SettingsError, from_mapping
from tests.support.mapping import mapping

FIREWALL = {"sshNetworks": ["192.0.2.0/24"]}
# Each: networks, and what of the path and the words the refusal has.
EVERYBODY = {
    "all of IPv4": (["0.0.0.0/0"], "monitoring.networks[0]: '0.0.0.0/0' is too wide"),
    "all of IPv6": (["::/0"], "monitoring.networks[0]: '::/0' is too wide"),
    "two halves": (
        ["0.0.0.0/1", "128.0.0.0/1"],
        "monitoring.networks[1]: '128.0.0.0/1' is too wide",
    ),
    "parts that are narrow each": (
        [f"{first}.0.0.0/8" for first in range(20, 30)],
        "monitoring.networks: together these are 10 times an IPv4 /8",
    ),
    "all public IPv6 in parts": (
        [f"2{n:03x}::/20" for n in range(0, 4096, 16)],
        "monitoring.networks: together these are",
    ),
}


@pytest.mark.parametrize("case", EVERYBODY)
def test_networks_that_are_everybody_are_refused(case: str) -> None:
    networks, words = EVERYBODY[case]
    values = mapping() | {"firewall": FIREWALL, "monitoring": {"networks": networks}}
    with pytest.raises(SettingsError) as refused:
        from_mapping(values)
    assert words in str(refused.value)


def test_networks_of_monitoring_servers_are_taken() -> None:
    networks = ["192.0.2.0/28", "10.0.0.0/8", "2001:db8::/48"]
    values = mapping() | {"firewall": FIREWALL, "monitoring": {"networks": networks}}
    found = from_mapping(values).monitoring
    assert found is not None
    assert found.networks == networks
