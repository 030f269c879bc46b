"""What an MX host needs is down, under a stream of real mail: put off, then delivered once.

For each fault: the sender sees nothing but 4xx, nothing is accepted unfiltered, nothing is lost.
docs/operating.md has the results as a table.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from lab import container
from lab.system import run
from lab.topology import BRIDGE_NETNS, INTERNET, MAILBOX1, MX1, Host

from .conftest import ROOT, eventually
from .machine import switch_off, switch_on
from .stream import Stream, impatient_sender, sh
from .test_stack import set_postfix, stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
Step = Callable[[], object]
SPOOL = "/var/spool/postfix"


def on(host: Host, command: str) -> Step:
    return lambda: sh(host, command)


def cut() -> None:
    run(["ip", "-n", BRIDGE_NETNS, "link", "set", MAILBOX1.name, "down"])
    # So that mx1 asks for the address again, and hears within seconds that nobody has it.
    sh(MX1, "ip neigh flush dev eth0")


def mend_link() -> None:
    run(["ip", "-n", BRIDGE_NETNS, "link", "set", MAILBOX1.name, "up"])


# 53 to anywhere but this host's own resolver: that answers SERVFAIL then.
SERVFAIL = """
set -e
nft add table inet cut
nft 'add chain inet cut out { type filter hook output priority 0; }'
nft 'add rule inet cut out oifname != "lo" meta l4proto { tcp, udp } th dport 53 reject'
unbound-control -q flush_zone .
timeout 30 sh -c 'until dig @127.0.0.1 +tries=1 out.sender.test | grep -q SERVFAIL; do :; done'
"""
# Their sockets are in the queue directory: a copy of one is a file that nobody listens on.
MILTER, POLICY = "mx-mime-limit", "mx-tls-policy"
SMALL_DISK = f"""
set -e
systemctl stop postfix rspamd {MILTER}.socket {MILTER} {POLICY}.socket {POLICY}
mkdir /run/spool
cp -a {SPOOL}/. /run/spool
mount -t tmpfs -o size=100m,mode=0755 tmpfs {SPOOL}
cp -a /run/spool/. {SPOOL}
rm -r /run/spool
systemctl start {MILTER}.socket {POLICY}.socket {POLICY} rspamd postfix
"""
FILL = f'! dd if=/dev/zero of={SPOOL}/full bs=64k 2>&1 && test "$(stat -fc %a {SPOOL})" = 0'
LARGE_DISK = f"""
set -e
systemctl stop postfix rspamd {MILTER}.socket {MILTER} {POLICY}.socket {POLICY}
mkdir /run/spool
cp -a {SPOOL}/. /run/spool
umount {SPOOL}
find {SPOOL} -mindepth 1 -delete
cp -a /run/spool/. {SPOOL}
rm -r /run/spool
systemctl start {MILTER}.socket {POLICY}.socket {POLICY} rspamd postfix
"""


@dataclass(frozen=True)
class Fault:
    """`held_by`: who keeps the mail meanwhile; `twice`: how many may arrive twice.

    A mailbox host that has stored a message and goes away before its 250 arrives gets the message
    again (RFC 5321, section 4.5.3.2.6; RFC 1047). With one message every 0.3 s that is one at most.
    """

    breaks: Step
    mends: Step
    held_by: Literal["sender", "exchanger", "either", "nobody"] = "sender"
    before: Step = lambda: None
    after: Step = lambda: None
    twice: int = 0


def unit(name: str) -> Fault:
    return Fault(on(MX1, f"systemctl stop {name}"), on(MX1, f"systemctl start {name}"))


def hung(name: str) -> Fault:
    return Fault(on(MX1, f"pkill -STOP -x {name}"), on(MX1, f"pkill -CONT -x {name}"))


def renamed(table: str) -> Fault:
    """What an operator does afterwards is in the docs: smtpd(8) remembers failed lookups."""
    rename = "mariadb mail -e 'RENAME TABLE {} TO {}'"
    return Fault(
        on(MX1, rename.format(table, "elsewhere")),
        on(MX1, rename.format("elsewhere", table) + " && postfix reload 2>&1"),
    )


def named(*instead: str) -> Fault:
    """The mailbox host's name has other records, or none: a slip in its zone."""
    ours = ("A 198.18.77.21", "AAAA 2001:db8:77::21")

    def records(old: tuple[str, ...], new: tuple[str, ...]) -> Step:
        changes = [f"zone-unset example.test mailbox1 {record.split()[0]}" for record in old]
        changes += [f"zone-set example.test mailbox1 60 {record}" for record in new]
        steps = ["zone-begin example.test", *changes, "zone-commit example.test"]

        def change() -> None:
            sh(INTERNET, " && ".join(f"knotc {step}" for step in steps))
            sh(MX1, "unbound-control -q flush_zone example.test")

        return change

    return Fault(records(ours, instead), records(instead, ours), held_by="exchanger")


FAULTS = {
    "mariadb_stopped": unit("mariadb"),
    "mariadb_restarted": Fault(
        on(MX1, "systemctl restart mariadb"), lambda: None, held_by="nobody"
    ),
    "recipients_not_in_the_schema": renamed("recipient"),
    # smtpd(8) also remembers domains that it found; such mail waits in the queue of mx1.
    "domains_not_in_the_schema": replace(renamed("mail_domain"), held_by="either"),
    "redis_stopped": unit("redis-server"),
    "redis_hung": hung("redis-server"),
    "rspamd_stopped": unit("rspamd"),
    "rspamd_hung": hung("rspamd"),
    "resolver_stopped": unit("unbound"),
    "resolver_says_servfail": Fault(on(MX1, SERVFAIL), on(MX1, "nft delete table inet cut")),
    "mailbox_host_stopped": Fault(
        on(MAILBOX1, "systemctl stop postfix"),
        on(MAILBOX1, "systemctl start postfix"),
        held_by="exchanger",
        twice=1,
    ),
    "mailbox_hosts_name_gone": named(),
    "mailbox_hosts_name_without_an_address": named('TXT "nothing else"'),
    "mailbox_hosts_name_leads_back": named("A 198.18.77.11"),
    "mailbox_host_cut_off": Fault(cut, mend_link, held_by="exchanger", twice=1),
    "disk_full": Fault(
        on(MX1, FILL),
        on(MX1, f"rm {SPOOL}/full"),
        before=on(MX1, SMALL_DISK),
        after=on(MX1, LARGE_DISK),
    ),
    "host_rebooted_hard": Fault(lambda: switch_off(MX1), lambda: switch_on(MX1), twice=1),
}


@pytest.fixture(scope="module", autouse=True)
def sender(lab: dict[str, str]) -> Iterator[None]:
    with impatient_sender():
        yield


def delivered_once(stream: Stream, *, twice: int = 0) -> None:
    """Every message arrived, filtered, and the sender saw only 2xx and 4xx."""
    arrived = stream.drained(120)
    assert stream.by_others() == 0
    assert set(arrived) == set(range(1, stream.sent + 1)), "lost"
    assert sum((arrived - Counter(dict.fromkeys(arrived, 1))).values()) <= twice, arrived
    for code, outcome, words in stream.seen():
        assert (code, outcome) in {("2", "sent"), ("4", "deferred")}, words
        assert "said: 5" not in words


@pytest.mark.parametrize("name", FAULTS)
def test_mail_waits_and_arrives_once(name: str) -> None:
    fault = FAULTS[name]
    fault.before()
    try:
        with Stream(name) as stream:
            eventually(lambda: stream.count("sent") >= 2, 60)
            fault.breaks()
            try:
                if fault.held_by == "sender":
                    stream.deferred(2)
                    accepted = stream.count("sent")
                    stream.deferred(3)
                    assert stream.count("sent") == accepted
                elif fault.held_by == "exchanger":
                    eventually(lambda: stream.deferred_by_mx1() >= 2, 90)
                elif fault.held_by == "either":
                    held = stream.count("deferred")
                    eventually(
                        lambda: stream.count("deferred") - held + stream.deferred_by_mx1() >= 3, 60
                    )
            finally:
                fault.mends()
        delivered_once(stream, twice=fault.twice)
        print(f"{name}: {stream.sent} messages, {Counter(words for _, _, words in stream.seen())}")
    finally:
        fault.after()


def test_mail_waits_while_up_is_running(
    pulumi: Pulumi, lab: dict[str, str], stack_file: Path
) -> None:
    """All down during an `up`, then the host: it ends with words, and the next one converges."""

    def up_and(breaks: Step) -> tuple[int, str]:
        engine = subprocess.Popen(
            ["pulumi", "up", "--stack", "lab", "--yes", "--skip-preview", "--non-interactive"],
            cwd=ROOT,
            env=lab,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # The agent of mx1 is at work.
        at_work = ["pgrep", "-f", "mx-agent apply"]
        eventually(lambda: container.inside(MX1, at_work, check=False) != "", 60)
        breaks()
        output = engine.communicate(timeout=300)[0]
        return engine.returncode, output

    set_postfix(stack_file, "      messageSizeLimitBytes: 20000001")
    text = stack_file.read_text().replace("cacheMaxTtlSeconds: 5", "cacheMaxTtlSeconds: 6")
    filter_too = "    spamFilter: {redisMemoryMebibytes: 128}\n    domains:\n"
    stack_file.write_text(text.replace("    domains:\n", filter_too, 1))
    with Stream("up") as stream:
        eventually(lambda: stream.count("sent") >= 2, 60)
        try:
            code, output = up_and(
                on(MX1, "systemctl stop mariadb redis-server unbound; pkill -STOP -x rspamd")
            )
        finally:
            sh(MX1, "pkill -CONT -x rspamd; systemctl start unbound redis-server mariadb")
        assert code == 0 or "mx-agent: " in output, output
        print(code, [line for line in output.splitlines() if "mx-agent: " in line])
        stack_file.write_text(stack_file.read_text().replace("20000001", "20000002"))
        try:
            code, output = up_and(lambda: switch_off(MX1))
        finally:
            switch_on(MX1)
        assert code != 0
        said = output.partition("Diagnostics:")[2].partition("Outputs:")[0]
        assert "mx1" in said, output
        print(said)
        done = pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
    delivered_once(stream, twice=1)
    assert sh(MX1, "postconf -h message_size_limit") == "20000002\n"
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
