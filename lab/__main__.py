"""The command line of the lab."""

from __future__ import annotations

import argparse
import os
import sys

from lab import environment, keys, lifecycle, monitor, send, status, topology
from lab.system import LabError, locked, say
from tools.arguments import Parser


def parser() -> Parser:
    """Return the parser of the command line."""
    top = Parser(prog="scripts/lab", description="Debian hosts and a small Internet.")
    verbs = top.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start the lab")
    up.add_argument("--debian", choices=sorted(topology.SUITES), help="release of mx1, mx2 (13)")
    up.add_argument("--monitoring", action="store_true", help="start a monitoring server too")
    verbs.add_parser("down", help="stop and remove the lab; keep the caches")
    verbs.add_parser("status", help="show hosts and services; exit 1 when one does not run")
    verbs.add_parser("reset", help="return to bare hosts and an empty state, or to what was saved")
    verbs.add_parser("save", help="save hosts and state, so that reset returns to them")
    ssh = verbs.add_parser("ssh", help="log in to a host, or run a command there")
    ssh.add_argument("host", metavar="HOST", choices=[host.name for host in topology.ALL_HOSTS])
    ssh.add_argument("--user", default="root", help="the login: root (default) or operator")
    ssh.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER)
    mail = verbs.add_parser("send", help="send a message and show its way to the mailbox")
    mail.add_argument("sender", metavar="FROM")
    mail.add_argument("recipient", metavar="TO")
    mail.add_argument("--via", choices=["mx1", "mx2", "mailbox1"], help="send to this host")
    mail.add_argument("--subject", default="lab message")
    mail.add_argument("--timeout", type=float, default=60, help="seconds to wait (60)")
    verbs.add_parser("env", help="print the environment of the mx program as shell exports")
    return top


def dispatch(options: argparse.Namespace) -> int:
    """Do what the command line asks for."""
    if os.geteuid() != 0:
        raise LabError("not root: run the lab with sudo")
    match options.verb:
        case "up":
            with locked():
                lifecycle.up(options.debian or lifecycle.release() or "13")
                if options.monitoring:
                    monitor.up()
            say("up")
        case "down":
            with locked():
                lifecycle.down()
            say("down")
        case "reset":
            with locked():
                lifecycle.reset()
            say("up, as at first")
        case "save":
            with locked():
                lifecycle.save()
            say("saved and up")
        case "status":
            print(status.table(), end="")
            return 0 if status.healthy() else 1
        case "ssh":
            command = [*keys.ssh_command(topology.host(options.host), options.user)]
            os.execvp(command[0], [*command, *options.command])  # noqa: S606
        case "send":
            message = send.Message(options.sender, options.recipient, options.subject)
            return send.send(message, options.via, options.timeout)
        case "env":
            print(environment.exports(), end="")
    return 0


def main() -> int:
    """Run the command line; errors are one line each, and Ctrl-C is one."""
    try:
        return dispatch(parser().parse_args())
    except LabError as error:
        print(f"lab: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlab: ended by Ctrl-C", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
