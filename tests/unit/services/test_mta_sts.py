"""MTA-STS: the policy's text from the MX hosts, and its id from the text (RFC 8461)."""

from __future__ import annotations

from typing import Any

from components.policies.mta_sts import parse
from components.services.mta_sts import nginx
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings, from_mapping
from tests.support.mapping import mapping


def settings(**sts: Any) -> Settings:
    values = mapping() | {"certificates": {"acceptTerms": True}}
    values["domains"]["example.test"]["mtaSts"] = sts
    return from_mapping(values)


def test_the_policy_names_every_mx_and_is_valid() -> None:
    text = mta_sts.policy(settings(mode="enforce"), "example.test")
    policy, faults = parse(text)
    assert faults == []
    assert policy.mode == "enforce"
    assert policy.mx == ("mx1.example.test", "mx2.example.test")
    assert text.endswith("max_age: 604800\n")


def test_the_id_changes_with_the_text_and_with_nothing_else() -> None:
    first = mta_sts.ids(settings(mode="testing"))
    assert first == mta_sts.ids(settings())
    assert first != mta_sts.ids(settings(mode="enforce"))
    assert first != mta_sts.ids(settings(alsoMx=["mx3.example.test"]))
    assert first["example.test"].isalnum()
    assert len(first["example.test"]) <= 32


def test_an_mx_that_leaves_can_stay_in_the_policy() -> None:
    policy, _ = parse(mta_sts.policy(settings(alsoMx=["mx3.example.test"]), "example.test"))
    assert policy.mx[-1] == "mx3.example.test"


def test_the_site_has_no_port_80_and_ipv6_only_where_the_host_has() -> None:
    site = nginx.site(settings(), "mx1")
    assert "listen 443 ssl;" in site
    assert "listen 80" not in site
    assert "[::]" not in site
    assert site.count("ssl_certificate ") == 2
