"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "tls-reports": Sample(
        "/etc/mx/tlsrpt.cfg",
        "log_level = info",
        "log_level = debug",
        "grep log_level /etc/mx/tlsrpt.cfg; systemctl is-active mx-tlsrpt-collectd",
    ),
}
