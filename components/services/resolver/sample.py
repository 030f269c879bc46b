"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "resolver": Sample(
        "/etc/unbound/unbound.conf",
        "cache-max-ttl: 5",
        "cache-max-ttl: 7",
        "unbound-control get_option cache-max-ttl",
    ),
}
