"""systemd's drop-in for Postfix: order at boot, restart after a crash, the end: systemd.unit(5)."""

from __future__ import annotations

_NEEDS = "unbound.service mariadb.service redis-server.service rspamd.service mx-tls-policy.service"

UNITS = {12: "postfix@-.service", 13: "postfix.service"}
"""Release of Debian to the unit that holds Postfix's processes."""


def path(debian: int) -> str:
    """Where the drop-in lies."""
    return f"/etc/systemd/system/{UNITS[debian]}.d/mx.conf"


FINISH = "/usr/local/lib/mx/mx_postfix_finish.py"
"""Program that lets sessions in the middle of a message end before Postfix stops."""

_STOP = {12: "/usr/sbin/postmulti -i %i -p stop", 13: "postfix stop"}
_FINISH = f"""\
# An empty line takes the package's ExecStop= away, which comes again behind ours: the order counts.
ExecStop=
ExecStop=-+/usr/bin/python3 -I -B {FINISH}
"""

_SIGNALS = """\
# master(8) ends its children by signals; the package's unit does not let it.
CapabilityBoundingSet=CAP_KILL
"""

# As the unit of Debian 13 has it, with CAP_KILL. The package prepares the chroot as plain root.
_SANDBOX = """\
ExecStartPre=
ExecStartPre=+/usr/lib/postfix/configure-instance.sh %i
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_SETGID CAP_SETUID
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_KILL
LockPersonality=yes
MemoryDenyWriteExecute=yes
PrivateDevices=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=full
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallFilter=@system-service @setuid chroot
"""


def drop_in(debian: int) -> str:
    """Order without bonds, and what the package's unit lacks: CAP_KILL on 13, a sandbox on 12.

    Wants= and After=, never BindsTo= or Requires=: those would stop Postfix whenever the
    database restarts, while Postfix alone answers 451 and keeps its queue moving.

    The unit of Debian 13 takes CAP_KILL away, so master(8) cannot signal its children, which run as
    another user (kill(2)). When a reload removes a service, master(8) waits for the children of
    that service and does nothing else. An smtpd(8) that a client holds, or that itself waits for a
    proxymap(8) to be started, then stops all mail, up to the 1,000 s of the watchdog of master(8).

    A stop waits for messages on their way first. KillMode= alone (systemd.kill(5)) cannot do that:
    an smtpd(8) that outlives master(8) holds port 25, which the new master(8) could not open, and
    has no proxymap(8) and trivial-rewrite(8) to ask any more.
    """
    text = (
        "# Postfix starts after what it asks, and does not stop with it: it defers mail then.\n"
        "[Unit]\n"
        f"After={_NEEDS}\n"
        f"Wants={_NEEDS}\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "# on-failure would not see that master(8) was killed: Debian 12 tracks no main process.\n"
        "[Service]\n"
        "Restart=always\n"
        "RestartSec=5s\n"
    )
    text += f"{_FINISH}ExecStop={_STOP[debian]}\n"
    return text + (_SANDBOX if debian == 12 else _SIGNALS)
