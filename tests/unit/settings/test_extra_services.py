"""Parameters in `postfix.extra` that name a service: Postfix takes any word, then mail waits."""

from __future__ import annotations

import pytest

from components.postconf import VERSIONS
from components.postconf.parameters import parameters
from components.services.postfix.master_cf import services
from components.settings.environment import SettingsError, from_mapping
from components.settings.extra_services import TRANSPORTS
from tests.support.mapping import mapping

_AGENTS = ("smtp", "lmtp", "error", "discard", "local", "virtual")
SERVICE_NAMES = sorted(
    name
    for version in VERSIONS.values()
    for name, one in parameters(version).items()
    if name.endswith("_service_name") and one.kind == "str"
)


def refusal(name: str, value: str) -> str:
    """The words of the refusal; empty when there is none."""
    try:
        from_mapping(mapping() | {"postfix": {"extra": {name: value}}}, "stack.yaml")
    except SettingsError as error:
        return str(error)
    return ""


def test_the_services_are_those_of_our_master_cf() -> None:
    settings = from_mapping(mapping())
    there = [each.name for each in services(settings)]
    agents = [
        each.name for each in services(settings) if each.type == "unix" and each.command in _AGENTS
    ]
    assert sorted(TRANSPORTS) == sorted(agents)
    assert len(set(SERVICE_NAMES)) == 19
    # What the rule demands is there: the default name of each service that an MX host runs.
    defaults = {parameters("3.10")[name].default for name in set(SERVICE_NAMES)}
    assert defaults - set(there) - {"dnsblog", "smtpd", "tlsproxy"} == set()


@pytest.mark.parametrize("name", sorted(set(SERVICE_NAMES)))
@pytest.mark.parametrize("value", ["nosuch", "smtp", "$mail_name", ""])
def test_service_by_a_name_that_is_not_its_own(name: str, value: str) -> None:
    words = refusal(name, value)
    assert words.startswith(f"stack.yaml: mx:mail.postfix.extra.{name}: ")
    if value in ("nosuch", "smtp"):
        right = parameters("3.10")[name].default
        assert f"that is {right!r}, so mail would stop; remove this parameter" in words


@pytest.mark.parametrize("name", sorted(set(SERVICE_NAMES)))
def test_service_by_its_own_name_is_accepted(name: str) -> None:
    assert refusal(name, parameters("3.10")[name].default) == ""


# State, parameter, value, words of the refusal.
REFUSED = {
    "default transport of no service": ("default_transport", "slow:", "no service 'slow'"),
    "a host name without a transport": (
        "relay_transport",
        "[relay.example.org]:25",
        "no service '[relay.example.org]'",
    ),
    "filter that was left out": ("content_filter", "amavis:[127.0.0.1]:10024", "'amavis'"),
    "filter that throws away": ("content_filter", "discard:", "delivers no mail"),
    "transport of the best MX": ("best_mx_transport", "uucp", "no service 'uucp'"),
    "fallback of no service": ("fallback_transport", "cyrus", "no service 'cyrus'"),
    "probes of no service": ("address_verify_relay_transport", "probe:", "no service 'probe'"),
    "a program that is no transport": ("default_transport", "qmgr", "no service 'qmgr'"),
    "capitals": ("default_transport", "SMTP", "no service 'SMTP'"),
    "a reference to what is no transport": ("default_transport", "$relayhost", "$relayhost is not"),
    "a table with one value": (
        "sender_dependent_default_transport_maps",
        "static:slow:[a.example]",
        "no service 'slow'",
    ),
    "a table in the parameter": (
        "sender_dependent_default_transport_maps",
        "inline:{ a@example.test=relay:, {b@example.test = slow:[a.example]} }",
        "no service 'slow'",
    ),
    "a limit of no transport": (
        "slow_destination_concurrency_limit",
        "2",
        "master.cf has no service of the name with which this parameter begins",
    ),
    "a slot of no transport": ("slow_delivery_slot_cost", "2", "master.cf has no service"),
    "the name of a process": ("service_name", "smtpd", "master(8) sets this parameter"),
}


@pytest.mark.parametrize("state", REFUSED)
def test_service_that_master_cf_does_not_have(state: str) -> None:
    name, value, words = REFUSED[state]
    line = refusal(name, value)
    assert line.startswith(f"stack.yaml: mx:mail.postfix.extra.{name}: ")
    assert words in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_transport", "smtp:[provider.example]:587"),
        ("default_transport", "$relay_transport"),
        ("default_transport", "${relay_transport}"),
        ("content_filter", "smtp:[127.0.0.1]:10025"),
        ("content_filter", ""),
        ("relay_transport", "relay:[$myhostname]:26"),
        ("sender_dependent_default_transport_maps", "static:relay:[a.example]"),
        ("sender_dependent_default_transport_maps", "lmdb:/etc/postfix/tables/senders"),
        ("relay_destination_concurrency_limit", "5"),
        ("lmtp_delivery_slot_cost", "3"),
        ("default_delivery_slot_cost", "3"),
        ("default_transport_rate_delay", "1s"),
    ],
)
def test_service_that_master_cf_has_is_accepted(name: str, value: str) -> None:
    assert refusal(name, value) == ""
