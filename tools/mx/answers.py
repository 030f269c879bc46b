"""Answers of `mx init`: asked on a terminal or given as options, and checked at once."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import click

from components.settings.types import hostname, local_part

from . import ssh_keys
from .app import Failure
from .codes import USAGE
from .console import agreed, folded, safe, tell

Kind = Callable[[str], str]


def hostnames(answer: str, example: str = "mx1.example.org") -> str:
    """Names of hosts, separated by blanks or commas. Raises ValueError."""
    names = answer.replace(",", " ").split()
    if not names:
        raise ValueError(f"a name is needed, such as {example}")
    for name in names:
        try:
            hostname(name)
        except ValueError as error:
            raise ValueError(f"{error}, such as {example}") from None
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"{', '.join(twice)} is named twice")
    return " ".join(names)


def domains(answer: str) -> str:
    """Names of mail domains or zones, separated by blanks or commas. Raises ValueError."""
    return hostnames(answer, "example.org")


def login(answer: str) -> str:
    """The name of a user (adduser.conf(5), NAME_REGEX). Raises ValueError."""
    if not re.fullmatch(r"[a-z_][a-z0-9_.-]{0,31}", answer):
        raise ValueError(f"{answer!r} is no name of a user, such as root or operator")
    return answer


def local_parts(answer: str) -> str:
    """Local parts of addresses, separated by blanks or commas. Raises ValueError."""
    parts = answer.replace(",", " ").split()
    for part in parts:
        if "@" in part:
            raise ValueError(f"{part!r} is a whole address: give the part before the @ alone")
        try:
            local_part(part)
        except ValueError as error:
            told = str(error)
            raise ValueError(told if part in told else f"{part!r}: {told}") from None
    return " ".join(parts)


def shows_a_key(port: int, kind: Kind) -> Kind:
    """An address at which SSH shows a host key now, so that a wrong one is asked again."""

    def check(answer: str) -> str:
        address = kind(answer)
        if not ssh_keys.scan(address, port):
            raise ValueError(
                f"{address} shows no SSH host key on port {port}: is the address right, and does "
                "SSH answer there? --ssh-port gives another port"
            )
        return address

    return check


def ipv4(answer: str) -> str:
    """An IPv4 address. Raises ValueError."""
    try:
        return str(IPv4Address(answer))
    except ValueError:
        raise ValueError(f"{answer!r} is no IPv4 address, such as 198.51.100.7") from None


def ipv6(answer: str) -> str:
    """An IPv6 address. Raises ValueError."""
    try:
        return str(IPv6Address(answer))
    except ValueError:
        raise ValueError(f"{answer!r} is no IPv6 address, such as 2001:db8::7") from None


def other_than(taken: dict[str, str], kind: Kind) -> Kind:
    """An address that no other host has. `taken`: address to the name of the host that has it."""

    def check(answer: str) -> str:
        address = kind(answer)
        if address in taken:
            raise ValueError(f"{address} is the address of {taken[address]} already")
        return address

    return check


def no_ipv6(answer: str) -> str:
    """An IPv6 address, or "none". Raises ValueError."""
    return answer if answer == "none" else ipv6(answer)


def mailbox(answer: str) -> str:
    """NAME or NAME:PORT of a mailbox host. Raises ValueError."""
    name, colon, port = answer.partition(":")
    if colon and not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"{port!r} is no port")
    return hostnames(name, "mail.example.org") + colon + port


def zone_id(answer: str) -> str:
    """The ID of a zone. Raises ValueError."""
    if not re.fullmatch(r"[0-9a-f]{32}", answer):
        raise ValueError(f"{answer!r} is no zone ID: 32 characters of 0-9 and a-f")
    return answer


def given(option: str, value: str, kind: Kind) -> str:
    """The value of an option. Raises Failure with what is wrong."""
    try:
        return kind(value)
    except ValueError as error:
        raise Failure(f"{option} {value}: {error}", USAGE) from None


class Asking:
    """Asks a person, or takes options alone where nobody can answer."""

    def __init__(self) -> None:
        self.possible = sys.stdin.isatty()

    def words(self, question: str, option: str, default: str = "", kind: Kind = str.strip) -> str:
        """One answer; asked again while `kind` raises ValueError with what is wrong.

        Raises Failure where nobody can answer and there is no default.
        """

        def checked(answer: str) -> str:
            try:
                return kind(answer.strip())
            except ValueError as error:
                told = folded(f"Error: {safe(str(error))}", sys.stderr)
                raise click.UsageError(told.removeprefix("Error: ")) from None

        if self.possible:
            shown = folded(f"{question} [{default}]" if default else question, sys.stderr)
            # Without a default an empty answer goes to `kind`, which says what is needed.
            return str(
                click.prompt(shown, default, show_default=False, err=True, value_proc=checked)
            )
        if default:
            return default
        raise Failure(f"{question}: nobody can answer here; give {option}", USAGE)

    def yes(self, question: str, option: str) -> bool:
        """A yes or no; no where nobody can answer."""
        if self.possible:
            return agreed(question)
        tell(f"{question} Taken as no; {option} answers yes.")
        return False
