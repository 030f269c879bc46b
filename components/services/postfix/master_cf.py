"""master.cf: the services of an MX host as an aligned table (master(5)).

Owned as a whole: the distribution's file is a copy that its package edits, and what stands in
it (an -o of long ago) must show in a preview. An MX host needs no submission and no pipe(8).
"""

from __future__ import annotations

from dataclasses import dataclass

from components.services.postfix.tls_profiles import CLASSICAL_GROUPS, PROFILES
from components.settings.environment import Settings

_HEADER = ("# service", "type", "private", "unpriv", "chroot", "wakeup", "maxproc", "command")


@dataclass(frozen=True)
class Service:
    """A line of master.cf, in the words of master(5); "-" is the default of a column."""

    name: str
    type: str
    command: str
    private: str = "-"
    chroot: str = "y"
    wakeup: str = "-"
    maxproc: str = "-"
    options: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """The eight columns."""
        return (
            *(self.name, self.type, self.private, "-", self.chroot),
            *(self.wakeup, self.maxproc, self.command),
        )


_OWN = [
    Service("pickup", "unix", "pickup", private="n", wakeup="60", maxproc="1"),
    Service("cleanup", "unix", "cleanup", private="n", maxproc="0"),
    Service("qmgr", "unix", "qmgr", private="n", chroot="n", wakeup="300", maxproc="1"),
    Service("tlsmgr", "unix", "tlsmgr", wakeup="1000?", maxproc="1"),
    Service("rewrite", "unix", "trivial-rewrite"),
    Service("bounce", "unix", "bounce", maxproc="0"),
    Service("defer", "unix", "bounce", maxproc="0"),
    Service("trace", "unix", "bounce", maxproc="0"),
    Service("verify", "unix", "verify", maxproc="1"),
    Service("flush", "unix", "flush", private="n", wakeup="1000?", maxproc="0"),
    Service("proxymap", "unix", "proxymap", chroot="n"),
    Service("proxywrite", "unix", "proxymap", chroot="n", maxproc="1"),
]
_AFTER = [
    Service("showq", "unix", "showq", private="n"),
    Service("error", "unix", "error"),
    Service("retry", "unix", "error"),
    Service("discard", "unix", "discard"),
    Service("local", "unix", "local", chroot="n"),
    Service("virtual", "unix", "virtual", chroot="n"),
    Service("lmtp", "unix", "lmtp"),
    Service("anvil", "unix", "anvil", maxproc="1"),
    Service("scache", "unix", "scache", maxproc="1"),
    Service("postlog", "unix-dgram", "postlogd", private="n", chroot="n", maxproc="1"),
]


def services(settings: Settings) -> list[Service]:
    """The services in the order of the file."""
    most = str(settings.postfix.smtpd_processes)
    inbound = [Service("smtp", "inet", "smtpd", private="n", maxproc=most)]
    if settings.postfix.postscreen.enabled:
        inbound = [
            Service("smtp", "inet", "postscreen", private="n", maxproc="1"),
            Service("smtpd", "pass", "smtpd", maxproc=most),
            Service("dnsblog", "unix", "dnsblog", maxproc="0"),
            Service("tlsproxy", "unix", "tlsproxy", maxproc="0"),
        ]
    tls = settings.postfix.tls
    client: tuple[str, ...] = ()
    if PROFILES[tls.server_profile].ml_kem and not tls.client_ml_kem:
        client = (f"{{ tls_eecdh_auto_curves = {CLASSICAL_GROUPS} }}",)
    outbound = [
        Service("smtp", "unix", "smtp", options=client),
        Service("relay", "unix", "smtp", options=("syslog_name=postfix/$service_name", *client)),
    ]
    return [*inbound, *_OWN, *outbound, *_AFTER]


def master_cf(settings: Settings) -> str:
    """The text of master.cf."""
    rows = [_HEADER, *(service.columns() for service in services(settings))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["# What runs, and where: master(5). `smtp inet` is the door for mail from outside."]
    table = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.append(table[0])
    for service, line in zip(services(settings), table[1:], strict=True):
        lines += [line, *(f"  -o {option}" for option in service.options)]
    return "\n".join(lines) + "\n"
