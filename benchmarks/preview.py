"""`python -m benchmarks.preview`: how long a preview of the lab takes, as ratios.

Called by scripts/benchmark-preview. All ways take turns in one run, on the same hosts and the same
load; what is printed is medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks import playbook
from components.settings import stack_file

_ROOT = Path(__file__).resolve().parents[1]
_LOGINS = "journalctl -q -t sshd -t sshd-session -g 'Accepted publickey' | wc -l"


def run(argv: list[str], **more: str) -> str:
    """Run to a good end; return what was printed. Raises CalledProcessError."""
    done = subprocess.run(
        argv, cwd=_ROOT, env=dict(os.environ) | more, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        done.check_returncode()
    return done.stdout


def main(ansible: str, rounds: int) -> None:
    """Measure and print. `ansible` is the path of ansible-playbook."""
    document = stack_file.document("lab")
    settings = document["config"]["mx:mail"]
    preview = ["pulumi", "preview", "--stack", "lab", "--expect-no-changes", "--non-interactive"]
    with tempfile.TemporaryDirectory(prefix="mx-benchmark-") as name:
        folder = Path(name)
        unread = folder / "unread.yaml"
        settings["drift"] = {"read": False}
        unread.write_text(yaml.safe_dump(document))
        hosts = playbook.manifests(json.loads(run(["pulumi", "stack", "export", "--stack", "lab"])))
        addresses = {key: host["ipv4"] for key, host in settings["hosts"].items()}
        ssh = settings["ssh"]
        playbook.write(
            folder,
            hosts,
            addresses,
            {"key": ssh["privateKeyFile"], "known_hosts": ssh["knownHostsFile"]},
        )
        ways: dict[str, tuple[list[str], dict[str, str]]] = {
            "without drift": ([*preview, f"--config-file={unread}"], {}),
            "hosts read": (preview, {}),
            "hosts and DNS read": ([*preview, "--refresh"], {}),
            "ansible-playbook --check --diff": (
                [ansible, f"-i{folder}/inventory", "--check", "--diff", f"{folder}/site.yml"],
                {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
            ),
        }
        report(measure(ways, rounds), hosts, connections(preview, sorted(hosts)))


def measure(
    ways: dict[str, tuple[list[str], dict[str, str]]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of each way, which take turns; a first round that warms up does not count."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, (argv, more) in ways.items():
            begin = time.monotonic()
            printed = run(argv, **more)
            if "PLAY RECAP" in printed and "changed=0 " not in printed.partition("PLAY RECAP")[2]:
                raise SystemExit(f"{way} would change something, so it is no equal work: {printed}")
            if number:
                seconds[way].append(time.monotonic() - begin)
    return seconds


def connections(preview: list[str], hosts: list[str]) -> dict[str, int]:
    """SSH logins that one preview makes on each host."""

    def count() -> dict[str, int]:
        return {host: int(run(["scripts/lab", "ssh", host, _LOGINS])) for host in hosts}

    before = count()
    run(preview)
    # The second count is a login itself.
    return {host: number - before[host] - 1 for host, number in count().items()}


def report(
    seconds: dict[str, list[float]],
    hosts: dict[str, list[dict[str, Any]]],
    logins: dict[str, int],
) -> None:
    """Print a table: medians, spread, and ratios to the preview that reads the hosts."""
    files = sum(len(bundle["files"]) for bundles in hosts.values() for bundle in bundles)
    units = sum(len(bundle.get("units", {})) for bundles in hosts.values() for bundle in bundles)
    print(f"{len(hosts)} hosts, {files} files, {units} units; {os.cpu_count()} processors")
    print(f"SSH logins of one preview: {logins}\n")
    base = statistics.median(seconds["hosts read"])
    print("| | median s | least to most s | ratio |\n|---|---|---|---|")
    for way, values in seconds.items():
        middle = statistics.median(values)
        spread = f"{min(values):.1f} to {max(values):.1f}"
        print(f"| {way} | {middle:.1f} | {spread} | {middle / base:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
