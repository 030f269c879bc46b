"""Faults of one MX host, as data: how each begins and ends."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from lab import container, topology
from lab.system import LabError, run, wait_for
from lab.topology import BRIDGE_NETNS, Host
from tests.host.machine import switch_off

Step = Callable[[Host], object]
SPOOL = "/var/spool/postfix"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


@dataclass(frozen=True)
class Fault:
    """`seconds`: the shortest and the longest time between its begin and its end."""

    begins: Step
    ends: Step
    seconds: tuple[float, float] = (8, 25)


# An `up` at the same time may stop what is started here, and use what is unmounted.
_AGAIN = 'again() { for try in $(seq 90); do "$@" && return; sleep 1; done; return 1; }\n'


def sh(host: Host, command: str) -> str:
    """Run a shell command on a host, without its network. Raises LabError when it fails.

    `again COMMAND` in it tries until the command succeeds.
    """
    return container.inside(host, ["timeout", "150", "bash", "-c", _AGAIN + command])


def on(command: str) -> Step:
    """The step that runs a shell command."""
    return lambda host: sh(host, command)


def steps(*each: Step) -> Step:
    """Several steps, one after the other."""

    def all_of_them(host: Host) -> None:
        for step in each:
            step(host)

    return all_of_them


def nothing(host: Host) -> None:
    """For a fault that systemd or nobody has to mend."""


def killed(pattern: str) -> Fault:
    """SIGKILL to processes by their name; that none runs is no error."""
    command = f"pkill -KILL -x {pattern} || test $? = 1"
    return Fault(on(command), nothing, (2, 6))


def hung(name: str) -> Fault:
    """SIGSTOP, then SIGCONT."""
    pkill = "pkill -{} -x " + name + " || test $? = 1"
    return Fault(on(pkill.format("STOP")), on(pkill.format("CONT")), (8, 30))


def stopped(unit: str) -> Fault:
    """A unit that somebody stops, and starts again."""
    return Fault(on(f"again systemctl stop {unit}"), on(f"again systemctl start {unit}"))


def nft(host: Host, *commands: str) -> None:
    """Change the host's rules from outside: not every host of the lab has the program."""
    for command in commands:
        run(["ip", "netns", "exec", host.netns, "nft", *command.split()])


def dropped(rule: str) -> Fault:
    """Packets that match are thrown away, in both directions."""
    add = ["add table inet chaos"]
    for chain, device in (("input", "iifname"), ("output", "oifname")):
        hook = f"{{ type filter hook {chain} priority -300 ; }}"
        add.append(f"add chain inet chaos {chain} {hook}")
        add.append(f"add rule inet chaos {chain} {device} eth0 {rule} drop")
    return Fault(lambda host: nft(host, *add), lambda host: nft(host, "delete table inet chaos"))


def link(state: str) -> Step:
    """Sets the host's end of the cable."""
    return lambda host: subprocess.run(
        ["ip", "-n", BRIDGE_NETNS, "link", "set", host.name, state], check=True
    )


def power_on(host: Host) -> None:
    """Boot, in a process of its own, since the container outlives this one."""
    program = (
        "import sys; from lab import container, topology; "
        "container.boot(topology.host(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", program, host.name], cwd=topology.CHECKOUT, check=True)
    # Nobody helps: what a boot must undo or start is the product's own affair.
    wait_for(f"SMTP on {host.name}", lambda: container.listens(host, 25), 300, step=1)


# The queue on a disk of twice its size, at least 100 MB, for as long as the fault lasts. Sockets
# of services are in the queue's directory, and a copy of a socket is a file that nobody listens on.
# An `up` would start them in between, so the agent's lock is held.
_MOVED = f"""
set -e
exec 9>>/var/lib/mx-agent/lock && flock 9
again systemctl stop postfix rspamd mx-{{mime-limit,tls-policy}}.{{socket,service}}
mkdir /var/tmp/spool
cp -a {SPOOL}/. /var/tmp/spool
%s
cp -a /var/tmp/spool/. {SPOOL}
rm -r /var/tmp/spool
again systemctl start mx-{{mime-limit,tls-policy}}.socket mx-tls-policy rspamd postfix
"""
_SMALL = _MOVED % (
    f"size=$(($(du -sm {SPOOL} | cut -f1) * 2))\n"
    f"mount -t tmpfs -o size=$((size > 100 ? size : 100))m,mode=0755 tmpfs {SPOOL}"
)
_LARGE = _MOVED % f"again umount {SPOOL}\nfind {SPOOL} -mindepth 1 -delete"
_FULL = f"! dd if=/dev/zero of={SPOOL}/full bs=64k 2>/dev/null"

# A folder that `up` writes to, without room.
_NO_ROOM = """
set -e
cd {0} && cp -a . /run/chaos-keep
mount -t tmpfs -o size=8m,mode=$(stat -c 0%a .) tmpfs {0}
chown --reference=/run/chaos-keep {0} && cp -a /run/chaos-keep/. {0}
mount -o remount,size=$(du -B1 -s {0} | cut -f1) {0}
"""
_ROOM = """
set -e
mount -o remount,size=64m {0}
off() {{ rm -rf /run/chaos-new && cp -a {0} /run/chaos-new && umount {0}; }}
again off
find {0} -mindepth 1 -delete && cp -a /run/chaos-new/. {0}
rm -rf /run/chaos-keep /run/chaos-new
"""


def clock(unit: str, days: int) -> Fault:
    """A service whose clock is wrong: all containers have the machine's, so by libfaketime."""
    drop_in = f"/run/systemd/system/{unit}.service.d/chaos.conf"
    environment = f"LD_PRELOAD={FAKETIME} FAKETIME={days:+d}d DONT_FAKE_MONOTONIC=1"
    begin = (
        f"mkdir -p $(dirname {drop_in}); "
        f"printf '[Service]\\nEnvironment={environment}\\n' >{drop_in}; "
        f"systemctl daemon-reload; again systemctl restart {unit}"
    )
    return Fault(
        on(begin), on(f"rm -f {drop_in}; systemctl daemon-reload; again systemctl restart {unit}")
    )


FAULTS = {
    "power cut": Fault(switch_off, power_on, (1, 20)),
    "power cut again while it boots": Fault(
        steps(switch_off, power_on, switch_off), power_on, (0, 3)
    ),
    **{
        f"SIGKILL {name}": killed(name)
        for name in ("mariadbd", "rspamd", "redis-server", "unbound")
    },
    "SIGKILL master(8)": killed("master"),
    "SIGKILL qmgr, cleanup, smtpd, smtp": killed("'qmgr|cleanup|smtpd|smtp|proxymap'"),
    **{f"SIGSTOP {name}": hung(name) for name in ("mariadbd", "rspamd", "redis-server", "unbound")},
    **{f"{name} stopped": stopped(name) for name in ("mariadb", "rspamd", "unbound", "postfix")},
    "restart of Postfix": Fault(on("again systemctl restart postfix"), nothing, (0, 3)),
    "restart of MariaDB": Fault(on("again systemctl restart mariadb"), nothing, (0, 3)),
    "network cut": Fault(link("down"), link("up")),
    "a third of all packets lost": dropped("numgen random mod 3 == 0"),
    "no DNS": dropped("meta l4proto { tcp, udp } th dport 53"),
    "queue's disk full": Fault(
        steps(on(_SMALL), on(_FULL)), steps(on(f"rm -f {SPOOL}/full"), on(_LARGE))
    ),
    "no room in main.cf.d": Fault(
        on(_NO_ROOM.format("/etc/postfix/main.cf.d")), on(_ROOM.format("/etc/postfix/main.cf.d"))
    ),
    "no room for the agent": Fault(
        on(_NO_ROOM.format("/var/lib/mx-agent")), on(_ROOM.format("/var/lib/mx-agent"))
    ),
    "clock of the resolver 400 days ahead": clock("unbound", 400),
    "clock of the resolver 30 days behind": clock("unbound", -30),
    "SIGKILL of the agent": Fault(
        on("pkill -KILL -f '[m]x-agent apply' || test $? = 1"), nothing, (1, 4)
    ),
}


def prepare(host: Host) -> None:
    """What the faults need on a host."""
    sh(
        host,
        f"test -e {FAKETIME} || DEBIAN_FRONTEND=noninteractive apt-get -qq -y install faketime",
    )


def no_table(host: Host, table: str) -> None:
    """Delete a table of rules, which need not be there."""
    with contextlib.suppress(LabError):
        nft(host, f"delete table inet {table}")


def mend(host: Host) -> None:
    """After an interrupted run: the host is on, and nothing of a fault is left that would stay."""
    if container.leader(host) is None:
        power_on(host)
    link("up")(host)
    no_table(host, "chaos")
    sh(host, "pkill -CONT -x 'mariadbd|rspamd|redis-server|unbound' || test $? = 1")
