"""The unit that runs the double of the Cloudflare API."""

from __future__ import annotations

from pathlib import Path

from lab.system import write
from lab.topology import CHECKOUT, CLOUDFLARE, CLOUDFLARE_TOKEN, CLOUDFLARE_ZONES, ipv4

_PROGRAM = "usr/local/lib/mx-lab/cloudflare_api.py"


def configure(root: Path) -> bool:
    """Put the double and its unit in place; tell whether there is one."""
    source = CHECKOUT / "lab" / "cloudflare_api.py"
    if not source.exists():
        return False
    write(root / _PROGRAM, source.read_text())
    zones = " ".join(f"--zone {name}={number}" for name, number in CLOUDFLARE_ZONES.items())
    write(
        root / "etc/systemd/system/cloudflare-api.service",
        "[Unit]\nDescription=Double of the Cloudflare API\nAfter=network.target knot.service\n\n"
        "[Service]\nStateDirectory=cloudflare-api\n"
        f"ExecStart=/usr/bin/python3 /{_PROGRAM} --listen {ipv4(CLOUDFLARE)}:80"
        f" --state /var/lib/cloudflare-api --token {CLOUDFLARE_TOKEN} {zones} --knot\n"
        "Restart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n",
    )
    return True
