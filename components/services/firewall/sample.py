"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "firewall": Sample(
        "/etc/mx/firewall.nft",
        "198.18.77.31/32",
        "198.18.77.99/32",
        # What is in the kernel, and that it is no longer on trial.
        "nft list table inet mx | grep 9100; ! systemctl is-active mx-firewall-undo.timer",
        confirm="sha256sum </etc/mx/firewall.nft | cut -c1-64 | mx-firewall confirm",
    ),
}
