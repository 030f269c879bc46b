"""Certificates of an MX host, from an ACME authority through dehydrated.

Stands before all TLS: a chain file that main.cf or nginx names must be there when they reload.
Keys outlive renewals, so that the published TLSA records stay true (RFC 7671 section 8).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi

from components.dns.api import DnsApi
from components.host import Bundle, File, Manifest
from components.host.bundle import read
from components.host.component import Host
from components.services.certificates import dehydrated
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
    owned: dict[str, Any] = {"mode": "0755", "owner": "root", "group": "root"}
    return Manifest(
        bundle="certificates",
        owner=owner,
        packages=["dehydrated", "python3-dnspython", "openssl"],
        directories={
            "/etc/dehydrated/domains.d": {**owned, "exclusive": True},
            "/var/lib/mx": owned,
            dehydrated.STATE: owned,
            dehydrated.WELL_KNOWN: owned,
        },
        files=files,
        check=[
            {"run": ["bash", "-n", "/etc/dehydrated/conf.d/mx.sh"]},
            {"run": [PROGRAM, "check"]},
        ],
        units={TIMER: {}},
        run=[
            {"run": [PROGRAM, "issue"], "timeout": ISSUE_TIMEOUT_SECONDS},
            # A renewal that failed is healed by this: the alert on the unit's state must end.
            {"run": ["systemctl", "reset-failed", RENEWAL]},
        ],
        # Copies only: keys, certificates and the account stay with dehydrated, for the next `up`.
        undo=[{"run": ["rm", "-rf", dehydrated.STATE]}],
    )


def token_manifest(owner: str, tokens: Mapping[str, str]) -> Manifest:
    """The API tokens of the zones, readable by root only."""
    text = json.dumps(dict(tokens), indent=1, sort_keys=True) + "\n"
    return Manifest(
        bundle="acme-dns-tokens", owner=owner, files={TOKENS: File(text, "0600", secret=True)}
    )


class Certificates(pulumi.ComponentResource):
    """Creates: the bundles `acme-dns-tokens` and `certificates`; reads the keys' digests.

    Provides: `chain_files`, known once the certificates are there; `keys`, for each algorithm the
    SHA-256 of the public keys `current` and `next` (upper-case hex, TLSA 3 1 1), `slots` the
    same by the slots that they keep (`ecdsa-a`); `account`, the URL of the ACME account (CAA
    accounturi, RFC 8657).
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        certificates: CertificatesSettings,
        host: Host,
        owner: str,
        api: DnsApi,
        opts: pulumi.ResourceOptions | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        super().__init__("mx:host:Certificates", f"{name}-certificates", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        used = {zone: api.tokens[zone] for zone in dehydrated.zones(settings, name)}
        secret = Bundle(
            f"{name}-acme-dns-tokens",
            host.target,
            token_manifest(owner, used),
            child,
            depends_on=[host.agent, *after],
            secret=True,
        )
        self.bundle = Bundle(
            f"{name}-certificates",
            host.target,
            manifest(settings, certificates, name, owner, api.base_url),
            child,
            depends_on=[secret.command],
        )
        hostname = settings.hosts[name].hostname
        self.chain_files = self.bundle.done(dehydrated.chain_files(hostname))
        # Its input is what makes other keys: other changes leave the digests known in a preview.
        digests = read(
            f"{name}-certificate-keys",
            host.target,
            f"{PROGRAM} keys",
            f"{hostname}\nrollover {certificates.rollover}\n",
            self.bundle,
            child,
        )
        self.keys: pulumi.Output[dict[str, dict[str, str]]] = digests.apply(_part("keys"))
        self.account: pulumi.Output[str | None] = digests.apply(_part("account"))
        self.slots: dict[str, pulumi.Output[str]] = {
            f"{algorithm}-{slot}": digests.apply(_digest(algorithm, slot))
            for algorithm in dehydrated.ALGORITHMS
            for slot in ("a", "b")
        }
        self.register_outputs({"keys": self.keys})


def _digest(algorithm: str, slot: str) -> Callable[[str], str]:
    return lambda text: str(json.loads(text)["slots"][algorithm][slot])


def _part(key: str) -> Any:
    return lambda text: json.loads(text)[key]
