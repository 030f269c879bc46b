"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "postfix": Sample(
        "/etc/postfix/main.cf.d/10-general.cf",
        "message_size_limit = ",
        "message_size_limit = 1",
        "postconf -h message_size_limit",
    ),
}
