"""`python -m tools.rollback`: what scripts/rollback calls, without engine and state.

Exit codes: those of the agent (0 done, 1 failed and undone), 2 unknown host or component,
255 the host was not reached.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pulumi

from components.host.ask import SCRIPT, environment, parse
from components.settings.environment import Settings, SettingsError
from components.settings.stack_file import settings_of

# What is on trial until another connection confirms it: its file, which all may read.
_ON_TRIAL = {"firewall": "/etc/mx/firewall.nft"}
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
# How the agent says it.
_UNKNOWN = "is not applied on this host"


def call(settings: Settings, host: str, verb: str) -> tuple[int, str, str]:
    """Call the agent on a host: exit code, stdout without the machine's ID, stderr."""
    code, out, err = _ask(settings, host, {}, verb)
    return code, out.partition("\n")[2], err


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
    path = _ON_TRIAL[component]
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


def main(arguments: list[str]) -> int:
    """Run `STACK HOST [COMPONENT | --list]`; return the exit code."""
    stack, host, component = [*arguments, "postfix"][:3]
    try:
        settings = settings_of(stack)
        if host not in settings.hosts:
            raise SettingsError(f"there is no hosts.{host}; known: {', '.join(settings.hosts)}")
        if component == "--list":
            code, out, err = call(settings, host, "status")
            out = overview(out) if code == 0 else out
        elif _NAME.match(component):
            code, out, err = call(settings, host, f"rollback {component}")
            if code == 0 and component in _ON_TRIAL:
                print(out)
                code, out, err = confirm(settings, host, component)
        else:
            raise SettingsError(f"{component!r} is not the name of a component")
    except (SettingsError, pulumi.RunError) as error:
        print(f"rollback: {error}", file=sys.stderr)
        return 2
    print(out)
    if err:
        print(err, file=sys.stderr)
    if _UNKNOWN in err:
        print(f"rollback: scripts/rollback {stack} {host} --list names them", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
