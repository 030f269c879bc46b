"""The services of master.cf, their fields and their -o overrides, as master(8) reads them.

Sources: master(5), src/master/master_ent.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from components.audit.model import Finding
from components.postconf.syntax import SPACE, Entry, latin, logical_lines, references, shown, words

_TYPES = ("inet", "unix", "unix-dgram", "fifo", "pass")
_LOOPBACK = ("127.", "localhost:", "[::1]:", "::1:")


@dataclass(frozen=True)
class Service:
    """One service: its fields and its overrides by name."""

    line: int
    name: str
    type: str
    chroot: str
    command: str
    overrides: dict[str, Entry]
    strange: str = ""
    """The first word of the command that is neither an option nor a value of one."""

    @property
    def port(self) -> str:
        """Port or name of a port of an inet service."""
        return self.name.rsplit(":", 1)[-1]

    @property
    def outside(self) -> bool:
        """Tell whether clients of other hosts can reach it."""
        return self.type == "inet" and not self.name.startswith(_LOOPBACK)


def _broken(line: int, name: str, reason: str) -> Finding:
    return Finding(
        line,
        shown(name[:60]),
        "syntax",
        f"{reason}: master(8) does not start",
        "See master(5): name, type, private, unpriv, chroot, wakeup, maxproc, command.",
        "critical",
        "master.cf",
    )


def _overrides(line: int, arguments: list[str]) -> tuple[dict[str, Entry], str]:
    """The -o overrides, and the first word that the program cannot make sense of."""
    found = {}
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        flag = arguments[at]
        at += 1
        text = flag[2:] if flag.startswith("-o") else ""
        if flag == "-o" and at < len(arguments):
            text = arguments[at]
            at += 1
        if text.startswith("{") and text.endswith("}"):
            text = text[1:-1]
        name, equals, value = text.partition("=")
        if equals:
            name = name.strip(SPACE)
            found[name] = Entry(name, value.strip(SPACE), line)
        elif flag.startswith("-o"):
            return found, f"-o {text}"
    return found, arguments[at] if at < len(arguments) else ""


def parse(text: bytes | str) -> tuple[list[Service], list[Finding]]:
    """Every service in the order of the file, and what master(8) stops at."""
    services: list[Service] = []
    faults: list[Finding] = []
    seen: dict[tuple[str, str], int] = {}
    for pieces in logical_lines(latin(text)):
        line = pieces[0][0]
        fields = words("".join(piece for _, piece in pieces), " \t\r\n")
        if not fields:
            continue
        name = fields[0]
        if len(fields) < 8:
            faults.append(_broken(line, name, f"has {len(fields)} fields of 8"))
            continue
        kind = fields[1]
        if kind not in _TYPES:
            faults.append(
                _broken(line, name, f"{shown(kind[:40])!r} is none of {', '.join(_TYPES)}")
            )
        for what, value in zip(("private", "unpriv", "chroot"), fields[2:5], strict=True):
            if value not in ("y", "n", "-"):
                faults.append(
                    _broken(line, name, f"{what} is {shown(value[:40])!r}, not y, n or -")
                )
        for what, value, form in (
            ("wakeup", fields[5], r"\d+\??|-"),
            ("maxproc", fields[6], r"\d+|-"),
        ):
            if re.fullmatch(form, value) is None:
                faults.append(_broken(line, name, f"{what} is {shown(value[:40])!r}, no number"))
        if (name, kind) in seen:
            faults.append(_broken(line, name, f"line {seen[name, kind]} has the same service"))
        seen.setdefault((name, kind), line)
        command = fields[7].rsplit("/", 1)[-1]
        overrides, strange = _overrides(line, fields[8:])
        services.append(Service(line, name, kind, fields[4], command, overrides, strange))
    return services, faults


def referred(services: Iterable[Service]) -> frozenset[str]:
    """Names of parameters that overrides refer to."""
    found: set[str] = set()
    for service in services:
        found.update(*(references(entry.value) for entry in service.overrides.values()), ())
    return frozenset(found)


def on_port_25(services: list[Service]) -> dict[str, Entry]:
    """Overrides of the service that greets on port 25: what main.cf's rules have to see."""
    for service in services:
        if service.type == "inet" and service.port in ("25", "smtp") and service.command == "smtpd":
            return service.overrides
    return next(
        (
            service.overrides
            for service in services
            if service.type == "pass" and service.command == "smtpd"
        ),
        {},
    )
