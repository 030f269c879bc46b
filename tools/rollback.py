"""Calls the agent of one host over SSH for `mx rollback`, without engine and state."""

from __future__ import annotations

import json
import os
import subprocess

from components.host.ask import SCRIPT, environment, parse
from components.settings.environment import Settings

# What is on trial until another connection confirms it: its file, which all may read.
ON_TRIAL = {"firewall": "/etc/mx/firewall.nft"}


def call(settings: Settings, host: str, verb: str) -> tuple[int, str, str]:
    """Call the agent on a host: exit code, what the agent printed, stderr."""
    code, out, err = _ask(settings, host, {}, verb)
    # Before it are the machine's ID and the agent's digest.
    return code, "\n".join(out.split("\n")[2:]), err


def _ask(settings: Settings, host: str, more: dict[str, str], verb: str) -> tuple[int, str, str]:
    done = subprocess.run(
        ["sh", "-c", SCRIPT.read_text()],
        env=dict(os.environ) | environment(settings, [host], verb) | more,
        capture_output=True,
        text=True,
        check=True,
    )
    return parse(done.stdout)[host]


def confirm(settings: Settings, host: str, component: str) -> tuple[int, str, str]:
    """Confirm over a new connection what a rollback put on trial; else it undoes itself."""
    sudo = "" if settings.ssh.user == "root" else "sudo -n "
    path = ON_TRIAL[component]
    program = f"/usr/local/sbin/mx-{component}"
    line = f"sha256sum <{path} | cut -c1-64 | {sudo}{program} confirm"
    code, _, err = _ask(settings, host, {"MX_CALL": line}, "")
    return code, "confirmed over a new connection" if code == 0 else "", err


def overview(text: str) -> str:
    """Components of a host from the agent's status: when they were applied, what a rollback has."""
    bundles = json.loads(text)["bundles"]
    return "\n".join(
        f"{name}: applied {bundle['applied']}, "
        + ("a former state is kept" if bundle["former"] else "no former state")
        for name, bundle in bundles.items()
    )
