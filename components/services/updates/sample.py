"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "updates": Sample(
        "/etc/systemd/system/mx-updates.timer",
        "OnUnitActiveSec=3600",
        "OnUnitActiveSec=7200",
        "systemctl show -p TimersMonotonic mx-updates.timer | grep -o 'UnitActiveUSec=[0-9a-z]*'",
    ),
}
