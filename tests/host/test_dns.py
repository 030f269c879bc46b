"""Records at the API double and in the served zone: no false change, nothing foreign touched."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from components.settings.stack_file import settings_of
from components.stack import zones as stack_zones
from lab.topology import AUTHORITATIVE, CLOUDFLARE_TOKEN, CLOUDFLARE_ZONES, ipv4
from tools.adopt import offers as offers_of
from tools.mx import host_facts

from .conftest import Ssh
from .test_stack import stack_file, stack_text

__all__ = ["stack_file", "stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
API = "http://198.18.77.56/client/v4/zones"
ZONE = CLOUDFLARE_ZONES["example.test"]


def api(method: str, path: str, body: Any = None) -> Any:
    """The result of a request to the double."""
    request = urllib.request.Request(
        f"{API}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {CLOUDFLARE_TOKEN}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["result"]


def records(zone: str = ZONE) -> dict[str, Any]:
    """The zone's records at the double, by id."""
    return {item["id"]: item for item in api("GET", f"{zone}/dns_records?per_page=5000")}


def served(name: str, kind: str) -> list[str]:
    """What the authoritative server answers, asked once."""
    question = dns.message.make_query(name, kind)
    answer = dns.query.tcp(question, ipv4(AUTHORITATIVE), timeout=10)
    return sorted(
        item.to_text()
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.from_text(kind)
        for item in rrset
    )


def up(pulumi: Pulumi) -> None:
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr


def unchanged(pulumi: Pulumi) -> None:
    """A preview that asks the API for the records proposes no change."""
    done = pulumi("preview", "--expect-no-changes", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def foreign() -> Iterator[dict[str, Any]]:
    """A record of somebody else at a name that we use."""
    made = api(
        "POST",
        f"{ZONE}/dns_records",
        {"type": "TXT", "name": "example.test", "content": '"site=1"', "ttl": 300},
    )
    yield made
    api("DELETE", f"{ZONE}/dns_records/{made['id']}")


def test_no_record_type_shows_a_change_after_a_preview_or_a_refresh(pulumi: Pulumi) -> None:
    kinds = {item["type"] for item in records().values()}
    assert kinds >= {"A", "AAAA", "MX", "TXT", "CAA", "SSHFP"}
    unchanged(pulumi)
    done = pulumi("refresh", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_api_has_is_what_the_server_answers(pulumi: Pulumi) -> None:
    assert served("example2.test", "MX") == ["0 ."]
    assert served("any._domainkey.example2.test", "TXT") == ['"v=DKIM1; p="']
    assert served("example.test", "TXT") == ['"v=spf1 mx -all"']
    assert served("_smtp._tls.mx2.example.test", "TXT") == served("_smtp._tls.example.test", "TXT")
    assert len(served("mx1.example.test", "CAA")) == 3


def test_sshfp_is_the_key_that_the_host_shows(ssh: Ssh) -> None:
    shown = ssh("mx1", "ssh-keygen -r mx1 -f /etc/ssh/ssh_host_ed25519_key.pub")
    sha256 = next(line.split()[-1] for line in shown.splitlines() if " SSHFP 4 2 " in line)
    assert served("mx1.example.test", "SSHFP") == [f"4 2 {sha256}"]


def test_dnssec_is_on_and_the_ds_is_exported(pulumi: Pulumi) -> None:
    exported = json.loads(pulumi("stack", "output", "--json").stdout)["dsRecords"]
    tag, algorithm, kind, digest = exported["example.test"].split()[-4:]
    assert served("example.test", "DS") == [f"{tag} {algorithm} {kind} {digest.lower()}"]


def test_a_foreign_record_of_the_same_name_stays(
    pulumi: Pulumi, stack_text: Path, foreign: dict[str, Any]
) -> None:
    unchanged(pulumi)
    text = stack_text.read_text()
    stack_text.write_text(text.replace("spf: v=spf1 mx -all", "spf: v=spf1 mx ~all"))
    up(pulumi)
    assert records()[foreign["id"]] == foreign
    assert served("example.test", "TXT") == ['"site=1"', '"v=spf1 mx ~all"']


def test_an_existing_record_is_taken_over_and_keeps_its_id(
    pulumi: Pulumi, stack_text: Path
) -> None:
    body = {"type": "TXT", "name": "_dmarc.sub.example.test", "content": '"v=DMARC1; p=none"'}
    made = api("POST", f"{ZONE}/dns_records", {**body, "ttl": 300})
    domain = (
        "      sub.example.test: {mailboxHost: mailbox1, recipients: [carol],"
        " records: {dmarc: v=DMARC1; p=none}}\n"
    )
    adopt = f"      adopt: {{dmarc-sub.example.test: {made['id']}}}\n"
    text = stack_text.read_text().replace("    domains:\n", f"    domains:\n{domain}")
    stack_text.write_text(text.replace("      dnssecZones:", f"{adopt}      dnssecZones:"))
    up(pulumi)
    assert records()[made["id"]] == made
    unchanged(pulumi)
    stack_text.write_text(text)
    unchanged(pulumi)
    at_name = [item for item in records().values() if item["name"] == body["name"]]
    assert [item["id"] for item in at_name] == [made["id"]]


def test_a_zone_of_another_account_has_its_own_token(pulumi: Pulumi, stack_file: Path) -> None:
    number = CLOUDFLARE_ZONES["example3.test"]
    text = stack_file.read_text().replace(
        "      dnssecZones:",
        f"        example3.test: {number}\n      accounts: {{other: [example3.test]}}\n"
        "      dnssecZones:",
    )
    text = text.replace(
        "    domains:\n",
        "    domains:\n      example3.test: {mailboxHost: mailbox1, recipients: [dave]}\n",
    )
    stack_file.write_text(text)
    refused = pulumi("preview")
    assert refused.returncode != 0
    assert "mx:cloudflareTokens.other: missing" in refused.stdout + refused.stderr
    key = "mx:cloudflareTokens.other"
    done = pulumi("config", "set", "--secret", "--path", key, "wrong-" + CLOUDFLARE_TOKEN)
    assert done.returncode == 0, done.stderr
    failed = pulumi("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "Invalid access token" in failed.stdout + failed.stderr
    assert served("example3.test", "MX") == []
    done = pulumi("config", "set", "--secret", "--path", key, CLOUDFLARE_TOKEN)
    assert done.returncode == 0, done.stderr
    up(pulumi)
    assert len(served("example3.test", "MX")) == 2
    assert CLOUDFLARE_TOKEN not in pulumi("stack", "export").stdout
    unchanged(pulumi)


def test_a_change_is_served_when_the_api_has_answered() -> None:
    body = {"type": "A", "name": "now.example.test", "content": "198.18.77.99", "ttl": 60}
    made = api("POST", f"{ZONE}/dns_records", body)
    path = f"{ZONE}/dns_records/{made['id']}"
    assert served("now.example.test", "A") == ["198.18.77.99"]
    api("PATCH", path, {"content": "198.18.77.98"})
    assert served("now.example.test", "A") == ["198.18.77.98"]
    api("DELETE", path)
    assert served("now.example.test", "A") == []


def test_a_record_can_be_deleted_after_a_restart_of_the_double(ssh: Ssh) -> None:
    body = {"type": "TLSA", "name": "_25._tcp.old.example.test", "ttl": 60}
    data = {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "ab" * 32}
    made = api("POST", f"{ZONE}/dns_records", {**body, "data": data})
    ssh(
        "internet",
        "systemctl restart cloudflare-api && for i in $(seq 100); do "
        "curl -s -o /dev/null http://198.18.77.56/ && break; sleep 0.1; done",
    )
    assert served("_25._tcp.old.example.test", "TLSA") == [f"3 1 1 {'ab' * 32}"]
    api("DELETE", f"{ZONE}/dns_records/{made['id']}")
    assert served("_25._tcp.old.example.test", "TLSA") == []


@pytest.mark.usefixtures("lab")
def test_after_the_loss_of_the_state_every_record_of_the_stack_can_be_taken_over() -> None:
    """Those of keys too, which only the hosts know (docs/backends.md). SSHFP needs hostKey."""
    settings = settings_of("lab")
    listed = {zone: [*records(number).values()] for zone, number in settings.dns.zones.items()}
    wanted = stack_zones.wanted(settings, {}, host_facts.read(settings, settings.hosts))
    offers = offers_of.find(settings, wanted, listed, {}).offers
    assert {offer.key for offer in offers} == {record.key for record in wanted}
    assert [offer.words for offer in offers if not offer.edits] == []
    assert {"TLSA", "TXT", "MX", "CAA"} <= {offer.type for offer in offers}
