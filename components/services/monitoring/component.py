"""Exporters on an MX host, on the address that the settings say.

Stands after Host; it watches what the others install, and is there before them: a component that
fails must be seen.
"""

from __future__ import annotations

from pathlib import Path

import pulumi

from components.host import Bundle, File, Manifest
from components.host.component import Host
from components.services.monitoring import exporters
from components.settings.environment import Settings

EXPORTER = "prometheus-node-exporter.service"
TIMER = "mx-collect.timer"
CONFIG = "/etc/mx/collect.json"
DEFAULTS = "/etc/default/prometheus-node-exporter"
TIMER_FILE = f"/etc/systemd/system/{TIMER}"
_FILES = Path(__file__).resolve().parent / "files"
_PACKAGE = "/usr/local/lib/mx/mx_collect"
_SERVICE = "/etc/systemd/system/mx-collect.service"


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """node_exporter and the collector. Raises ValueError without `monitoring` in the settings."""
    modules = sorted((_FILES / _PACKAGE.lstrip("/")).glob("*.py"))
    texts = {f"{_PACKAGE}/{path.name}": path.read_text() for path in modules}
    texts |= {
        _SERVICE: (_FILES / _SERVICE.lstrip("/")).read_text(),
        CONFIG: exporters.collector(settings, host),
        DEFAULTS: exporters.node_exporter(settings, host),
    }
    # Always a restart: the exporter ends at SIGHUP, which a reload of its unit sends.
    files = {path: File(text, restart=(EXPORTER,)) for path, text in texts.items()}
    files[TIMER_FILE] = File(exporters.timer(settings), restart=(TIMER, EXPORTER))
    return Manifest(
        bundle="monitoring",
        owner=owner,
        packages=["prometheus-node-exporter", "python3-cryptography", "python3-dnspython"],
        directories={
            "/etc/mx": {"mode": "0755"},
            "/usr/local/lib/mx": {"mode": "0755"},
            _PACKAGE: {"mode": "0755"},
            str(Path(exporters.TEXTFILES).parent): {"mode": "0755"},
            exporters.TEXTFILES: {"mode": "0755"},
        },
        files=files,
        units={EXPORTER: {}, TIMER: {}},
        run=[{"run": ["systemctl", "start", "mx-collect.service"]}],
        undo=[
            {"run": ["systemctl", "stop", TIMER, "mx-collect.service"]},
            {"run": ["rm", "-rf", "/var/lib/mx-collect"]},
        ],
        probe=[
            {"unit": EXPORTER},
            {"unit": TIMER},
            {"tcp": exporters.address(settings, host)},
            {"run": ["test", "-s", exporters.TEXTFILE]},
        ],
    )


class Monitoring(pulumi.ComponentResource):
    """Creates: the bundle `monitoring`. Provides: `bundle`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        host: Host,
        owner: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mx:host:Monitoring", f"{name}-monitoring", None, opts)
        self.bundle = Bundle(
            f"{name}-monitoring",
            host.target,
            manifest(settings, name, owner),
            pulumi.ResourceOptions(parent=self),
            depends_on=[host.agent],
        )
        self.register_outputs({})
