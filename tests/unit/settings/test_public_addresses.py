"""Addresses of hosts that no sender can reach are refused by a run, and taken by parsing."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from components.settings.environment import from_mapping
from components.settings.public_addresses import faults, kind
from components.settings.stack_file import settings_of
from tests.support.mapping import mapping


def _settings(host: dict[str, Any], **dns: Any) -> list[str]:
    values = mapping()
    values["hosts"]["mx2"]["ipv4"] = "5.9.1.2"
    values["hosts"]["mx1"] |= host
    values["dns"] |= dns
    return list(faults(from_mapping(values)))


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("10.0.0.5", "private"),
        ("172.31.255.1", "private"),
        ("192.168.1.1", "private"),
        ("198.51.100.21", "documentation"),
        ("192.0.2.10", "documentation"),
        ("203.0.113.9", "documentation"),
        ("100.64.3.4", "shared by the customers"),
        ("169.254.1.1", "link-local"),
        ("127.0.0.1", "loopback"),
        ("198.18.77.11", "benchmarks"),
        ("224.0.0.9", "multicast"),
        ("0.0.0.0", "no host"),
        ("255.255.255.255", "reserved"),
    ],
)
def test_address_that_nobody_reaches_is_refused_with_its_path(address: str, word: str) -> None:
    (line,) = _settings({"ipv4": address})
    assert line.startswith(f"hosts.mx1.ipv4: {address} is ")
    assert word in line
    assert "dns.privateAddresses: true" in line


@pytest.mark.parametrize(
    "address",
    [
        "2001:db8::1",
        "3fff::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "::1",
        "::",
        "ff02::1",
        "2002:a00:1::",
        "::ffff:5.9.1.2",
        "64:ff9b::509:102",
        "2001::1",
        "100::1",
    ],
)
def test_ipv6_address_that_nobody_reaches_is_refused_with_its_path(address: str) -> None:
    (line,) = _settings({"ipv4": "5.9.1.1", "ipv6": address})
    assert line.startswith(f"hosts.mx1.ipv6: {ip_address(address)} is ")


def test_addresses_of_one_kind_share_a_line() -> None:
    values = mapping()
    values["hosts"]["mx1"] |= {"ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}
    values["hosts"]["mx2"] |= {"ipv4": "198.51.100.2", "ipv6": "fd00::1"}
    documentation, local = faults(from_mapping(values))
    assert documentation.startswith(
        "hosts.mx1.ipv4: 192.0.2.1 is for documentation (RFC 5737), and so are "
        "hosts.mx1.ipv6 (2001:db8::1, RFC 3849) and hosts.mx2.ipv4 (198.51.100.2); no sender on "
    )
    assert "hosts.HOST.sshAddress" in documentation
    assert local.startswith("hosts.mx2.ipv6: fd00::1 is a unique local one (RFC 4193), and no")
    assert "hosts.mx2.sshAddress" in local


def test_public_addresses_are_taken() -> None:
    assert _settings({"ipv4": "5.9.1.1", "ipv6": "2a01:4f8::1", "sshAddress": "10.0.0.5"}) == []


@pytest.mark.parametrize("stack", ["lab", "everything"])
def test_stack_of_the_lab_that_is_rendered_but_refused_by_up(stack: str) -> None:
    assert list(faults(settings_of(stack))) == []


def test_setting_for_an_intranet_allows_them() -> None:
    assert _settings({"ipv4": "10.0.0.5", "ipv6": "fd00::1"}, privateAddresses=True) == []


@pytest.mark.parametrize(
    "address",
    ["11.0.0.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "192.0.3.1", "2a00::1", "2606:4700::1"],
)
def test_neighbour_of_a_special_network_is_public(address: str) -> None:
    assert kind(ip_address(address)) is None
