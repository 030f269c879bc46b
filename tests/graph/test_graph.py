"""The resource graph under a recording monitor: names, parents, inputs, order, no secret text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.host import Seen
from components.mail_exchanger import manifests_of as manifests
from components.settings import given_files
from components.settings.environment import from_mapping
from tests.support import openpgp_key
from tests.support.graph import API, Answers, Recorder, everything, requests
from tests.support.mapping import mapping


@pytest.fixture(scope="module")
def graph() -> dict[str, Any]:
    return requests(mapping())


def test_names_come_from_keys(graph: dict[str, Any]) -> None:
    leaves = {name for name, request in graph.items() if request.custom}
    settings = from_mapping(mapping())
    bundles = {
        f"{host}-{manifest.bundle}"
        for host in settings.hosts
        for manifest in manifests(settings, host, "mx/test")
    }
    assert bundles >= {
        "mx1-packages",
        "mx1-mariadb",
        "mx1-mail-database",
        "mx1-postfix",
        "mx2-updates",
    }
    assert leaves == bundles | {
        "mx1-agent",
        "mx2-agent",
        "mx1-dkim-example.test",
        "mx2-dkim-example.test",
        "dns-a-mx1",
        "dns-a-mx2",
        "dns-mx-example.test-mx1",
        "dns-mx-example.test-mx2",
        "dns-dkim-example.test-mx1",
        "dns-dkim-example.test-mx2",
    }


def test_rspamd_waits_for_the_repository_that_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_files, "BASE", tmp_path)
    (tmp_path / "key.asc").write_text(openpgp_key.ARMOUR)
    source = {"url": "https://apt.example.test/rspamd", "keyFile": "key.asc"}
    source |= {"fingerprint": openpgp_key.FINGERPRINT}
    found = requests(mapping() | {"spamFilter": {"source": source}})
    needed = {urn.rpartition("::")[2] for urn in found["mx1-spam-filter"].dependencies}
    assert {"mx1-redis", "mx1-spam-filter-source"} <= needed
    newest = json.loads(found["mx1-spam-filter"].object["stdin"])["newest"]
    assert newest["rspamd"].startswith("https://apt.example.test/rspamd trixie main, key ")


def test_the_agent_comes_before_postfix_and_mx_records_after_it(graph: dict[str, Any]) -> None:
    def needs(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in graph[name].dependencies}

    assert "mx1-agent" in needs("mx1-packages")
    assert "mx1-packages" in needs("mx1-mariadb")
    assert "mx1-mariadb" in needs("mx1-mail-database")
    assert "mx1-mail-database" in needs("mx1-postfix")
    assert "mx1-packages" in needs("mx1-resolver")
    assert "mx1-resolver" in needs("mx1-postfix")
    assert "mx1-resolver" in needs("mx1-redis")
    assert "mx1-redis" in needs("mx1-spam-filter")
    assert "mx1-spam-filter" in needs("mx1-postfix")
    assert "mx1-spam-filter" in needs("mx1-dkim-example.test")
    assert "mx1-dkim-example.test" in needs("dns-dkim-example.test-mx1")
    assert needs("dns-mx-example.test-mx1") >= {"mx1-postfix", "mx1-mail-database"}
    assert "mx2-postfix" not in needs("dns-mx-example.test-mx1")


def test_a_host_with_many_domains_gets_eight_logins_for_keys_at_once() -> None:
    """MaxStartups of sshd_config(5): more than ten that come at once are dropped."""
    mail = mapping()
    [name] = mail["domains"]
    zone = name.partition(".")[2]
    mail["domains"] |= {f"d{n:02}.example.{zone}": dict(mail["domains"][name]) for n in range(20)}
    found = requests(mail)
    reads = {each for each in found if each.startswith("mx1-dkim-")}
    assert len(reads) == 21
    waits = {
        each: {urn.rpartition("::")[2] for urn in found[each].dependencies} & reads
        for each in reads
    }
    assert sorted(map(len, waits.values())) == [0] * 8 + [1] * 13
    assert len({earlier for each in waits.values() for earlier in each}) == 13


def test_calls_are_constant_and_carry_no_triggers(graph: dict[str, Any]) -> None:
    inputs = graph["mx1-postfix"].object
    assert inputs["create"] == "/usr/local/sbin/mx-agent apply"
    assert inputs["delete"] == "/usr/local/sbin/mx-agent remove postfix"
    assert inputs["addPreviousOutputInEnv"] is False
    assert not {"triggers", "environment", "update"} & set(inputs.keys())
    manifest = json.loads(inputs["stdin"])
    assert manifest["bundle"] == "postfix"
    assert manifest["owner"] == "mx/test"


def test_the_controllers_password_is_a_hash_in_a_secret_bundle() -> None:
    from components.mail_exchanger import MailExchanger

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        settings = from_mapping(mapping())
        MailExchanger("mx1", settings, "mx/test", Seen(), API, rspamd_password="in clear")

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    request = recorder.requests["mx1-spam-filter-password"]
    assert "stdin" in request.additionalSecretOutputs
    assert "in clear" not in str(recorder.requests)
    assert "$1$" in str(request.object["stdin"])
    assert any(urn.endswith("::mx1-spam-filter") for urn in request.dependencies)


def test_no_record_is_deleted_before_the_one_that_replaces_it(graph: dict[str, Any]) -> None:
    for name, request in graph.items():
        if name.startswith("dns-"):
            assert not request.deleteBeforeReplace, name


def test_the_addresses_of_a_host_wait_for_its_agent(graph: dict[str, Any]) -> None:
    def needs(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in graph[name].dependencies}

    assert needs("dns-a-mx1") == {"mx1-agent"}
    assert needs("dns-a-mx2") == {"mx2-agent"}


def test_new_rules_are_confirmed_over_a_connection_of_their_own() -> None:
    from components.mail_exchanger import MailExchanger

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        settings = from_mapping(mapping() | {"firewall": {"sshNetworks": ["192.0.2.0/28"]}})
        MailExchanger("mx1", settings, "mx/test", Seen(), API)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    confirmed = recorder.requests["mx1-firewall-confirmed"]
    assert any(urn.endswith("::mx1-firewall") for urn in confirmed.dependencies)
    manifest = json.loads(recorder.requests["mx1-firewall"].object["stdin"])
    rules = manifest["files"]["/etc/mx/firewall.nft"]["content"]
    assert confirmed.object["stdin"] == hashlib.sha256(rules.encode()).hexdigest() + "\n"
    assert confirmed.object["create"] == "/usr/local/sbin/mx-firewall confirm"


@pytest.mark.parametrize("canary", [None, "mx2"])
def test_other_hosts_wait_for_everything_on_the_canary(canary: str | None) -> None:
    from components.mail_exchanger import mail_exchangers

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        values = mapping() | {"firewall": {"sshNetworks": ["192.0.2.0/28"]}}
        settings = from_mapping(values | {"rollout": {"canary": canary}})
        mail_exchangers(settings, "mx/test", {key: Seen() for key in settings.hosts}, API)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    leaves = {name for name, request in recorder.requests.items() if request.custom}
    needs = {
        name: {urn.rpartition("::")[2] for urn in recorder.requests[name].dependencies}
        for name in leaves
    }
    waits = {name for name in needs["mx1-agent"] if name.startswith("mx2-")}
    assert waits == ({name for name in leaves if name.startswith("mx2-")} if canary else set())
    assert not {name for name in needs["mx2-agent"] if name.startswith("mx1-")}
    # All else on the host stands on its agent, directly or through another bundle.
    for name in leaves - {"mx1-agent", "mx2-agent"}:
        assert any(other.startswith(name[:3]) for other in needs[name]), name


@pytest.mark.parametrize(
    ("seen", "tokens", "order"),
    [
        (Seen(True), {"mx1-agent"}, {"mx1-acme-dns-tokens", "mx1-resolver"}),
        (
            Seen(True, {"bundles": {"certificates": {}}}),
            {"mx1-postfix"},
            {"mx1-acme-dns-tokens", "mx1-postfix"},
        ),
        (Seen(), {"mx1-postfix"}, {"mx1-acme-dns-tokens", "mx1-postfix"}),
    ],
    ids=["new", "known", "unread"],
)
def test_certificates_are_ordered_beside_the_services_of_a_new_host_alone(
    seen: Seen, tokens: set[str], order: set[str]
) -> None:
    from components.mail_exchanger import MailExchanger

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        settings = from_mapping(everything())
        MailExchanger("mx1", settings, "mx/test", seen, API, rspamd_password="in clear")

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]

    def needs(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in recorder.requests[name].dependencies}

    assert needs("mx1-acme-dns-tokens") == tokens
    assert needs("mx1-certificates") == order


def test_tls_of_postfix_waits_for_postfix_where_certificates_came_first() -> None:
    """Without `tlsReports` nothing else stands between the two on a new host."""
    from components.mail_exchanger import MailExchanger

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        values = {key: each for key, each in everything().items() if key != "tlsReports"}
        MailExchanger("mx1", from_mapping(values), "mx/test", Seen(True), API)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    needs = recorder.requests["mx1-postfix-tls"].dependencies
    assert {"mx1-postfix", "mx1-certificates"} <= {urn.rpartition("::")[2] for urn in needs}
