"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

_POLICY = "https://mta-sts.example.test/.well-known/mta-sts.txt"
SAMPLES = {
    "sts-host": Sample(
        "/var/lib/mx/mta-sts/example.test.txt",
        "max_age: 604800",
        "max_age: 86400",
        f"curl -sk --resolve mta-sts.example.test:443:127.0.0.1 {_POLICY} | grep max_age",
    ),
}
