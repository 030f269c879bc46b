"""Postfix on an MX host: sections of main.cf, lookup tables, check, reload.

Stands after MailDatabase, in which it looks up domains and addresses. TLS sections are a bundle
of their own, because they need certificates.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.host.manifest import (
    EXCLUSIVE,
    Assemble,
    Check,
    File,
    Manifest,
    RunProbe,
    Step,
    TcpProbe,
    Unit,
    UnitProbe,
)
from components.postconf import VERSIONS
from components.services.postfix import main_cf as postfix_main
from components.services.postfix import master_cf as postfix_master
from components.services.postfix import restrictions as postfix_restrictions
from components.services.postfix import sql_maps
from components.services.postfix import tables as postfix_tables
from components.services.postfix import units as postfix_units
from components.services.service import Service, Site
from components.services.spam_filter.component import SpamFilter
from components.settings.environment import Settings

DIRECTORY = "/etc/postfix"
UNIT = "postfix.service"
PROGRAM = "/usr/local/lib/mx/mx_postfix.py"
LEAVES = "/usr/local/lib/mx/mx_postfix_leaves.py"
DRAIN = "/usr/local/lib/mx/mx_postfix_drain.py"
_RUN = ("/usr/bin/python3", "-I", "-B")
_PROGRAM_RUN = (*_RUN, PROGRAM)
_FILES = Path(__file__).parent / "files"
# By the clock queued mail expires (qmgr(8)); Debian's own time service, unless there is another.
_CLOCK = "systemd-timesyncd | time-daemon"
PACKAGES = ["postfix", "postfix-mysql", "postfix-lmdb", _CLOCK]

# postconf(1) warns of parameters that nothing uses, of deprecated ones and of overrides.
CHECK = (
    Check(["postconf", "-n"], fail_on_stderr=True),
    Check(["postfix", "check"], fail_on_stderr=True),
)
ASSEMBLE = {f"{DIRECTORY}/main.cf": Assemble(f"{DIRECTORY}/main.cf.d")}


def manifest(settings: Settings, host: str, owner: str, *, milters: Sequence[str] = ()) -> Manifest:
    """What Postfix needs on the host, without TLS.

    `milters` are the spam filter's sockets below the queue directory. Without a filter there must
    be none: every message would be put off for ever.
    """
    files = {
        f"{DIRECTORY}/main.cf.d/{name}": File(text)
        for name, text in postfix_main.sections(settings, host, milters=milters).items()
    }
    # Readable by all: there is no password in them.
    version = VERSIONS[settings.hosts[host].debian]
    maps = sql_maps.maps(version).items()
    files |= {f"{sql_maps.DIRECTORY}/{name}": File(text) for name, text in maps}
    files[f"{DIRECTORY}/tables/ehlo.cidr"] = File(postfix_restrictions.ehlo(settings))
    files[f"{DIRECTORY}/tables/mynetworks.cidr"] = File(postfix_tables.mynetworks(settings))
    files[postfix_tables.NEXT_HOPS] = File(postfix_tables.next_hop_faults(settings))
    files[f"{DIRECTORY}/master.cf"] = File(postfix_master.master_cf(settings))
    files |= {
        path: File((_FILES / path.lstrip("/")).read_text())
        for path in (PROGRAM, LEAVES, DRAIN, postfix_units.FINISH)
    }
    debian = settings.hosts[host].debian
    files[postfix_units.path(debian)] = File(postfix_units.drop_in(debian))
    return Manifest(
        bundle="postfix",
        owner=owner,
        packages=PACKAGES,
        # Without this the package would start a half-configured Postfix.
        debconf=["postfix postfix/main_mailer_type select No configuration"],
        directories={
            f"{DIRECTORY}/main.cf.d": EXCLUSIVE,
            f"{DIRECTORY}/tables": EXCLUSIVE,
            sql_maps.DIRECTORY: EXCLUSIVE,
        },
        files=files,
        assemble=ASSEMBLE,
        check=CHECK,
        # inet_interfaces and inet_protocols need a stop and a start (postconf(5)).
        units={UNIT: Unit(restart_when=postfix_main.listening(settings, host))},
        # The look-ups first: without them smtpd(8) does not even greet.
        probe=[
            UnitProbe(UNIT),
            *_lookups(settings, host),
            TcpProbe("127.0.0.1:25", expect="220 "),
            *outsider(settings, host),
        ],
        undo=[_goodbye(settings, host)],
    )


def outsider(settings: Settings, host: str) -> list[RunProbe]:
    """Probes that ask as a stranger does, whether mail leaves, and whether a daemon died of it."""
    found = []
    for name in settings.domains_of(host)[:1]:
        domain = settings.domains[name]
        known = [f"{local}@{name}" for local in [*domain.recipients, *domain.aliases][:1]]
        found.append(RunProbe([*_PROGRAM_RUN, "probe", name, *known], timeout=30, before=True))
        # Every mail domain has a postmaster (RFC 5321 section 4.5.1).
        asked = f"{[*domain.recipients, 'postmaster'][0]}@{name}"
        found.append(RunProbe([*_RUN, LEAVES, asked], timeout=45, before=True))
    return [*found, RunProbe([*_PROGRAM_RUN, "lives"], timeout=15, before=True)]


def _goodbye(settings: Settings, host: str) -> Step:
    """Before Postfix is taken away: the mail in its queue leaves, or Postfix stays."""
    seconds = settings.postfix.drain_seconds
    if settings.hosts[host].give_up_queue:
        return Step([*_PROGRAM_RUN, "give-up"])
    return Step([*_RUN, DRAIN, str(seconds)], timeout=seconds + 300)


def _lookups(settings: Settings, host: str) -> list[RunProbe]:
    """Probes that ask the database the way smtpd(8) does."""
    return [
        RunProbe(["postmap", "-q", domain, sql_maps.table(name)])
        for domain in settings.domains_of(host)[:1]
        for name in ("relay_domains", "transport")
    ]


class Postfix(Service):
    """Creates: the bundle `postfix`, after all that it asks. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:Postfix", "postfix"
    AFTER = ("database", "resolver", "tls-policy", "spam-filter")
    UNITS = (UNIT, postfix_units.UNITS[12])
    # On Debian 12 postfix.service says nothing of its instance; there MxSmtpDown does.
    UNWATCHED = (postfix_units.UNITS[12],)
    MAIL_PATH = ("postfix",)
    MANUAL = "Postfix"
    SETTINGS = "postfix"

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest, with the spam filter's milter."""
        return [manifest(site.settings, site.key, site.owner, milters=SpamFilter.milters)]
