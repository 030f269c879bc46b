"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "certificates": Sample(
        "/etc/mx/certificates.json",
        '"renewDays": 30',
        '"renewDays": 29',
        "grep renewDays /etc/mx/certificates.json",
    ),
}
