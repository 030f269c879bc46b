"""Values of options: a wrong name, address, number or file is told before anything is asked."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import click

from components.settings.types import hostname
from tools.status.names import place

_LABELS = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*")

_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)


class Checked(click.ParamType[str]):
    """A text that a function accepts; the function raises ValueError with the reason."""

    def __init__(self, name: str, check: Callable[[str], object]) -> None:
        self.name = name
        self._check = check

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value as it was given."""
        try:
            self._check(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


class Positive(click.ParamType[float]):
    """A finite number above zero; float() takes `nan` and `inf`, too."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number."""
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < math.inf:
            self.fail(f"{value!r} is no number above 0", param, ctx)
        return number


class Authorities(click.Path):
    """A file with certificates of authorities, as OpenSSL reads it."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        path = super().convert(value, param, ctx)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except (ssl.SSLError, OSError) as error:
            self.fail(f"{value} has no certificates in PEM: {error}", param, ctx)
        return path


def _address(value: str) -> None:
    try:
        ip_address(value)
    except ValueError:
        raise ValueError(f"{value!r} is no IP address") from None


def _name(value: str) -> None:
    hostname(value.lower())


def _selector(value: str) -> None:
    if not _LABELS.fullmatch(value):
        raise ValueError(f"{value!r} is no DKIM selector (RFC 6376, section 3.1)")


def _greeting(value: str) -> None:
    """RFC 5321, section 4.1.3: a name, or an address in brackets."""
    if value.startswith("[") and value.endswith("]"):
        _address(value[1:-1].removeprefix("IPv6:"))
    else:
        _name(value)


def _host_port(value: str) -> None:
    """A name or an IPv4 address: what bash opens as /dev/tcp/HOST/PORT on the host."""
    host, _, port = value.rpartition(":")
    try:
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ValueError
        if not _IPV4.fullmatch(host):
            _name(host)
    except ValueError:
        raise ValueError(f"{value!r} is no HOST:PORT, such as mail.example.org:25") from None


RESOLVER = Checked("resolver", place)
ADDRESS = Checked("address", _address)
NAME = Checked("name", _name)
SELECTOR = Checked("selector", _selector)
GREETING = Checked("name", _greeting)
HOST_PORT = Checked("host:port", _host_port)
POSITIVE = Positive()
AUTHORITIES = Authorities()
