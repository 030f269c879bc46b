"""Trace all processes of root on mx1 while everything works, and look at each path they wrote.

Meanwhile: collection, a look for updates, drift, a renewal, an `up` that heals a drifted file, a
rollback, and the start of every service anew. Exit code 1 when root wrote below a directory that
somebody else may change.
"""

from __future__ import annotations

import subprocess
import sys

from lab import container, topology
from tests.support.path_trace import CALLS, Trace, foreign

LOG = "/run/path-walk"
START = f"""set -e
command -v strace >/dev/null || apt-get -q install -y strace >/dev/null
pids=$(ps -eo pid=,user= | awk -v own=$$ '$2 == "root" && $1 != own {{print $1}}' | paste -sd,)
setsid strace -f -y -qq -s 4096 -o {LOG} -e trace={CALLS} -e signal=none -p "$pids" \\
  >/dev/null 2>&1 </dev/null &
echo $!
"""
WORK = (
    "systemctl start mx-collect mx-updates",
    "systemctl start mx-certificates",
    "mx-agent status >/dev/null",
    "echo '# by hand' | tee -a /etc/mx/redis.conf /etc/default/prometheus-node-exporter",
)
AFTER = (
    "mx-agent rollback spam-filter || true",
    "echo example.test mx1 | /usr/local/lib/mx/dkim-keys show >/dev/null",
    "systemctl restart unbound mariadb redis-server rspamd nginx prometheus-node-exporter",
    "systemctl restart mx-firewall mx-resolv-conf mx-tls-policy postfix-mta-sts-resolver postfix",
    "mx-agent recover --boot",
    "systemctl start mx-collect",
)


def ssh(host: str, command: str) -> str:
    """Run a command on a lab host as root; a traced host is slow."""
    return container.inside(topology.host(host), ["timeout", "900", "bash", "-c", command])


def up() -> None:
    """An `up` of the lab, which heals what drifted."""
    subprocess.run(["scripts/mx", "up", "lab", "--yes", "--skip-preview"], check=True)


def main() -> int:
    """Exit codes: 0 none, 1 root wrote below a foreign directory."""
    tracer = ssh("mx1", START).strip()
    try:
        for command in WORK:
            ssh("mx1", command)
        up()
        for command in AFTER:
            ssh("mx1", command)
    finally:
        ssh("mx1", f"kill {tracer}; sleep 1")
    up()
    trace = Trace()
    trace.read(ssh("mx1", f"cat {LOG}").splitlines())
    found = foreign(ssh, "mx1", trace)
    print(f"{len(trace.written)} paths written by root, {len(found)} below foreign directories")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
