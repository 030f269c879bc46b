"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "monitoring": Sample(
        "/etc/default/prometheus-node-exporter",
        " --web.disable-exporter-metrics",
        "",
        "pgrep -a -f ^/usr/bin/prometheus-node-exporter | cut -d' ' -f2-",
    ),
}
