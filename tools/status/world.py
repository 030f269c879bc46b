"""All that the checks may ask, so that a test can put something else in its place."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tools.status.names import Answer
from tools.status.smtp import Greeting, Handshake, Offer

_POLICY_PATH = "/.well-known/mta-sts.txt"
_POLICY_LIMIT_BYTES = 65536


class NamesLike(Protocol):
    """See `names.Names`."""

    server: str

    def ask(self, name: str, kind: str) -> Answer: ...  # noqa: D102

    def ask_at(self, server: str, name: str, kind: str) -> Answer: ...  # noqa: D102

    def pointer(self, address: str) -> Answer: ...  # noqa: D102


class SmtpLike(Protocol):
    """See `smtp.Smtp`."""

    def greet(self, host: str, address: str, domain: str) -> Greeting: ...  # noqa: D102

    def handshake(self, host: str, address: str, offer: Offer) -> Handshake: ...  # noqa: D102

    def transcript(self, host: str, address: str, *options: str) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Page:
    """A policy as an address serves it, or why it does not."""

    error: str | None = None
    status: int = 0
    kind: str = ""
    text: str = ""


class WebLike(Protocol):
    """See `Web`."""

    def policy(self, host: str, address: str) -> Page: ...  # noqa: D102


@dataclass
class Web:
    """HTTPS from here."""

    port: int = 443
    seconds: float = 10
    ca_file: str | None = None
    _seen: dict[tuple[str, str], Page] = field(default_factory=dict)

    def policy(self, host: str, address: str) -> Page:
        """The MTA-STS policy of a policy host at one of its addresses (RFC 8461 section 3.3)."""
        key = (host, address)
        if key not in self._seen:
            self._seen[key] = self._fetch(host, address)
        return self._seen[key]

    def _fetch(self, host: str, address: str) -> Page:
        context = ssl.create_default_context()
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
        client = http.client.HTTPSConnection(host, self.port, timeout=self.seconds)
        try:
            raw = socket.create_connection((address, self.port), self.seconds)
            client.sock = context.wrap_socket(raw, server_hostname=host)
            client.request("GET", _POLICY_PATH)
            answer = client.getresponse()
            body = answer.read(_POLICY_LIMIT_BYTES).decode("utf-8", "replace")
            return Page(None, answer.status, answer.headers.get_content_type(), body)
        except ssl.SSLCertVerificationError as error:
            return Page(f"its certificate: {error.verify_message}")
        except (OSError, http.client.HTTPException) as error:
            return Page(str(error) or type(error).__name__)
        finally:
            client.close()


@dataclass
class World:
    """What the checks ask, and what the caller told of the domain."""

    names: NamesLike
    smtp: SmtpLike
    web: WebLike
    selectors: tuple[str, ...] = ()
    blocklists: Mapping[str, str] = field(default_factory=dict)
    days: int = 14
    """A certificate with less left is reported."""

    def addresses(self, name: str) -> list[str]:
        """IPv4 and IPv6 addresses of a name, in this order."""
        return [*self.names.ask(name, "A").values, *self.names.ask(name, "AAAA").values]

    def exchangers(self, domain: str) -> list[str]:
        """The MX hosts of a domain by preference, without the null MX."""
        pairs = [value.split() for value in self.names.ask(domain, "MX").values]
        ordered = sorted((int(preference), name) for preference, name in pairs if name != ".")
        return list(dict.fromkeys(name for _, name in ordered))

    def no_mail(self, domain: str) -> bool:
        """Whether the domain says that it takes no mail (RFC 7505)."""
        values = self.names.ask(domain, "MX").values
        return len(values) == 1 and values[0].split()[1] == "."

    def texts(self, name: str, version: str) -> list[str]:
        """The TXT values of a name that are of this version, for example `v=spf1`."""
        values = self.names.ask(name, "TXT").values
        wanted = version.lower()
        return [
            value
            for value in values
            if value.lower().startswith(wanted)
            and (len(value) == len(wanted) or value[len(wanted)] in " ;\t")
        ]
