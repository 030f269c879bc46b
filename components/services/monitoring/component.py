"""Exporters on an MX host, on the address that the settings say.

Stands after Host; it watches what the others install, and is there before them: a component that
fails must be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from components.host.manifest import (
    Directory,
    File,
    Manifest,
    RunProbe,
    Step,
    TcpProbe,
    Unit,
    UnitProbe,
)
from components.services.monitoring import exporters
from components.services.service import Service, Site
from components.settings.environment import Settings

EXPORTER = "prometheus-node-exporter.service"
TIMER = "mx-collect.timer"
CONFIG = "/etc/mx/collect.json"
DEFAULTS = "/etc/default/prometheus-node-exporter"
TIMER_FILE = f"/etc/systemd/system/{TIMER}"
_FILES = Path(__file__).resolve().parent / "files"
_PACKAGE = "/usr/local/lib/mx/mx_collect"
_AS_EXPORTER = ("setpriv", "--reuid=prometheus", "--regid=prometheus", "--clear-groups")
_FORMER_TEXTFILE = "/var/lib/prometheus/node-exporter/mx.prom"
_SERVICE = "/etc/systemd/system/mx-collect.service"


def manifest(settings: Settings, host: str, owner: str, units: Iterable[str]) -> Manifest:
    """node_exporter, which gives the state of `units`, and the collector.

    Raises ValueError without `monitoring` in the settings.
    """
    modules = sorted((_FILES / _PACKAGE.lstrip("/")).glob("*.py"))
    texts = {f"{_PACKAGE}/{path.name}": path.read_text() for path in modules}
    texts |= {
        _SERVICE: (_FILES / _SERVICE.lstrip("/")).read_text(),
        CONFIG: exporters.collector(settings, host),
        DEFAULTS: exporters.node_exporter(settings, host, units),
        f"/etc/systemd/system/{EXPORTER}.d/mx.conf": exporters.DROP_IN,
    }
    # Always a restart: the exporter ends at SIGHUP, which a reload of its unit sends.
    files = {path: File(text, restart=(EXPORTER,)) for path, text in texts.items()}
    files[TIMER_FILE] = File(exporters.timer(settings), restart=(TIMER, EXPORTER))
    return Manifest(
        bundle="monitoring",
        owner=owner,
        packages=["prometheus-node-exporter", "python3-cryptography", "python3-dnspython"],
        directories={
            "/etc/mx": Directory(),
            "/usr/local/lib/mx": Directory(),
            _PACKAGE: Directory(),
            str(Path(exporters.TEXTFILES).parent): Directory(),
            exporters.TEXTFILES: Directory(),
        },
        files=files,
        units={EXPORTER: Unit(), TIMER: Unit()},
        run=[
            # Where a former release wrote; as the exporter's user, whose directory it is.
            Step([*_AS_EXPORTER, "rm", "-f", _FORMER_TEXTFILE]),
            Step(["systemctl", "start", "mx-collect.service"]),
        ],
        undo=[
            Step(["systemctl", "stop", TIMER, "mx-collect.service"]),
            Step(["rm", "-rf", "/var/lib/mx-collect"]),
        ],
        probe=[
            UnitProbe(EXPORTER),
            UnitProbe(TIMER),
            TcpProbe(exporters.address(settings, host)),
            RunProbe(["test", "-s", exporters.TEXTFILE]),
        ],
    )


class Monitoring(Service):
    """Creates: the bundle `monitoring`. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:Monitoring", "monitoring"
    AFTER = ("updates",)
    UNITS = (EXPORTER, TIMER)
    # The exporter cannot tell of itself: Prometheus does, with `up`.
    UNWATCHED = (EXPORTER,)
    MAIL_PATH = ()
    MANUAL = "Monitoring"
    SETTINGS = "monitoring"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the settings have monitoring."""
        return settings.monitoring is not None

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        return [manifest(site.settings, site.key, site.owner, site.units)]
