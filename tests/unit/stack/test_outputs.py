"""The outputs: from settings alone, as the documented contract says."""

from __future__ import annotations

import pytest
import yaml

from components.settings.environment import from_mapping
from components.settings.types import at
from components.stack.outputs import Outputs, outputs, plain
from tests.support.mapping import mapping
from tests.support.stacks import ROOT, STACKS

WATCHED = {"monitoring": {"networks": ["192.0.2.0/28"]}, "firewall": {"sshNetworks": ["0.0.0.0/0"]}}


@pytest.mark.parametrize("stack", STACKS)
def test_every_example_stack_keeps_the_contract(stack: str) -> None:
    text = (ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text()
    printed = plain(outputs(from_mapping(yaml.safe_load(text)["config"]["mx:mail"])))
    assert plain(Outputs.model_validate(printed)) == printed


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "outputs.md").read_text()
    for key in Outputs.model_json_schema(by_alias=True)["properties"]:
        assert f"| `{key}` |" in page


def test_each_address_of_a_host_is_an_endpoint() -> None:
    values = mapping()
    values["hosts"]["mx1"]["ipv6"] = "2001:db8::11"
    found = outputs(from_mapping(values))
    assert [(each.host, each.address) for each in found.endpoints] == [
        ("mx1", "198.18.77.11:25"),
        ("mx1", "[2001:db8::11]:25"),
        ("mx2", "198.18.77.12:25"),
    ]


def test_nothing_is_scraped_without_monitoring() -> None:
    found = outputs(from_mapping(mapping()))
    assert found.scrape_targets == []
    assert found.thresholds is None
    printed = plain(found)
    del printed["thresholds"]  # Pulumi leaves out an output that is null.
    assert Outputs.model_validate(printed) == found


def test_exporters_listen_on_the_address_that_the_settings_say() -> None:
    values = mapping() | WATCHED
    values["hosts"]["mx1"]["monitoringAddress"] = "10.9.0.1"
    found = outputs(from_mapping(values))
    assert [each.address for each in found.scrape_targets] == [
        "10.9.0.1:9100",
        "198.18.77.12:9100",
    ]


def test_a_reader_passes_over_keys_that_it_does_not_know() -> None:
    printed = plain(outputs(from_mapping(mapping())))
    assert Outputs.model_validate(printed | {"later": 1}).mail_domains == {
        "example.test": ["mx1.example.test", "mx2.example.test"]
    }


def test_ipv6_stands_in_brackets() -> None:
    assert at("2001:db8::1", 25) == "[2001:db8::1]:25"


def test_certificates_and_policies_are_those_of_the_settings() -> None:
    text = (ROOT / "stacks" / "Pulumi.lab.yaml").read_text()
    found = outputs(from_mapping(yaml.safe_load(text)["config"]["mx:mail"]))
    assert [(each.host, each.name) for each in found.certificates] == [
        (host, name)
        for host in ("mx1", "mx2")
        for name in (f"{host}.example.test", "mta-sts.example.test")
    ]
    assert [(each.domain, each.mode) for each in found.policies] == [("example.test", "enforce")]
    assert len(found.policies[0].id) == 20
