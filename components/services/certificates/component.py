"""Certificates of an MX host, from an ACME authority through dehydrated.

Stands before all TLS: a chain file that main.cf or nginx names must be there when they reload.
Keys outlive renewals, so that the published TLSA records stay true (RFC 7671 section 8).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi

from components.host.bundle import read_fact
from components.host.manifest import EXCLUSIVE, OWNED, Check, File, Manifest, Step, Unit
from components.services.certificates import dehydrated
from components.services.service import Service, Site
from components.settings.certificates import CertificatesSettings
from components.settings.environment import Settings

PROGRAM = "/usr/local/sbin/mx-certificates"
TOKENS = "/etc/mx/acme-dns-tokens.json"
TIMER, RENEWAL = "mx-certificates.timer", "mx-certificates.service"
ISSUE_TIMEOUT_SECONDS = 3600
_FILES = Path(__file__).parent / "files"
_EXECUTABLE = ("usr/local/sbin/mx-certificates", "usr/local/sbin/mx-certificates-hook")
_UNITS = (f"etc/systemd/system/{RENEWAL}", f"etc/systemd/system/{TIMER}")


def manifest(
    settings: Settings, certificates: CertificatesSettings, host: str, owner: str, api: str | None
) -> Manifest:
    """dehydrated, its hook, the timer; and the certificates that are missing or due."""
    package = "usr/local/lib/mx/mx_certificates"
    modules = sorted((_FILES / package).glob("*.py"))
    files = {f"/{package}/{path.name}": File(path.read_text()) for path in modules}
    files |= {f"/{path}": File((_FILES / path).read_text(), "0755") for path in _EXECUTABLE}
    files |= {f"/{path}": File((_FILES / path).read_text()) for path in _UNITS}
    rendered = dehydrated.files(settings, certificates, host)
    rendered["/etc/mx/certificates.json"] = dehydrated.program(settings, certificates, host, api)
    files |= {path: File(text) for path, text in rendered.items()}
    return Manifest(
        bundle="certificates",
        owner=owner,
        packages=["dehydrated", "python3-dnspython", "openssl"],
        directories={
            "/etc/dehydrated/domains.d": EXCLUSIVE,
            "/var/lib/mx": OWNED,
            dehydrated.STATE: OWNED,
            dehydrated.WELL_KNOWN: OWNED,
        },
        files=files,
        check=[
            Check(["bash", "-n", "/etc/dehydrated/conf.d/mx.sh"]),
            Check([PROGRAM, "check"]),
        ],
        units={TIMER: Unit()},
        run=[
            Step([PROGRAM, "issue"], timeout=ISSUE_TIMEOUT_SECONDS, unlocked=True),
            # A renewal that failed is healed by this: the alert on the unit's state must end.
            Step(["systemctl", "reset-failed", RENEWAL]),
        ],
        # Copies only: keys, certificates and the account stay with dehydrated, for the next `up`.
        undo=[Step(["rm", "-rf", dehydrated.STATE])],
    )


def token_manifest(owner: str, tokens: Mapping[str, str]) -> Manifest:
    """The API tokens of the zones, readable by root only."""
    text = json.dumps(dict(tokens), indent=1, sort_keys=True) + "\n"
    return Manifest(
        bundle="acme-dns-tokens", owner=owner, files={TOKENS: File(text, "0600", secret=True)}
    )


class Certificates(Service):
    """Creates: the bundles `acme-dns-tokens` and `certificates`; reads the keys' digests.

    Provides: `chain_files`, known once the certificates are there; `keys`, for each algorithm the
    SHA-256 of the public keys `current` and `next` (upper-case hex, TLSA 3 1 1), `slots` the
    same by the slots that they keep (`ecdsa-a`); `account`, the URL of the ACME account (CAA
    accounturi, RFC 8657).
    """

    TOKEN, SUFFIX = "mx:host:Certificates", "certificates"
    UNITS = (TIMER, RENEWAL)
    # It ends after each run; MxRenewalFailing watches its end.
    UNWATCHED = (RENEWAL,)
    MANUAL = "Certificates"
    SETTINGS = "certificates"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the settings ask for certificates."""
        return settings.certificates is not None

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The manifest of the bundle `certificates`; that of the tokens is a secret."""
        return [manifest(site.settings, _given(site.settings), site.key, site.owner, None)]

    def make(self) -> None:
        """Make both bundles, and the command that reads the digests of the keys."""
        place = self.place
        certificates = _given(place.settings)
        zones = dehydrated.zones(place.settings, place.key)
        tokens = token_manifest(self.owner, {zone: place.api.tokens[zone] for zone in zones})
        # A token that only reads is one for previews: no host gets it.
        reads = not place.api.reads_only.isdisjoint(zones)
        # A first order goes on beside the other services. A later one may hold the agent's lock for
        # as long as the authority takes, so Postfix goes before that.
        new = place.host.target.seen.lacks("certificates")
        before = place.after("resolver" if new else "postfix")
        secret = self.put(tokens, after=[place.host.agent] if new else before, keep=reads)
        wanted = manifest(place.settings, certificates, place.key, self.owner, place.api.base_url)
        self.bundle = self.put(wanted, after=[secret.command, *before])
        hostname = place.settings.hosts[place.key].hostname
        self.chain_files = self.bundle.done(dehydrated.chain_files(hostname))
        # Its input is what makes other keys: other changes leave the digests known in a preview.
        digests = read_fact(
            f"{place.key}-certificate-keys",
            place.host.target,
            f"{PROGRAM} keys",
            f"{hostname}\nrollover {certificates.rollover}\n",
            self.bundle,
            self.child,
        )
        self.keys: pulumi.Output[dict[str, dict[str, str]]] = digests.apply(_part("keys"))
        self.account: pulumi.Output[str | None] = digests.apply(_part("account"))
        self.slots: dict[str, pulumi.Output[str]] = {
            f"{algorithm}-{slot}": digests.apply(_digest(algorithm, slot))
            for algorithm in dehydrated.ALGORITHMS
            for slot in ("a", "b")
        }


def _given(settings: Settings) -> CertificatesSettings:
    """The section of the settings; the service is wanted only where there is one."""
    if settings.certificates is None:
        raise ValueError("the settings have no certificates")
    return settings.certificates


def _digest(algorithm: str, slot: str) -> Callable[[str], str]:
    return lambda text: str(json.loads(text)["slots"][algorithm][slot])


def _part(key: str) -> Any:
    return lambda text: json.loads(text)[key]
