"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "postfix-tls": Sample(
        "/etc/postfix/main.cf.d/62-tls-server.cf",
        "tls_loglevel = 1",
        "tls_loglevel = 2",
        "postconf -h smtpd_tls_loglevel",
    ),
}
