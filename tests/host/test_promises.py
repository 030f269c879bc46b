"""A domain comes and goes, a policy changes, an MX too: no sender ever stumbles."""

from __future__ import annotations

import json
import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.topology import MX1, MX2

from .conftest import Ssh, eventually
from .looking import Watch, watching
from .promises import DomainLook
from .test_stack import stack_text

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
OLD, NEW = "example.test", "sub.example.test"
ENFORCE = "        mtaSts: {mode: enforce}\n"
TESTING = "        mtaSts: {mode: testing, maxAgeSeconds: 86400}\n"
DOMAIN = (
    f"      {NEW}: {{mailboxHost: mailbox1, mtaSts: {{mode: enforce}},"
    " recipients: [carol, postmaster]}\n"
)
GOES = DOMAIN.replace("enforce}", "enforce, alsoMx: [mx.other.test]}, leavingMx: [mx1, mx2]")
DOMAINS = "    domains:\n"
BY_KEY, IN_DNS = ("mx1", "mx2"), ("mx", "sts-a", "sts-aaaa")
CHANGED = f"dns-sts-{OLD}"
BOTH = frozenset({MX1.fqdn, MX2.fqdn})


def preview(pulumi: Pulumi) -> dict[str, set[str]]:
    """Names of what would be created, updated and deleted, by that."""
    done = pulumi("preview", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, set[str]] = {"create": set(), "update": set(), "delete": set()}
    for step in json.loads(done.stdout)["steps"]:
        types, name = step["urn"].split("::")[2:]
        if step["op"] != "same" and not types.rpartition("$")[2].startswith("mx:"):
            found[step["op"]].add(name)
    return found


def up(pulumi: Pulumi, *watches: Watch) -> None:
    """Apply, and let the senders look once more at what came of it."""
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    for watch in watches:
        eventually(watch.looks_again(), 60)
        assert watch.faults == []


def on_both(*names: str) -> set[str]:
    return {f"{host}-{name}" for host in BY_KEY for name in names}


def test_no_sender_stumbles(pulumi: Pulumi, ssh: Ssh, stack_text: Path) -> None:
    before = stack_text.read_text()
    assert ENFORCE in before
    leaving, left = (
        before.replace(ENFORCE, f"{TESTING}        {line}\n").replace(DOMAINS, DOMAINS + domain)
        for line, domain in (("leavingMx: [mx2]", DOMAIN), ("mx: [mx1]", GOES))
    )
    # An MX that would refuse what still comes does not go at once.
    stack_text.write_text(left)
    done = pulumi("preview")
    assert done.returncode != 0
    assert (
        f"domains.{OLD}.leavingMx: {MX2.fqdn} still has an MX record" in done.stdout + done.stderr
    )

    with watching(OLD) as watch:
        with watching(NEW) as newcomer:
            # A domain comes; the policy of another changes, and an MX of it leaves DNS.
            stack_text.write_text(leaving)
            told = preview(pulumi)
            assert told["delete"] == {f"dns-{name}-{OLD}-mx2" for name in IN_DNS}
            assert told["update"] >= on_both("sts-host", "certificates", "mail-database")
            assert {name for name in told["update"] if name.startswith("dns-")} == {CHANGED}
            records = {f"dns-{name}-{NEW}-{key}" for name in IN_DNS for key in BY_KEY}
            assert told["create"] >= {f"dns-sts-{NEW}", *records}
            up(pulumi, watch, newcomer)
            takes_mail(MX2.address, f"alice@{OLD}")

            # The MX goes from the policy and takes mail no more; the other domain moves elsewhere.
            stack_text.write_text(left)
            told = preview(pulumi)
            assert told["create"] == set()
            # Without the domain's key, reports would not be signed.
            gone = {f"mx2-dkim-{OLD}", f"dns-dkim-{OLD}-mx2", "mx2-tls-reports"}
            assert told["delete"] == gone | {f"dns-mx-{NEW}-{key}" for key in BY_KEY}
            assert told["update"] >= {*on_both("sts-host"), "mx2-mail-database", CHANGED}
            up(pulumi, watch, newcomer)
            for host in (MX1, MX2):
                takes_mail(host.address, f"carol@{NEW}")
        last = newcomer.domains[NEW][-1]
        assert last.mx == frozenset()
        assert set(last.policies) == last.addresses
        assert all("mx: mx.other.test" in text for text in last.policies.values())
        assert newcomer.domains[NEW][0] == DomainLook(NEW, None, frozenset())
        assert (BOTH, BOTH) in states(newcomer.domains[NEW])

        # It comes back, and the domain that came goes.
        stack_text.write_text(before)
        told = preview(pulumi)
        assert {name for name in told["delete"] if NEW not in name} == set()
        assert told["create"] >= {f"dns-{name}-{OLD}-mx2" for name in (*IN_DNS, "dkim")}
        assert told["update"] >= {*on_both("sts-host"), "mx2-mail-database", CHANGED}
        up(pulumi, watch)
    saw_all(watch)


def takes_mail(host: str, recipient: str) -> None:
    """What leaves DNS still accepts a recipient."""
    with smtplib.SMTP(host, 25, "out.sender.test", timeout=60) as client:
        client.ehlo()
        client.mail("alice@sender.test")
        assert client.rcpt(recipient)[0] == 250


def saw_all(watch: Watch) -> None:
    """The sender saw each state in its turn, and every key of both hosts."""
    one = frozenset({MX1.fqdn})
    told = iter(states(watch.domains[OLD]))
    for state in ((BOTH, BOTH), (one, BOTH), (one, one), (BOTH, BOTH)):
        assert state in told, f"{state} was not seen in its turn"
    texts = {text for look in watch.domains[OLD] for text in look.policies.values()}
    assert {"mode: enforce", "mode: testing"} <= {text.splitlines()[1] for text in texts}
    for host in (MX1, MX2):
        keys = [set(look.keys.values()) - {None} for look in watch.hosts[host.fqdn] if look.tlsa]
        assert max(len(each) for each in keys) == 2


def states(looks: list[DomainLook]) -> list[tuple[frozenset[str], frozenset[str]]]:
    """What DNS named and what the policy named, of each look at all addresses."""
    return [
        (look.mx, frozenset(line[4:] for line in text.splitlines() if line.startswith("mx: ")))
        for look in looks
        for text in set(look.policies.values())
        if look.id is not None
    ]
