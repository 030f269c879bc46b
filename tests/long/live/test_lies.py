"""Hosts that are not what their entry says: each is held back with words that name it.

mx2 leaves the stack, and comes back as a new host. Four more lies, of mailbox hosts and of port 25,
are told by a host that is there: tests/host/test_new_mx.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host.conftest import Ssh
from tests.host.test_dns import records, served
from tests.host.test_promises import takes_mail
from tests.host.test_stack import STACK, stack_text

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
NAME = "hostname: mx2.example.test\n"


def covered(path: str, content: str) -> str:
    """A file of the host says something else."""
    lie = f"/run/lie{path.replace('/', '-')}"
    return f"printf '{content}' >{lie} && chmod 755 {lie} && mount --bind {lie} {path}"


def clock(seconds: int) -> str:
    """The containers have this machine's clock: only what the host tells can be another one."""
    program = f"#!/bin/sh\\necho $(( $(/run/date +%%s) + {seconds} ))\\n"
    return f"cp /usr/bin/date /run/date && {covered('/usr/bin/date', program)}"


DATE = "umount /usr/bin/date && rm /run/date"
TAKE = (
    "systemd-run --quiet --unit=port-taker python3 -c "
    "'import socket, time; s = socket.create_server((\"\", 25)); time.sleep(6000)'"
)


@dataclass(frozen=True)
class Lie:
    """How the host becomes so, how it is mended, what `preview` and `up` say.

    `entry`: what the stack file has under the host's hostname.
    """

    words: str
    breaks: str = "true"
    mends: str = "true"
    entry: str = ""


HERE, OTHER = (12, 13) if "debian: 12" in STACK.read_text() else (13, 12)
RELEASES = {
    "release_that_the_host_does_not_run": Lie(
        f"hosts.mx2.debian is {OTHER}, but the host runs debian {HERE}",
        entry=f"        debian: {OTHER}\n",
    ),
    "host_of_another_release_than_written": Lie(
        f"hosts.mx2.debian is {HERE}, but the host runs debian {OTHER}",
        covered("/etc/os-release", f'ID=debian\\nVERSION_ID="{OTHER}"\\n'),
        "umount /etc/os-release",
    ),
}
HOSTS = {
    "ipv6_that_the_host_lost": Lie(
        "hosts.mx2.ipv6: 2001:db8:77::12 is on none of the host's interfaces",
        "ip address del 2001:db8:77::12/64 dev eth0",
        "ip address add 2001:db8:77::12/64 dev eth0 nodad",
    ),
    "foreign_daemon_on_port_25": Lie(
        "port 25 is in use by /usr/bin/python3", TAKE, "systemctl stop port-taker"
    ),
    "full_disk": Lie(
        "free disk below /usr and /var: ",
        "mount -t tmpfs -o size=64m,mode=755 tmpfs /var",
        "umount -l /var",
    ),
    "little_memory": Lie(
        "memory: 512 MiB",
        covered("/proc/meminfo", "MemTotal: 524288 kB\\n"),
        "umount /proc/meminfo",
    ),
    "clock_a_day_behind": Lie("s behind this machine's", clock(-86400), DATE),
    "clock_a_day_ahead": Lie("s ahead of this machine's", clock(86400), DATE),
}


@contextmanager
def lying(ssh: Ssh, lie: Lie) -> Iterator[None]:
    ssh("mx2", lie.breaks)
    try:
        yield
    finally:
        ssh("mx2", lie.mends)


def plain(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def held_back(pulumi: Pulumi, lies: list[Lie], *command: str) -> None:
    """The words are there, and nothing of mx2 is in DNS."""
    text = plain(pulumi(*command))
    for lie in lies:
        assert lie.words in text, f"{lie.words}: {text[-3000:]}"
    assert "Traceback" not in text
    assert served("example.test", "MX") == ["10 mx1.example.test."]
    assert [each["name"] for each in records().values() if "mx2" in each["name"]] == []


def test_serving_host_gets_no_record_for_an_address_that_it_does_not_have(
    pulumi: Pulumi, stack_text: Path
) -> None:
    text = stack_text.read_text()
    stack_text.write_text(text.replace("ipv6: 2001:db8:77::12", "ipv6: 2001:db8:77::99"))
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        done = pulumi(*command)
        assert done.returncode != 0
        words = "mx:mail.hosts.mx2.ipv6: 2001:db8:77::99 is on none of the host's interfaces"
        assert f"stacks/Pulumi.lab.yaml: {words}" in plain(done)
    assert served("mx2.example.test", "AAAA") == ["2001:db8:77::12"]


def test_hosts_that_lie_are_held_back_and_mended_they_are_set_up(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path
) -> None:
    before = stack_text.read_text()
    entry = before[before.index("      mx2:\n") : before.index("    mailboxHosts:\n")]
    for text in (f"{entry}        leaving: true\n", ""):
        stack_text.write_text(before.replace(entry, text))
        done = pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
    up = ("up", "--yes", "--skip-preview", "--continue-on-error")
    for lie in (*RELEASES.values(), *HOSTS.values()):
        stack_text.write_text(before.replace(NAME, f"{NAME}{lie.entry}"))
        with lying(ssh, lie):
            held_back(pulumi, [lie], "preview")
            held_back(pulumi, [lie], *up)
    # All of one host at once; a clock is not both.
    lies = [lie for name, lie in HOSTS.items() if name != "clock_a_day_ahead"]
    with ExitStack() as stack:
        for lie in lies:
            stack.enter_context(lying(ssh, lie))
        held_back(pulumi, lies, "preview")
    assert ssh("mx2", "systemctl is-active postfix || true").strip() != "active"
    # Mended, `up` goes on.
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert served("example.test", "MX") == ["10 mx1.example.test.", "20 mx2.example.test."]
    for host in ("198.18.77.11", "198.18.77.12"):
        takes_mail(host, "alice@example.test")
