"""Knot DNS: the authoritative server of all the lab's zones, signed from the root down."""

from __future__ import annotations

from pathlib import Path

from lab import container, zones
from lab.system import run, write
from lab.topology import AUTHORITATIVE, INTERNET, ipv4, ipv6

ZONE_DIRECTORY = "/var/lib/knot/zones"


def file_name(zone: str) -> str:
    """Return the name of a zone's master file."""
    return f"{'root' if zone == '.' else zone}.zone"


def _configuration() -> str:
    """Return knot.conf."""
    listed = "".join(
        f"  - domain: {zones.absolute(zone)}\n    file: {file_name(zone)}\n" for zone in zones.ZONES
    )
    return (
        "server:\n"
        f"    listen: [ {ipv4(AUTHORITATIVE)}@53, {ipv6(AUTHORITATIVE)}@53 ]\n"
        "    user: knot:knot\n"
        "log:\n  - target: stderr\n    any: info\n"
        "database:\n    storage: /var/lib/knot\n"
        "acl:\n  - id: lab\n"
        f"    address: [ 127.0.0.1, ::1, {ipv4(2)}, {ipv4(53)}-{ipv4(56)} ]\n"
        "    action: [ transfer, update ]\n"
        "policy:\n  - id: lab\n    manual: on\n    single-type-signing: on\n"
        "    cds-cdnskey-publish: none\n    rrsig-lifetime: 14d\n    rrsig-refresh: 3d\n"
        f"template:\n  - id: default\n    storage: {ZONE_DIRECTORY}\n    acl: lab\n"
        "    zonefile-sync: -1\n    serial-policy: increment\n"
        "    dnssec-signing: on\n    dnssec-policy: lab\n"
        f"zone:\n{listed}"
    )


def flush() -> None:
    """Write the zones as they are to their files; its journal does not always find back to them."""
    container.inside(INTERNET, ["knotc", "--blocking", "--force", "zone-flush"])


def configure(root: Path) -> str:
    """Write the zones with their keys and DS records; return the root's trust anchor."""
    write(root / "etc/knot/knot.conf", _configuration())
    inside = ["chroot", str(root)]
    keymgr = [*inside, "keymgr", "--config", "/etc/knot/knot.conf"]
    ds: dict[str, str] = {}
    for zone in zones.ZONES:
        children = "".join(ds[child] for child in zones.CHILDREN.get(zone, ()))
        path = root / ZONE_DIRECTORY.lstrip("/") / file_name(zone)
        write(path, zones.zone_file(zone, children))
        name = zones.absolute(zone)
        run([*keymgr, name, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes"])
        printed = run([*keymgr, name, "ds"]).splitlines()
        ds[zone] = "".join(f"{line}\n" for line in printed if " 13 2 " in line)
    run([*inside, "chown", "-R", "knot:knot", "/var/lib/knot"])
    return ds["."]
