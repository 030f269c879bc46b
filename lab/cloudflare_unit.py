"""The unit that runs the double of the Cloudflare API."""

from __future__ import annotations

from pathlib import Path

from lab.system import write
from lab.topology import CHECKOUT, CLOUDFLARE, CLOUDFLARE_TOKEN, CLOUDFLARE_ZONES, ipv4

_FOLDER = "usr/local/lib/mx-lab"


def configure(root: Path) -> None:
    """Put the double and its unit in place."""
    sources = sorted((CHECKOUT / "lab" / "cloudflare_api").glob("*.py"))
    for source in [*sources, CHECKOUT / "components" / "dns" / "types.py"]:
        write(root / _FOLDER / source.relative_to(CHECKOUT), source.read_text())
    zones = " ".join(f"--zone {name}={number}" for name, number in CLOUDFLARE_ZONES.items())
    write(
        root / "etc/systemd/system/cloudflare-api.service",
        "[Unit]\nDescription=Double of the Cloudflare API\nAfter=network.target knot.service\n\n"
        f"[Service]\nStateDirectory=cloudflare-api\nEnvironment=PYTHONPATH=/{_FOLDER}\n"
        f"ExecStart=/usr/bin/python3 -m lab.cloudflare_api --listen {ipv4(CLOUDFLARE)}:80"
        f" --state /var/lib/cloudflare-api --token {CLOUDFLARE_TOKEN} {zones} --knot\n"
        "Restart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n",
    )
