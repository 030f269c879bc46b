"""Rspamd and its Redis on an MX host: the milter that Postfix asks about every message.

Stands after Resolver and before Postfix, which defers mail while the milter is not there.
"""

from __future__ import annotations

from pathlib import Path

from components.dns import data as dns_data
from components.host.bundle import read_fact
from components.host.manifest import (
    Check,
    Directory,
    File,
    Manifest,
    RunProbe,
    Step,
    TcpProbe,
    Unit,
    UnitProbe,
)
from components.services.service import Service, Site
from components.services.spam_filter import mime_limit, redis, rspamd, source
from components.services.spam_filter import password as rspamd_password
from components.settings.environment import Settings

UNIT = "rspamd.service"
REDIS = "redis-server.service"
_GUARDED = f"rspamc -h {rspamd.CONTROLLER} counters | grep -q MX_DEPENDENCIES"
_LUA = "/etc/rspamd/lua.local.d/mx_dependencies.lua"
_DMARC = "/etc/rspamd/lua.local.d/mx_dmarc.lua"
_KEYS = "/usr/local/lib/mx/dkim-keys"
_CONTROLLER = "/etc/rspamd/override.d/worker-controller.inc"
# As Rspamd's user: it compiles expressions into /var/lib/rspamd, where root must not write.
_CONFIGTEST = [
    *("setpriv", "--reuid=_rspamd", "--regid=_rspamd", "--init-groups"),
    *("rspamadm", "configtest"),
]
_MILTER_PROBE = "/usr/local/lib/mx/mx_milter_probe.py"
# As the user who asks at every message: a socket that only root may open is no filter.
_AS_POSTFIX = ("setpriv", "--reuid=postfix", "--regid=postfix", "--init-groups")
_FILES = Path(__file__).resolve().parent / "files"


def redis_manifest(settings: Settings, owner: str) -> Manifest:
    """What Redis needs on the host."""
    return Manifest(
        bundle="redis",
        owner=owner,
        packages=["redis-server"],
        # A server that goes over to our file must start anew.
        directories={"/etc/mx": Directory()},
        files={
            redis.CONFIG: File(redis.redis_conf(settings), mode="0640", group="redis"),
            f"/etc/systemd/system/{REDIS}.d/mx.conf": File(redis.DROP_IN, restart=(REDIS,)),
        },
        units={REDIS: Unit()},
        probe=[  # Rspamd writes: a server that only answers a PING may be full, or read-only.
            RunProbe(["redis-cli", "-e", "-s", redis.SOCKET, *("SET", "mx-probe", "1", "EX", "9")])
        ],
    )


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """What Rspamd needs on the host."""
    files = {
        # A reload does not move a worker to other sockets.
        f"/etc/rspamd/local.d/{name}": File(text, restart=(UNIT,) if "bind_socket" in text else ())
        for name, text in rspamd.local_d(settings, host).items()
    }
    # Rspamd 3.4 (Debian 12) knows no folder for such files.
    lua = _LUA if settings.hosts[host].debian > 12 else "/etc/rspamd/local.d/rspamd.lua"
    dependencies = (_FILES / _LUA.lstrip("/")).read_text()
    policies = rspamd.dmarc(settings) + (_FILES / _DMARC.lstrip("/")).read_text()
    if lua == _LUA:
        files[_LUA], files[_DMARC] = File(dependencies), File(policies)
    else:
        files[lua] = File(f"do\n{dependencies}end\ndo\n{policies}end\n")
    files[_KEYS] = File((_FILES / _KEYS.lstrip("/")).read_text(), mode="0755")
    system = "/etc/systemd/system"
    files[f"{system}/{UNIT}.d/mx.conf"] = File(rspamd.DROP_IN, restart=(UNIT,))
    before = (mime_limit.UNIT,)
    program = (_FILES / mime_limit.PROGRAM.lstrip("/")).read_text()
    files[mime_limit.PROGRAM] = File(program, restart=before)
    files[_MILTER_PROBE] = File((_FILES / _MILTER_PROBE.lstrip("/")).read_text())
    files[f"{system}/{mime_limit.UNIT}"] = File(mime_limit.SERVICE, restart=before)
    files[f"{system}/{mime_limit.SOCKET_UNIT}"] = File(mime_limit.LISTEN)
    make = [_KEYS, "make", str(settings.spam_filter.dkim_key_bits)]
    other = settings.spam_filter.source
    return Manifest(
        bundle="spam-filter",
        owner=owner,
        # Postfix for its queue directory and its group only: the milter's socket is there.
        packages=["rspamd", "postfix", "procps", "openssl"],
        debconf=["postfix postfix/main_mailer_type select No configuration"],
        groups={"_rspamd": ["redis"]},
        directories={
            str(Path(rspamd.MILTER).parent): Directory("02750", owner="_rspamd", group="postfix"),
            rspamd.KEYS: Directory("0750", group="_rspamd"),
            str(Path(mime_limit.SOCKET).parent): Directory("0750", group="postfix"),
        },
        files=files,
        check=[Check(_CONFIGTEST)],
        units={mime_limit.SOCKET_UNIT: Unit(), UNIT: Unit()},
        run=[
            Step(make, stdin=line, creates=rspamd.key_file(settings, host, domain))
            for domain, line in dkim_lines(settings, host).items()
        ],
        probe=[
            RunProbe(["/usr/bin/python3", "-I", mime_limit.PROGRAM, "ask", mime_limit.SOCKET]),
            UnitProbe(UNIT),
            # Compiling its expressions takes a busy host a while, the first time.
            RunProbe(["test", "-S", rspamd.MILTER], timeout=180),
            RunProbe(
                [*_AS_POSTFIX, "/usr/bin/python3", "-I", "-B", _MILTER_PROBE, rspamd.MILTER],
                timeout=60,
                before=True,
            ),
            # Without this symbol mail would pass while Redis or the resolver is down.
            RunProbe(["sh", "-c", _GUARDED], timeout=60),
        ],
        newest={source.PACKAGE: source.words(other, settings.hosts[host].debian)} if other else {},
    )


def password_manifest(host: str, owner: str, password: str) -> Manifest:
    """The password of the controller; only its hash leaves this machine."""
    hashed = rspamd_password.hashed(password, rspamd_password.salt(f"{owner}/{host}"))
    text = f'password = "{hashed}";\n'
    return Manifest(
        bundle="spam-filter-password",
        owner=owner,
        files={_CONTROLLER: File(text, mode="0640", group="_rspamd", secret=True)},
        check=[Check(_CONFIGTEST)],
        units={UNIT: Unit()},
        probe=[UnitProbe(UNIT), TcpProbe(f"127.0.0.1:{rspamd.CONTROLLER_PORT}", timeout=60)],
    )


def dkim_lines(settings: Settings, host: str) -> dict[str, str]:
    """Mail domain to domain and selector of its key, as dkim-keys reads them."""
    selector = settings.spam_filter.selector(host)
    return {domain: f"{domain} {selector}\n" for domain in settings.domains_of(host)}


class SpamFilter(Service):
    """Creates: the bundles `redis` and `spam-filter`, a command a domain that reads its DKIM key.

    With a password for the controller: the bundle `spam-filter-password`. With another repository
    for Rspamd: the bundle `spam-filter-source`.
    Provides: `bundle`; `milters`, its sockets below Postfix's queue directory; `dkim_records`, mail
    domain to the TXT value of this host's public key.
    """

    TOKEN, SUFFIX = "mx:host:SpamFilter", "spam-filter"
    UNITS = (REDIS, UNIT, mime_limit.UNIT)
    MAIL_PATH = ("redis", "rspamd")
    MANUAL = "The spam filter"
    SETTINGS = "spamFilter"

    # In the order in which Postfix asks them.
    milters = tuple(
        path.removeprefix("/var/spool/postfix/") for path in (mime_limit.SOCKET, rspamd.MILTER)
    )

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """Redis, the repository of Rspamd where it is not Debian's, then Rspamd."""
        other = source.manifest(site.settings, site.key, site.owner)
        return [
            redis_manifest(site.settings, site.owner),
            *([other] if other is not None else []),
            manifest(site.settings, site.key, site.owner),
        ]

    def make(self) -> None:
        """Make both bundles, the controller's password, and the commands that read DKIM keys."""
        place = self.place
        redis_wanted, *others, rspamd_wanted = self.manifests(place)
        first = [place.host.ready, *place.after("resolver")]
        before = [self.put(each, after=first).command for each in (redis_wanted, *others)]
        self.bundle = self.put(rspamd_wanted, after=before)
        if place.rspamd_password is not None:
            password = password_manifest(place.key, self.owner, place.rspamd_password)
            self.put(password, after=[self.bundle.command])
        self.dkim_records = {
            domain: read_fact(
                f"{place.key}-dkim-{domain}",
                place.host.target,
                f"{_KEYS} show",
                line,
                self.bundle,
                self.child,
            ).apply(dns_data.txt)
            for domain, line in dkim_lines(place.settings, place.key).items()
        }
