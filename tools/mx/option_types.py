"""Values of options: a wrong name, address, number or file is told before anything is asked."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import click

from tools.status.names import address, place

_LABELS = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?")

_HOST_PORT = re.compile(r"(?!-)[A-Za-z0-9._:-]+:([0-9]{1,5})")


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


def _name(value: str) -> None:
    """A name in DNS of one label or more; of mail servers and zones nothing else is asked."""
    if not _LABELS.fullmatch(value):
        raise ValueError(
            f"{value!r} is no name in DNS; a name with other letters is written xn--..."
        )


def _selector(value: str) -> None:
    if not _LABELS.fullmatch(value):
        raise ValueError(f"{value!r} is no DKIM selector (RFC 6376, section 3.1)")


def _greeting(value: str) -> None:
    """A name, or an address as [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321, section 4.1.3)."""
    if not value.startswith("["):
        return _name(value)
    try:
        if not value.endswith("]") or "%" in value:
            raise ValueError
        if value.startswith("[IPv6:"):
            IPv6Address(value[6:-1])
        else:
            IPv4Address(value[1:-1])
    except ValueError:
        raise ValueError(f"{value!r} is neither [IPv4 ADDRESS] nor [IPv6:ADDRESS]") from None


def _host_port(value: str) -> None:
    """A name or an address: what bash opens as /dev/tcp/HOST/PORT on the host."""
    found = _HOST_PORT.fullmatch(value)
    if not found or not 0 < int(found[1]) < 65536:
        raise ValueError(f"{value!r} is no HOST:PORT, such as mail.example.org:25")


RESOLVER = Checked("resolver", place)
ADDRESS = Checked("address", address)
NAME = Checked("name", _name)
SELECTOR = Checked("selector", _selector)
GREETING = Checked("name", _greeting)
HOST_PORT = Checked("host:port", _host_port)
POSITIVE = Positive()
AUTHORITIES = Authorities()
