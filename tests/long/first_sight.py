"""How fast MX is beside what cannot be saved; tests/long/first-sight says what is measured."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.settings import stack_file
from lab.environment import state_url

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ("mx1", "mx2")
ENGINE = ("pulumi", "--non-interactive")
# The program asks the hosts and lists the zones; nothing drifted, so no record is read again.
QUIET = ("preview", "--stack", "lab", "--expect-no-changes")
# When master(8) last began to use a changed configuration, in microseconds since 1970. The lab's
# hosts have this machine's clock.
_RELOADED = "journalctl -q -t postfix/master -g '^reload ' -n 1 -o json --output-fields=MESSAGE"
# The vendor's plug-in takes about this long between its start and its first answer.
SLOW_SECONDS = 5
_EMPTY = "import pulumi\nimport pulumi_cloudflare\nimport pulumi_command\n"
# What `mx-certificates renew` takes for a certificate that was never asked for.
_ORDER = "rm -f /var/lib/dehydrated/certs/*/cert.pem && mx-certificates renew"


@dataclass(frozen=True)
class Spent:
    """Seconds of one run: by the clock, and of the processor for all processes that are visible.

    In a private lab (lab/beside) these are the lab's own processes and this run's.
    """

    wall: float
    cpu: float


def processor() -> float:
    """Seconds of the processor that all processes have used, with their children that ended."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # proc_pid_stat(5): utime, stime, cutime and cstime, the fields 14 to 17.
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def spent(action: Callable[[], object]) -> Spent:
    """Run something and measure it."""
    cpu, begin = processor(), time.monotonic()
    action()
    return Spent(time.monotonic() - begin, processor() - cpu)


def run(*argv: str, cwd: Path = ROOT, **more: str) -> str:
    """Run to a good end and return what was printed. Raises CalledProcessError."""
    done = subprocess.run(
        argv, cwd=cwd, env=os.environ | more, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        done.check_returncode()
    return done.stdout


def on_hosts(command: Callable[[str], str]) -> None:
    """Run a command on both hosts at the same time."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: run("scripts/lab", "ssh", host, command(host)), HOSTS))


def apt(host: str) -> str:
    """One run of apt for every package that the lab's settings want on a host."""
    manifest = ROOT / "tests/golden/lab" / host / "manifests/packages.json"
    # `a | b` is satisfied by either; a bare host gets the first.
    names = [
        name.partition("|")[0].strip() for name in json.loads(manifest.read_text())["packages"]
    ]
    get = "apt-get -q -y -o Dpkg::Options::=--force-confold"
    return (
        "export DEBIAN_FRONTEND=noninteractive; "
        f"{get} update && {get} install --no-install-recommends {' '.join(names)}"
    )


def up() -> None:
    """Bare hosts to serving: the end of `up` is after the probes of each host, and after DNS."""
    run("scripts/mx", "up", "lab", "--yes", "--skip-preview")


def from_bare(rounds: int) -> None:
    """Bare hosts to serving, beside one run of apt on both and the authority's own time."""
    times: dict[str, list[Spent]] = {"apt": [], "up": [], "authority": []}
    for number in range(rounds):
        # They take turns, and the last round leaves hosts that serve.
        ways = ["apt", "up"] if (rounds - number) % 2 else ["up", "apt"]
        for way in ways:
            run("scripts/lab", "reset")
            # A lab that was saved comes back with everything set up.
            on_hosts(lambda _: "test ! -e /usr/local/sbin/mx-agent")
            run("pulumi", "stack", "select", "--create", "lab")
            times[way].append(spent(up if way == "up" else lambda: on_hosts(apt)))
            if way == "up":
                times["authority"].append(spent(lambda: on_hosts(lambda _: _ORDER)))
        shown = ", ".join(
            f"{way} {each[-1].wall:.1f} s (CPU {each[-1].cpu:.1f})" for way, each in times.items()
        )
        least = times["apt"][-1].wall + times["authority"][-1].wall
        print(
            f"bare hosts, round {number + 1}: {shown}; {times['up'][-1].wall / least:.2f}",
            flush=True,
        )
    middle = {way: statistics.median(one.wall for one in each) for way, each in times.items()}
    ratio = middle["up"] / (middle["apt"] + middle["authority"])
    print(f"bare hosts to serving / (apt + authority): {ratio:.2f}")


def empty(folder: Path) -> Callable[[], object]:
    """A preview of a program that only imports the SDKs, in a state of its own."""
    project = {
        "name": "empty",
        "runtime": {
            "name": "python",
            "options": {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")},
        },
    }
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (folder / "__main__.py").write_text(_EMPTY)
    (folder / "state").mkdir()
    more = {"PULUMI_BACKEND_URL": state_url(folder / "state")}
    run(*ENGINE, "stack", "init", "empty", cwd=folder, **more)
    return lambda: run(*ENGINE, "preview", "--stack", "empty", cwd=folder, **more)


def slow(folder: Path) -> str:
    """A PATH on which the DNS plug-in answers late, and the rest as before."""
    first = folder / "slow"
    first.mkdir()
    plugin = first / "pulumi-resource-cloudflare"
    real = run("sh", "-c", "command -v pulumi-resource-cloudflare").strip()
    plugin.write_text(f'#!/bin/sh\nsleep {SLOW_SECONDS}\nexec {real} "$@"\n')
    plugin.chmod(0o755)
    return f"{first}:{os.environ['PATH']}"


def reloaded(host: str) -> float:
    """When Postfix of a host last took a new configuration, in seconds since 1970."""
    entry = json.loads(run("scripts/lab", "ssh", host, _RELOADED))
    return int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000


def changed(folder: Path) -> Callable[[], float]:
    """An `up` of one changed line of main.cf, another one each time; gives when it was live."""
    document = stack_file.document("lab")
    size = 20_000_000

    def change() -> float:
        nonlocal size
        size += 1
        document["config"]["mx:mail"].setdefault("postfix", {})["messageSizeLimitBytes"] = size
        file = folder / "changed.yaml"
        file.write_text(yaml.safe_dump(document))
        run(
            *ENGINE,
            "up",
            "--stack",
            "lab",
            "--yes",
            "--skip-preview",
            f"--config-file={file}",
            "--refresh=false",
        )
        return max(map(reloaded, HOSTS))

    return change


def live_and_ended(change: Callable[[], float], rounds: int) -> tuple[list[Spent], list[Spent]]:
    """The time until both hosts used a changed line, and until `up` ended."""
    live, ended = [], []
    for _ in range(rounds):
        begin = time.time()
        since: list[float] = []
        ended.append(spent(lambda: since.append(change() - begin)))  # noqa: B023 (runs at once)
        live.append(Spent(since[0], ended[-1].cpu))
    return live, ended


def previews(rounds: int) -> None:
    """A preview without changes beside an empty program and with a slow plug-in; one line live."""
    with tempfile.TemporaryDirectory(prefix="mx-first-sight-") as name:
        folder = Path(name)
        path = slow(folder)
        ways: dict[str, Callable[[], object]] = {
            "empty program": empty(folder),
            "preview": lambda: run(*ENGINE, *QUIET),
            "preview, slow plug-in": lambda: run(*ENGINE, *QUIET, PATH=path),
        }
        times: dict[str, list[Spent]] = {way: [] for way in ways}
        for number in range(rounds + 1):
            for way, action in ways.items():
                one = spent(action)
                if number:  # the first round warms up
                    times[way].append(one)
        live, ended = live_and_ended(changed(folder), rounds)
        times["one line live on both hosts"], times["`up` of one line ended"] = live, ended
        run(*ENGINE, "up", "--stack", "lab", "--yes", "--skip-preview", "--refresh=false")
    print(
        "\n| | wall s, least to most | median | CPU s with the hosts', median |\n|---|---|---|---|"
    )
    wall = {way: statistics.median(one.wall for one in each) for way, each in times.items()}
    cpu = {way: statistics.median(one.cpu for one in each) for way, each in times.items()}
    for way, each in times.items():
        seconds = sorted(one.wall for one in each)
        print(
            f"| {way} | {seconds[0]:.1f} to {seconds[-1]:.1f} | {wall[way]:.1f} | {cpu[way]:.1f} |"
        )
    print(
        f"\npreview / empty program: wall {wall['preview'] / wall['empty program']:.2f}, "
        f"CPU with the hosts' {cpu['preview'] / cpu['empty program']:.2f}"
    )
    later = wall["preview, slow plug-in"] - wall["preview"]
    print(f"DNS plug-in {SLOW_SECONDS} s late at each start: preview {later:.1f} s longer")


def main(bare: str = "3", rest: str = "5") -> None:
    """Measure and print."""
    if int(bare):
        from_bare(int(bare))
    if int(rest):
        previews(int(rest))


if __name__ == "__main__":
    main(*sys.argv[1:])
