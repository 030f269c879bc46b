"""Unbound on an MX host: the validating resolver that everything else on the host asks.

Stands after Host and before every service: they all look names up through it, and Postfix's DANE
is worth as much as the answers' AD bit.
"""

from __future__ import annotations

from pathlib import Path

import pulumi

from components.host.manifest import Check, File, Manifest, RunProbe, Unit, UnitProbe
from components.services.resolver import unbound
from components.services.service import Service, Site
from components.settings import resolver_files
from components.settings.environment import Settings, SettingsError
from components.settings.resource_record import ANCHORS, HINTS

UNIT = "unbound.service"
RECURSOR = "mx-recursor.service"
WATCH = "mx-resolv-conf.path"
PACKAGES = ["unbound", "dns-root-data", "bind9-dnsutils", "ca-certificates"]
_LIBRARY = "/usr/local/lib/mx"
# Programs that read their settings at the start only; where they do not run nothing happens.
_RESTART = {
    f"/etc/systemd/system/{UNIT}.d/mx.conf": (UNIT,),
    "/etc/NetworkManager/conf.d/90-mx.conf": ("NetworkManager.service",),
    "/etc/systemd/resolved.conf.d/90-mx.conf": ("systemd-resolved.service",),
}
_FILES = Path(__file__).resolve().parent / "files"


def manifest(
    settings: Settings, host: str, owner: str, hints: str | None = None, anchors: str = ""
) -> Manifest:
    """What the resolver needs on the host; `hints` and `anchors` are the texts of those files."""
    files = {
        "/etc/unbound/unbound.conf": unbound.unbound_conf(settings, host, hints, anchors),
        **unbound.hints_and_anchors(settings, hints, anchors),
        f"/etc/systemd/system/{UNIT}.d/mx.conf": unbound.DROP_IN,
        "/etc/systemd/system/mx-resolv-conf.service": unbound.KEEP_SERVICE,
        f"/etc/systemd/system/{WATCH}": unbound.KEEP_PATH,
        f"{_LIBRARY}/resolv.conf": unbound.RESOLV_CONF,
        "/etc/resolv.conf": unbound.RESOLV_CONF,
        **unbound.OTHER_WRITERS,
    }
    units = {UNIT: Unit(restart_when=_fixed_at_start(files))}
    check = [Check(["unbound-checkconf"], fail_on_stderr=True)]
    if not unbound.has_root_anchor(settings, anchors):
        # The anchor that unbound.conf names; the unit does the same at every start.
        check.insert(0, Check(["/usr/libexec/unbound-helper", "root_trust_anchor_update"]))
    if settings.resolver.forwarders:
        path = "/etc/unbound/mx-recursor.conf"
        files[path] = unbound.recursor_conf(settings, host, hints)
        files[f"/etc/systemd/system/{RECURSOR}"] = unbound.RECURSOR_UNIT
        check.append(Check(["unbound-checkconf", path], fail_on_stderr=True))
        units = {RECURSOR: Unit()} | units
    programs = {
        f"{_LIBRARY}/{name}": File((_FILES / f"usr/local/lib/mx/{name}").read_text(), mode="0755")
        for name in ("keep-resolv-conf", "resolver-answers")
    }
    return Manifest(
        bundle="resolver",
        owner=owner,
        packages=PACKAGES,
        files={path: File(text, restart=_RESTART.get(path, ())) for path, text in files.items()}
        | programs,
        check=check,
        units=units | {WATCH: Unit()},
        probe=[
            UnitProbe(UNIT),
            RunProbe([f"{_LIBRARY}/resolver-answers"]),
            UnitProbe(WATCH),
        ],
    )


def _fixed_at_start(files: dict[str, str]) -> str:
    """The lines that a reload does not take over: sockets, and the certificates it trusts."""
    fixed = ("interface:", "do-ip6:", "tls-cert-bundle:")
    lines = [line.strip() for line in files["/etc/unbound/unbound.conf"].split("\n")]
    return "\n".join(line for line in lines if line.startswith(fixed))


class Resolver(Service):
    """Creates: the bundle `resolver`. Provides: `bundle`.

    Raises pulumi.RunError when the file of root hints or trust anchors cannot be read.
    """

    TOKEN, SUFFIX = "mx:host:Resolver", "resolver"
    UNITS = (UNIT, RECURSOR, WATCH)
    # It runs only with resolver.forwarders, and the resolver's probe asks through it.
    UNWATCHED = (RECURSOR,)
    MAIL_PATH = ("libunbound", "unbound")
    MANUAL = "The resolver"
    SETTINGS = "resolver"

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest. Raises SettingsError when a file that the settings name is unfit."""
        return [manifest(site.settings, site.key, site.owner, *given_files(site.settings))]

    def make(self) -> None:
        """Make the bundle."""
        try:
            super().make()
        except SettingsError as error:
            raise pulumi.RunError(str(error)) from None


def given_files(settings: Settings) -> tuple[str | None, str]:
    """Texts of the settings' files of root hints and trust anchors.

    Raises SettingsError when one cannot be read, or the private root has no trust anchor.
    """
    wanted = settings.resolver
    hints, anchors = None, ""
    if wanted.root_hints_file is not None:
        hints = resolver_files.read_records(wanted.root_hints_file, HINTS)
    if wanted.trust_anchor_file is not None:
        anchors = resolver_files.read_records(wanted.trust_anchor_file, ANCHORS)
    if hints is not None and not unbound.has_root_anchor(settings, anchors):
        raise SettingsError(
            "mx:mail.resolver.rootHintsFile: a private root needs its trust anchor too: "
            "no record for `.` in trustAnchors or trustAnchorFile"
        )
    return hints, anchors
