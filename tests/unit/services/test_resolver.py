"""Unbound's files: what depends on the settings and shows in no golden file."""

from __future__ import annotations

from typing import Any

from components.services.resolver import component as resolver
from components.services.resolver import unbound
from components.settings.environment import Settings, from_mapping
from tests.support.mapping import mapping

ROOT_ANCHOR = ". DS 1 13 2 " + "ab" * 32


def settings(**values: Any) -> Settings:
    return from_mapping(mapping() | {"resolver": values})


def test_public_root_by_default() -> None:
    text = unbound.unbound_conf(settings(), "mx1", None, "")
    assert 'auto-trust-anchor-file: "/var/lib/unbound/root.key"' in text
    assert "root-hints" not in text
    assert "forward" not in text
    manifest = resolver.manifest(settings(), "mx1", "mx/test")
    assert manifest.check[0].run[-1] == "root_trust_anchor_update"


def test_a_root_of_its_own_replaces_the_public_anchor() -> None:
    text = unbound.unbound_conf(settings(), "mx1", ". NS ns.test.\n", ROOT_ANCHOR)
    assert "auto-trust-anchor-file" not in text
    assert 'root-hints: "/etc/unbound/mx-root.hints"' in text
    files = resolver.manifest(settings(), "mx1", "mx/test", ". NS ns.test.\n", ROOT_ANCHOR).files
    assert files["/etc/unbound/mx-anchors.key"].content == ROOT_ANCHOR


def test_an_anchor_of_a_private_zone_stands_beside_the_public_one() -> None:
    anchored = settings(trustAnchors=["corp. IN DS 1 13 2 " + "ab" * 32])
    text = unbound.unbound_conf(anchored, "mx1", None, "")
    assert "    auto-trust-anchor-file" in text
    assert "    trust-anchor-file" in text


def test_block_lists_are_not_forwarded() -> None:
    forwarding = settings(
        forwarders=[{"address": "192.0.2.1", "hostname": "dns.example.test"}],
        recursedZones=["spamhaus.org"],
    )
    text = unbound.unbound_conf(forwarding, "mx1", None, "")
    assert "forward-tls-upstream: yes" in text
    assert "forward-addr: 192.0.2.1@853#dns.example.test" in text
    assert f'name: "spamhaus.org."\n    forward-addr: {unbound.RECURSOR}\n' in text
    manifest = resolver.manifest(forwarding, "mx1", "mx/test")
    assert resolver.RECURSOR in manifest.units
    assert "forward-" not in manifest.files["/etc/unbound/mx-recursor.conf"].content


def test_sockets_change_by_a_restart_and_nothing_else_does() -> None:
    values = mapping()
    before = resolver.manifest(from_mapping(values), "mx1", "mx/test").units[resolver.UNIT]
    values["resolver"] = {"cacheMebibytes": 128}
    assert resolver.manifest(from_mapping(values), "mx1", "mx/test").units[resolver.UNIT] == before
    values["hosts"]["mx1"]["ipv6"] = "2001:db8::1"
    assert resolver.manifest(from_mapping(values), "mx1", "mx/test").units[resolver.UNIT] != before
