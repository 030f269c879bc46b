"""The queues of all MX hosts, asked before `pulumi destroy` takes anything away.

`destroy` does not run the program; it deletes what the state has, dependants first. So one resource
depends on all others: its deletion comes first, asks every host, and fails while mail is queued.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pulumi
import pulumi_command as command

from components.host.ask import SCRIPT, environment, parse
from components.protocol.calls import QUEUES
from components.settings.environment import Settings

_DELETE = Path(__file__).with_name("queues.sh")
_COUNT = Path(__file__).parent / "files" / "queued.py"
_PROGRAM = "/usr/local/lib/mx/mx_postfix.py"


def call(settings: Settings) -> str:
    """The line of shell that tells what is queued; a host without our Postfix has nothing."""
    sudo = "" if settings.ssh.user == "root" else "sudo -n "
    nothing = f"test -e {_PROGRAM} || echo the queue is empty; test -e {_PROGRAM} || exit 0"
    return f"{nothing}; exec {sudo}python3 -I -B {_PROGRAM} queue"


def ask_queues(
    settings: Settings, keys: Iterable[str], former: Mapping[str, str]
) -> dict[str, tuple[int, str, str]]:
    """What queued.py says on hosts: exit code, stdout and stderr.

    `former`: the lines of ask.sh for hosts that are in the settings no more, by host.
    """
    variables = environment(settings, keys, "")
    lines = [*filter(None, variables["MX_HOSTS"].split("\n")), *former.values()]
    sudo = "" if settings.ssh.user == "root" else "sudo -n "
    said = command.local.run(
        command=SCRIPT.read_text(),
        environment=variables
        | {
            "MX_HOSTS": "\n".join(lines),
            "MX_CALL": f"exec {sudo}python3 -I -",
            "MX_STDIN": _COUNT.read_text(),
        },
        logging=command.local.Logging.NONE,
    )
    return parse(said.stdout)


def guard(settings: Settings, after: Sequence[pulumi.Resource]) -> command.local.Command:
    """The resource that is deleted before everything in `after`, while no mail is queued.

    Hosts with `giveUpQueue` are not asked.
    """
    keys = [key for key, host in settings.hosts.items() if not host.give_up_queue]
    return command.local.Command(
        QUEUES,
        create="true",
        delete=_DELETE.read_text(),
        environment=environment(settings, keys, "")
        | {
            # As it is written: operators have their homes in different places.
            "MX_KEY_FILE": settings.ssh.private_key_file or "",
            "MX_ASK": SCRIPT.read_text(),
            "MX_CALL": call(settings),
        },
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(depends_on=list(after)),
    )
