"""Every manifest of every example stack is one that the agent on the host takes."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from components.agent.manifest import KEYS, parse_manifest
from components.agent.process import BadManifest
from components.host.manifest import Manifest
from components.mail_exchanger import SERVICES
from tests.support.stacks import HOSTS, manifests_of, secret_manifests_of


@pytest.mark.parametrize(("stack", "host"), HOSTS)
def test_the_agent_takes_every_manifest(stack: str, host: str) -> None:
    for manifest in (*manifests_of(stack, host), *secret_manifests_of(stack, host)):
        read = parse_manifest(manifest.text())
        assert read["bundle"] == manifest.bundle


def test_both_sides_know_the_same_sections() -> None:
    assert {field.name for field in fields(Manifest)} == set(KEYS)


@pytest.mark.parametrize(
    ("section", "entry"),
    [
        ("check", {"run": ["true"], "fail_on_sterr": True}),
        ("probe", {"units": "postfix.service"}),
        ("probe", {"unit": "postfix.service", "tcp": "127.0.0.1:25"}),
        ("run", {"run": ["true"], "creats": "/etc/x"}),
        ("compare", {"run": ["true"]}),
    ],
)
def test_a_misspelled_key_is_refused(section: str, entry: dict[str, Any]) -> None:
    text = json.dumps({"bundle": "x", "owner": "mx/test", section: [entry]})
    with pytest.raises(BadManifest, match=section):
        parse_manifest(text)


@pytest.mark.parametrize(("stack", "host"), HOSTS)
def test_no_file_with_a_secret_is_for_everybody(stack: str, host: str) -> None:
    for manifest in secret_manifests_of(stack, host):
        assert manifest.secret
        for path, file in manifest.files.items():
            assert file.secret, f"{path} of {manifest.bundle}: give File(..., secret=True)"
            fit = ["0600"] if file.group == "root" else ["0600", "0640"]
            assert file.mode in fit, (
                f"{path} of {manifest.bundle} holds a secret and has mode {file.mode}: "
                f"give it {' or '.join(fit)}"
            )


def test_a_service_waits_only_for_services_before_it() -> None:
    before: set[str] = set()
    for service in SERVICES:
        missing = set(service.AFTER) - before
        assert not missing, f"{service.__name__} stands before {missing}: move its row in SERVICES"
        before.add(service.SUFFIX)


def test_no_two_services_have_the_same_name_or_type() -> None:
    assert len({service.SUFFIX for service in SERVICES}) == len(SERVICES)
    assert len({service.TOKEN for service in SERVICES}) == len(SERVICES)
