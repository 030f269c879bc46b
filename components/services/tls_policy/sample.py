"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "tls-policy": Sample(
        "/etc/mta-sts-daemon.yml",
        "timeout: 10",
        "timeout: 11",
        "grep timeout /etc/mta-sts-daemon.yml; systemctl is-active postfix-mta-sts-resolver",
    ),
}
