"""mx1 and a plain Postfix on it, a mailbox host that writes down, and clients of many addresses."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from lab.system import LabError, run, wait_for
from lab.topology import (
    INTERNET,
    MAILBOX1,
    MX1,
    NETWORK4,
    REVERSE4,
    SENDER_DOMAIN,
    ipv4,
    ipv6,
)
from tests.long.chaos.faults import nft, no_table, sh
from tests.long.chaos.world import knotc

from . import client, mailbox_double
from .client import DOMAIN, SENDER, Attempt, Order
from .verdict import Copy

PLAIN_PORT, DOUBLE_PORT = 2625, 2526
TARGETS = {"mx": (ipv4(11), 25), "plain": (ipv4(11), PLAIN_PORT)}
# Many strangers: each address of theirs has limits of its own, in Postfix and in Rspamd.
SOURCES = [ipv4(number) for number in range(100, 160)]
_ADDRESS = ["ip", "-n", INTERNET.netns, "address"]
WANTED = {
    "bob@example.test": ("bob@example.test",),
    "info@example.test": ("alice@example.test", "bob@example.test"),
}
_FOLDER, _UNIT = "/etc/postfix-plain", "load-plain"
_AWAY = f"rm -rf {_FOLDER} /var/spool/postfix-plain /var/lib/postfix-plain"
# As Debian's package has it, and no more than what relays for the same domain.
_PLAIN = f"""
set -e
{_AWAY}
mkdir -p {_FOLDER} /var/spool/postfix-plain /var/lib/postfix-plain
chown postfix /var/lib/postfix-plain
sed -E -e 's/^smtp +inet .*/{PLAIN_PORT} inet n - n - - smtpd/' \\
  -e 's/^([a-z]+ +unix +\\S+ +\\S+ +)y/\\1n/' /usr/share/postfix/master.cf.dist >{_FOLDER}/master.cf
cat >{_FOLDER}/main.cf <<'END'
compatibility_level = 3.6
queue_directory = /var/spool/postfix-plain
data_directory = /var/lib/postfix-plain
syslog_name = plain
myhostname = {MX1.fqdn}
mydestination =
alias_maps =
relay_domains = example.test
transport_maps = inline:{{ example.test=smtp:[{MAILBOX1.fqdn}] }}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
mynetworks = 127.0.0.0/8
END
systemd-run --quiet --collect --unit={_UNIT} --property=RuntimeMaxSec=2h \\
  postfix -c {_FOLDER} start-fg
"""


def mend() -> None:
    """After an interrupted run: nothing of it is left."""
    no_table(MAILBOX1, "loadbox")
    _plain_away()
    _strangers_away()


@contextlib.contextmanager
def strangers() -> Iterator[None]:
    """The lab's Internet has the addresses of SOURCES, with PTR records and an SPF record.

    Else the spam filter would greylist them, as it does with what looks like spam.
    """
    try:
        for address in SOURCES:
            run([*_ADDRESS, "replace", f"{address}/24", "dev", "eth0"])
        for zone, records in _records().items():
            knotc(zone, *(f"zone-set {zone} {name} 60 {data}" for name, data in records))
        yield
    finally:
        _strangers_away()


def _strangers_away() -> None:
    for zone, records in _records().items():
        with contextlib.suppress(LabError):  # they are not there: a zone has all of them or none
            knotc(zone, *(f"zone-unset {zone} {name} {data}" for name, data in records))
    for address in SOURCES:
        run([*_ADDRESS, "delete", f"{address}/24", "dev", "eth0"], check=False)


def _records() -> dict[str, list[tuple[str, str]]]:
    """Zone to names, and type and data, of what strangers need."""
    names = {address: f"s{address.rpartition('.')[2]}.{DOMAIN}." for address in SOURCES}
    spf = f"TXT '\"v=spf1 ip4:{NETWORK4}.0/24 -all\"'"
    return {
        SENDER_DOMAIN: [
            (f"{DOMAIN}.", f"MX 10 {INTERNET.fqdn}."),
            (f"{DOMAIN}.", spf),
            *((name, f"A {address}") for address, name in names.items()),
        ],
        REVERSE4: [
            (f"{ip_address(address).reverse_pointer}.", f"PTR {name}")
            for address, name in names.items()
        ],
    }


@contextlib.contextmanager
def plain_postfix() -> Iterator[None]:
    """A second instance on mx1, which outside can reach meanwhile."""
    try:
        sh(MX1, _PLAIN)
        nft(MX1, f"insert rule inet mx input tcp dport {PLAIN_PORT} accept")
        listens = f"ss -Hltn sport = :{PLAIN_PORT}"
        wait_for("the plain Postfix", lambda: bool(sh(MX1, listens).strip()), 30, step=0.5)
        yield
    finally:
        _plain_away()


def _plain_away() -> None:
    """Stop and delete the plain Postfix; the rules of the firewall are read again without it."""
    sh(MX1, f"! systemctl -q is-active {_UNIT} || systemctl stop {_UNIT}; {_AWAY}")
    sh(MX1, "! systemctl -q is-active mx-firewall || systemctl reload mx-firewall")


class Mailbox:
    """The double in the place of the mailbox host, for mx1 alone, with its journal."""

    def __init__(self, folder: Path) -> None:
        self._path, self._read = folder / "stored.jsonl", 0
        self._stored: dict[str, list[Copy]] = {}
        self.pid = 0

    def __enter__(self) -> Mailbox:
        self._path.touch()
        no_table(MAILBOX1, "loadbox")
        self._process = tool(
            MAILBOX1.netns, mailbox_double.__file__, str(DOUBLE_PORT), str(self._path)
        )
        self.pid = self._process.pid
        port = ["ip", "netns", "exec", MAILBOX1.netns, "ss", "-Hltn", f"sport = :{DOUBLE_PORT}"]
        try:
            wait_for("the mailbox double", lambda: bool(run(port).strip()), 30, step=0.2)
            own = f"tcp dport 25 redirect to :{DOUBLE_PORT}"
            nft(
                MAILBOX1,
                "add table inet loadbox",
                "add chain inet loadbox pre { type nat hook prerouting priority -100 ; }",
                f"add rule inet loadbox pre ip saddr {MX1.address} {own}",
                f"add rule inet loadbox pre ip6 saddr {ipv6(MX1.numbers[0])} {own}",
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        no_table(MAILBOX1, "loadbox")
        ended(self._process)

    def stored(self, run_: str) -> list[Copy]:
        """All copies of a run so far."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            copy: Copy = json.loads(line)
            self._stored.setdefault(copy["serial"].rpartition("-")[0], []).append(copy)
        return self._stored.get(run_, [])


def tool(netns: str, *words: str) -> subprocess.Popen[str]:
    """Start a Python file in a network namespace; the kernel ends it with this process."""
    command = ["ip", "netns", "exec", netns, "setpriv", "--pdeathsig", "KILL", sys.executable]
    return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> None:
    """End it, whatever it does."""
    process.kill()
    process.communicate()


class Load:
    """A client at work, as a context: it is ended with it."""

    def __init__(self, folder: Path, order: Order) -> None:
        self._path = folder / f"{order['run']}.jsonl"
        self.order = order | Order(journal=str(self._path), sources=SOURCES)

    def __enter__(self) -> Load:
        self._process = tool(INTERNET.netns, client.__file__, json.dumps(self.order))
        self.pid = self._process.pid
        return self

    def __exit__(self, *_: object) -> None:
        ended(self._process)

    def offered(self) -> float:
        """Wait until the last message has begun; the time of it. Raises OSError if it ended."""
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "offered\n":
            raise OSError(f"the client ended early, with {self._process.wait()}")
        return time.time()

    def attempts(self) -> list[Attempt]:
        """Wait for all replies."""
        self._process.wait(client.CONNECT_SECONDS + 7 * client.REPLY_SECONDS)
        return [json.loads(line) for line in self._path.read_text().splitlines()]


def queued() -> int:
    """Messages of the load in mx1's queue."""
    return sh(MX1, "postqueue -j").count(f'"sender": "{SENDER}"')
