"""Outbound TLS policy: a service that Postfix asks, with postfix-mta-sts-resolver behind it.

Stands after Resolver, whose AD bit it goes by, and before Postfix, which puts mail off while it
does not answer. The package's own service alone would let MTA-STS override DANE.
"""

from __future__ import annotations

from pathlib import Path

from components.host.manifest import Directory, File, Manifest, RunProbe, Unit, UnitProbe
from components.services.service import Service, Site
from components.services.tls_policy import units as tls_policy
from components.settings.environment import Settings

PROGRAM = "/usr/local/sbin/mx-tls-policy"
_AS_POSTFIX = ("setpriv", "--reuid=postfix", "--regid=postfix", "--init-groups")
_FILES = Path(__file__).resolve().parent / "files"
_PACKAGE = "/usr/local/lib/mx/mx_tls_policy"


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """Both services; the probe asks through them for a name that needs no network."""
    again, sts_again = (tls_policy.UNIT,), (tls_policy.STS_UNIT,)
    modules = sorted((_FILES / _PACKAGE.lstrip("/")).glob("*.py"))
    files = {f"{_PACKAGE}/{each.name}": File(each.read_text(), restart=again) for each in modules}
    system = "/etc/systemd/system"
    files |= {
        PROGRAM: File((_FILES / PROGRAM.lstrip("/")).read_text(), mode="0755"),
        f"{system}/{tls_policy.SOCKET_UNIT}": File(tls_policy.LISTEN),
        f"{system}/{tls_policy.UNIT}": File(tls_policy.SERVICE, restart=again),
        f"{system}/{tls_policy.STS_UNIT}.d/mx.conf": File(
            tls_policy.STS_DROP_IN, restart=sts_again
        ),
        tls_policy.STS_CONFIG: File(tls_policy.sts_config(settings, host), restart=sts_again),
    }
    return Manifest(
        bundle="tls-policy",
        owner=owner,
        # Postfix for its queue directory and its group only: the socket is there.
        packages=["postfix", "postfix-mta-sts-resolver", "python3-aiosqlite", "python3-dnspython"],
        debconf=["postfix postfix/main_mailer_type select No configuration"],
        directories={
            "/usr/local/lib/mx": Directory(),
            _PACKAGE: Directory(),
            str(Path(tls_policy.SOCKET).parent): Directory("0750", group="postfix"),
        },
        files=files,
        units={
            tls_policy.SOCKET_UNIT: Unit(),
            tls_policy.STS_UNIT: Unit(),
            tls_policy.UNIT: Unit(),
        },
        probe=[
            UnitProbe(tls_policy.STS_UNIT),
            UnitProbe(tls_policy.UNIT),
            # As smtp(8) asks: a socket that only root may open puts all mail off.
            RunProbe([*_AS_POSTFIX, PROGRAM, "localhost"]),
        ],
    )


class TlsPolicy(Service):
    """Creates: the bundle `tls-policy`. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:TlsPolicy", "tls-policy"
    AFTER = ("resolver",)
    UNITS = (tls_policy.UNIT, tls_policy.STS_UNIT)
    MAIL_PATH = ("postfix",)
    MANUAL = "TlsPolicy"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether Postfix asks a policy service of ours."""
        return tls_policy.used(settings)

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        return [manifest(site.settings, site.key, site.owner)]
