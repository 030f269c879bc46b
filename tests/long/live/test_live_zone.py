"""A live domain comes under the stack and leaves again, while mail for it never stops.

The zone has an MX, SPF, DMARC, TLSA and addresses of its own, a CNAME at mta-sts, and 1,000 records
that are nobody's business. Its old MX is the mailbox host itself.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.settings import engine_yaml
from components.settings.environment import from_mapping
from lab.topology import MX1, MX2
from tests.host.conftest import ROOT, eventually
from tests.host.looking import watching
from tests.host.stream import Stream, impatient_sender
from tests.host.test_dns import records, served
from tests.host.test_promises import takes_mail
from tests.host.test_stack import stack_text

from .zone import DMARC, NAME, OLD, SPF, ZONE, Watcher, add, live, take_away, theirs

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
Rows = dict[str, dict[str, Any]]
ZONES, DOMAINS = "      zones:\n", "    domains:\n"
ADDED = f"""\
      # Live, with an MX of others. Ask Eve first.
      {NAME}:
        mailboxHost: mailbox1
        recipients: [bob]
        leavingMx: [mx1, mx2]
"""
SERVES = "        leavingMx: [mx1, mx2]\n"
OURS = ["10 mx1.example.test.", "20 mx2.example.test."]


def mx(*arguments: str) -> str:
    """What `mx` prints, in one line."""
    done = subprocess.run(
        ["scripts/mx", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def up(pulumi: Pulumi) -> None:
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr


def one(rows: Rows, content: str) -> str:
    """The ID of the record with this content."""
    [key] = [key for key, row in rows.items() if row.get("content") == content]
    return key


def refused(pulumi: Pulumi, found: Rows) -> None:
    """Everything is told before, and nothing is done."""
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        done = pulumi(*command)
        assert done.returncode != 0, done.stdout + done.stderr
        told = " ".join((done.stdout + done.stderr).split())
        for key, content in ((f"spf-{NAME}", SPF), (f"dmarc-{NAME}", DMARC)):
            assert f"add `{key}: {one(found, content)}` under dns.adopt" in told
    offered = mx("adopt", "lab", "--dry-run")
    for content in (SPF.strip('"'), DMARC.strip('"')):
        assert content in offered
    assert records(ZONE).items() >= found.items()


def adopted(stack: Path, found: Rows) -> str:
    """The stack file with the lines of `mx adopt`, which says what it says."""
    mx("adopt", "lab", "--yes")
    text = stack.read_text()
    assert "      # Live, with an MX of others. Ask Eve first.\n" in text
    values: Any = engine_yaml.load(text)
    dns = from_mapping(values["config"]["mx:mail"]).dns
    assert dns.adopt == {f"spf-{NAME}": one(found, SPF), f"dmarc-{NAME}": one(found, DMARC)}
    assert (dns.ttl_of(f"spf-{NAME}"), dns.ttl_of(f"dmarc-{NAME}")) == (120, 60)
    return text


def more_by(count: Callable[[], int], seconds: float) -> None:
    """Wait for ten more messages that came this way."""
    wanted = count() + 10
    eventually(lambda: count() >= wanted, seconds)


def come_and_leave(pulumi: Pulumi, stack: Path, stream: Stream, found: Rows) -> None:
    """Each step of docs/moving-a-domain.md, in and out."""
    plain = stack.read_text()
    text = plain.replace(ZONES, f"{ZONES}        {NAME}: {ZONE}\n", 1)
    stack.write_text(text.replace(DOMAINS, DOMAINS + ADDED, 1))

    more_by(stream.by_others, 60)
    refused(pulumi, found)
    # Adopted as they are; then the hosts serve, and no sender is sent to them.
    text = adopted(stack, found)
    up(pulumi)
    assert records(ZONE).items() >= found.items()
    assert served(NAME, "MX") == [f"15 {OLD}."]
    for host in (MX1, MX2):
        takes_mail(host.address, f"bob@{NAME}")
    assert stream.by_ours() == 0
    # Ours beside theirs: one host before the old MX, the other one after it.
    stack.write_text(text.replace(SERVES, ""))
    told = mx("preview", "lab", "--format", "markdown").partition("### What")[0]
    assert f"also goes to {OLD}, preference 15: before mx" in told
    up(pulumi)
    assert served(NAME, "MX") == sorted([*OURS, f"15 {OLD}."])
    more_by(stream.by_ours, 120)
    # Theirs gone, and all mail comes through ours.
    take_away(one(found, OLD))
    eventually(lambda: served(NAME, "MX") == OURS, 20)
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    more_by(stream.by_ours, 120)
    # And out again: theirs beside ours, ours gone, the domain gone.
    rows = theirs("")
    add(rows[1])
    stack.write_text(text)
    up(pulumi)
    eventually(lambda: served(NAME, "MX") == [f"15 {OLD}."], 20)
    more_by(stream.by_others, 120)
    stack.write_text(plain)
    up(pulumi)
    add(rows[2], rows[4])
    eventually(lambda: served(f"_dmarc.{NAME}", "TXT") == [DMARC], 20)


def test_a_live_domain_comes_and_leaves_under_a_stream_of_mail(
    pulumi: Pulumi, stack_text: Path, tmp_path: Path
) -> None:
    with live(tmp_path) as found:
        with (
            impatient_sender(),
            watching("example.test") as promises,
            Watcher() as watcher,
            Stream("live", NAME) as stream,
        ):
            come_and_leave(pulumi, stack_text, stream, found)
        assert stream.drained(180) == dict.fromkeys(range(1, stream.sent + 1), 1)
        assert [words for digit, _, words in stream.seen() if digit == "5"] == []
        assert stream.count("bounced") == 0
        assert 0 < stream.by_others() < stream.sent
        # Never two of a kind; none only between the end of ours and the beginning of theirs.
        for counted in (watcher.spf, watcher.dmarc):
            assert set(counted) <= {0, 1}
            gap = counted.index(0) if 0 in counted else len(counted) - 1
            assert set(counted[:gap]) == {1}
            assert counted[-1] == 1
        assert () not in watcher.exchangers
        assert promises.faults == []
        print(
            f"{stream.sent} messages, {stream.by_others()} of them by the old MX;"
            f" {stream.count('deferred')} tries put off; {len(watcher.spf)} looks at the zone"
        )
        # Nothing of theirs was touched but what they took and put back themselves.
        after, own = records(ZONE), {one(found, each) for each in (OLD, SPF, DMARC)}
        assert after.items() >= {key: row for key, row in found.items() if key not in own}.items()
        assert len(after) == len(found)
        done = pulumi("preview", "--expect-no-changes", "--refresh")
        assert done.returncode == 0, done.stdout + done.stderr
