"""`python -m benchmarks.records`: records of many domains, with and without scripts/records.

Called by scripts/benchmark-records. Dns alone, against a double of the API on loopback that costs
nothing worth counting; both ways in turn for each number of domains.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.cloudflare_api.app import SCOPES, start
from lab.cloudflare_api.state import Api
from lab.environment import make_home, plugin_path, state_url

_ROOT = Path(__file__).resolve().parents[1]
_TOKEN = "t" * 40
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
_PROGRAM = f"""
import pulumi
from components.dns.component import Dns
from components.dns.serving import Serving
from components.stack import config

settings = config.load()
ready = pulumi.ComponentResource("test:index:Ready", "ready")
dkim = dict.fromkeys(settings.domains, '"v=DKIM1; k=rsa; p={"A" * 216}"')
serving = {{
    key: Serving(ready, "{_KEY}", tls=ready, policy=ready, dkim=dkim) for key in settings.hosts
}}
Dns("dns", settings, serving, sts_ids=dict.fromkeys(settings.domains, "20260101"))
"""


class Quick(Api):
    """The double without its file, and without a copy of the zone for each change."""

    def save(self) -> None:
        """Keep nothing."""

    def change(self, number: str, work: Callable[..., Any]) -> Any:
        """Do the work on the zone itself."""
        with self.lock:
            zone = self.zone(number)
            return work(zone["records"], zone["name"])


def settings(domains: int) -> dict[str, Any]:
    """Two hosts, each domain in its own zone: nine records, the first one 13."""
    names = [f"d{number}.test" for number in range(domains)]
    plain: dict[str, Any] = {"mailboxHost": "mailbox1", "recipients": ["d", "t"]}
    hosts = {
        f"mx{number}": {
            "hostname": f"mx{number}.d0.test",
            "ipv4": f"198.18.77.1{number}",
            "ipv6": f"2001:db8:77::1{number}",
            "hostKey": _KEY,
        }
        for number in (1, 2)
    }
    return {
        "hosts": hosts,
        "mailboxHosts": {"mailbox1": {"hostname": "mailbox1.d0.test"}},
        "dns": {
            "privateAddresses": True,
            "zones": {name: f"{number:032x}" for number, name in enumerate(names)},
            "records": {
                "spf": "v=spf1 mx -all",
                "dmarc": "v=DMARC1; p=reject; rua=mailto:d@d0.test",
                "tlsRpt": "v=TLSRPTv1; rua=mailto:t@d0.test",
            },
        },
        "domains": {
            name: plain if name == "d0.test" else {**plain, "records": {"mtaStsCname": "d0.test"}}
            for name in names
        },
    }


def project(folder: Path, values: dict[str, Any], url: str, state: str = "") -> dict[str, str]:
    """A program of Dns alone in `folder`; the environment for it.

    `url`: of the double of the DNS API. `state`: of the engine's state, else a folder of its own.
    """
    for name in ("components", "scripts", "tools"):
        shutil.copytree(_ROOT / name, folder / name)
    for name in ("Pulumi.yaml", "requirements.lock"):
        shutil.copy(_ROOT / name, folder)
    (folder / ".venv").symlink_to(_ROOT / ".venv")
    (folder / "__main__.py").write_text(_PROGRAM)
    (folder / "stacks").mkdir()
    config = {"cloudflare:baseUrl": url, "mx:mail": values}
    (folder / "stacks" / "Pulumi.many.yaml").write_text(json.dumps({"config": config}))
    (folder / "backend").mkdir()
    make_home(folder / "home", folder / "stand-ins")
    return dict(os.environ) | {
        "PATH": plugin_path(folder / "stand-ins"),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": state or state_url(folder / "backend"),
        "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "CLOUDFLARE_API_TOKEN": _TOKEN,
    }


def measure(domains: int, at_once: bool, state: str = "") -> dict[str, float]:
    """Seconds of each step of a new stack, and how many records it has; `state`: its URL."""
    values = settings(domains)
    zones = values["dns"]["zones"]
    with tempfile.TemporaryDirectory(prefix="mx-benchmark-") as name:
        folder = Path(name)
        double = Quick(folder / "api.json", zones, {_TOKEN: SCOPES}, None, 10**9)
        server = start(double, "127.0.0.1", 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/client/v4"
        (folder / "project").mkdir()
        environment = project(folder / "project", values, url, state)

        def seconds(*argv: str) -> float:
            begin = time.monotonic()
            done = subprocess.run(
                [*argv, "--non-interactive"],
                cwd=folder / "project",
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
                done.check_returncode()
            return time.monotonic() - begin

        stack = ("--stack", "many")
        seconds("pulumi", "stack", "init", "many")
        found = {"preview": seconds("pulumi", "preview", *stack)}
        up = ("pulumi", "up", *stack, "--yes", "--skip-preview")
        if at_once:
            found["up"] = seconds(*up, "--exclude", "**cloudflare:index/dnsRecord:DnsRecord::**")
            found["up"] += seconds("scripts/records", "many", "--yes", "--skip-preview")
            found["up"] += seconds(*up, "--expect-no-changes")
        else:
            found["up"] = seconds(*up)
        found["no change"] = seconds("pulumi", "preview", *stack, "--expect-no-changes")
        found["records"] = sum(len(zone["records"]) for zone in double.data.values())
        server.shutdown()
        server.server_close()
    return found


def main(sizes: list[int]) -> None:
    """Measure and print a table; the ratio is that of both ways' `up`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    print("| domains | records | preview s | up s | up --bulk s | ratio | no-change preview s |")
    print("|---|---|---|---|---|---|---|")
    for domains in sizes:
        bulk, plain = measure(domains, at_once=True), measure(domains, at_once=False)
        row = [domains, int(bulk["records"]), f"{bulk['preview']:.1f}", f"{plain['up']:.1f}"]
        row += [f"{bulk['up']:.1f}", f"{plain['up'] / bulk['up']:.2f}", f"{bulk['no change']:.1f}"]
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
