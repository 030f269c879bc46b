"""Trace all processes of root on mx1 while everything works, and look at each path they wrote.

Meanwhile: collection, a look for updates, drift, a renewal, an `up` that heals a drifted file, a
rollback, the start of every service anew, and a boot. Argument: the stack file that `up` applies
(stacks/Pulumi.lab.yaml). Exit code 1 when root wrote below a directory that somebody else may
change, other than in EXCEPTIONS.
"""

from __future__ import annotations

import subprocess
import sys

from lab import container, topology
from tests.host.conftest import eventually
from tests.host.machine import switch_off, switch_on
from tests.host.test_certificates import age
from tests.support.path_trace import CALLS, EXCEPTIONS, Trace, foreign

LOG, BOOT_LOG = "/var/log/path-walk", "/var/log/path-walk-boot"
STRACE = f"strace -f -y -qq -s 4096 -e trace={CALLS} -e signal=none"
START = f"""set -e
command -v strace >/dev/null || apt-get -q install -y strace >/dev/null
pids=$(ps -eo pid=,user= | awk -v own=$$ '$2 == "root" && $1 != own {{print $1}}' | paste -sd,)
setsid {STRACE} -o {LOG} -p "$pids" >/dev/null 2>&1 </dev/null &
echo $!
"""
WORK = (
    "systemctl start mx-collect mx-updates",
    "systemctl start mx-certificates",
    "mx-agent status >/dev/null",
    "apt-get -q update >/dev/null",
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
# It follows init, and so all that init starts, from the first unit of a boot on.
BOOT_UNIT = "/etc/systemd/system/path-walk.service"
BOOT = f"""[Unit]
DefaultDependencies=no
After=local-fs.target
Before=systemd-tmpfiles-setup.service sysinit.target

[Service]
ExecStart=/usr/bin/{STRACE} -o {BOOT_LOG} -p 1
ExecStartPost=/usr/bin/sh -c 'until grep -q "^TracerPid:.*[1-9]" /proc/1/status; do :; done'

[Install]
WantedBy=sysinit.target
"""


def ssh(host: str, command: str) -> str:
    """Run a command on a lab host as root; a traced host is slow."""
    return container.inside(topology.host(host), ["timeout", "900", "bash", "-c", command])


def up(stack_file: str) -> None:
    """An `up` of the lab, which heals what drifted."""
    options = ["--stack", "lab", "--non-interactive", "--config-file", stack_file]
    subprocess.run(["pulumi", "up", *options, "--yes", "--skip-preview"], check=True)


def boot() -> Trace:
    """Boot mx1 as after a power cut, with init traced, and return what that wrote."""
    mx1 = topology.host("mx1")
    ssh("mx1", f"cat >{BOOT_UNIT} <<'END'\n{BOOT}END\nsystemctl enable {BOOT_UNIT} && sync")
    switch_off(mx1)
    switch_on(mx1)
    ssh("mx1", "systemctl is-system-running --wait || true")
    eventually(lambda: "220" in ssh("mx1", "timeout 5 bash -c 'head -n1 </dev/tcp/::1/25'"), 120)
    ssh("mx1", "systemctl disable --now path-walk.service")
    trace = Trace()
    trace.read(ssh("mx1", f"cat {BOOT_LOG}; rm {BOOT_LOG} {BOOT_UNIT}").splitlines())
    return trace


def main(stack_file: str) -> int:
    """Exit codes: 0 none, 1 root wrote below a foreign directory."""
    up(stack_file)
    tracer = ssh("mx1", START).strip()
    try:
        age("mx1.example.test", "rsa")
        for command in WORK:
            ssh("mx1", command)
        up(stack_file)
        for command in AFTER:
            ssh("mx1", command)
    finally:
        ssh("mx1", f"kill {tracer}; sleep 1")
    up(stack_file)
    trace = Trace()
    trace.read(ssh("mx1", f"cat {LOG}; rm {LOG}").splitlines())
    working = len(trace.written)
    for path, programs in boot().written.items():
        trace.written.setdefault(path, set()).update(programs)
    found = foreign(ssh, "mx1", trace)
    print(
        f"{len(trace.written)} paths written by root, {len(trace.written) - working} of them "
        f"at boot only; {len(found)} below foreign directories"
    )
    print("\n".join(found), *(f"left out: {path}: {why}" for path, why in EXCEPTIONS.items()))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["stacks/Pulumi.lab.yaml"]))
