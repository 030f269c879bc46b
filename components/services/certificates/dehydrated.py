"""dehydrated on an MX host: its configuration, and ours of the program that drives it.

Sources: dehydrated(1), /usr/share/doc/dehydrated/docs/domains_txt.md, per-certificate-config.md.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from components.settings.certificates import CertificatesSettings
from components.settings.environment import Settings

ALGORITHMS = ("ecdsa", "rsa")
STATE = "/var/lib/mx/certificates"
WELL_KNOWN = "/var/lib/mx/acme-challenges"
CA_ROOT = "/etc/mx/acme-ca-root.pem"
CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"
_KEY_ALGORITHM = {"ecdsa": "prime256v1", "rsa": "rsa"}


def names(settings: Settings, host: str) -> list[str]:
    """The names a host needs certificates for: its own first, then its policy hosts'."""
    return [
        settings.hosts[host].hostname,
        *(f"mta-sts.{domain}" for domain in settings.mta_sts_domains_of(host)),
    ]


def alias(name: str, algorithm: str) -> str:
    """How dehydrated calls the certificate of a name and an algorithm."""
    return f"{name}_{algorithm}"


def chain_files(name: str) -> list[str]:
    """Key and chain of each algorithm of a name, one file each, as postconf(5) takes them."""
    return [f"{STATE}/{alias(name, algorithm)}.pem" for algorithm in ALGORITHMS]


def config(certificates: CertificatesSettings) -> str:
    """/etc/dehydrated/conf.d/mx.sh."""
    curl = "--connect-timeout 15 --max-time 120"
    if certificates.acme_ca_root is not None:
        curl += f" --cacert {ca_root_path(certificates)}"
    values = {
        "CA": certificates.acme_directory_url,
        "CHALLENGETYPE": certificates.challenge,
        "HOOK": "/usr/local/sbin/mx-certificates-hook",
        "WELLKNOWN": WELL_KNOWN,
        "DOMAINS_D": "/etc/dehydrated/domains.d",
        "PRIVATE_KEY_RENEW": "no",
        "PRIVATE_KEY_ROLLOVER": "no",
        "KEYSIZE": str(certificates.rsa_bits),
        "OCSP_MUST_STAPLE": "no",
        "AUTO_CLEANUP": "yes",
        "CURL_OPTS": curl,
        "CONTACT_EMAIL": certificates.contact,
        "ACME_PROFILE": certificates.acme_profile,
    }
    return (
        "# Read by dehydrated(1).\n"
        "# shellcheck shell=bash disable=SC2034\n"
        "# The published TLSA 3 1 1 records are of the key (RFC 7671): it outlives renewals.\n"
    ) + assignments(values)


def assignments(values: Mapping[str, str | None]) -> str:
    """Lines for a shell of root's: names are ours, each value is one word whatever is in it."""
    return "".join(
        f"{name}={shlex.quote(value)}\n" for name, value in values.items() if value is not None
    )


def ca_root_path(certificates: CertificatesSettings) -> str:
    """Where the root for the ACME server's own certificate is on the host."""
    root = certificates.acme_ca_root or ""
    return root if root.startswith("/") else CA_ROOT


def files(settings: Settings, certificates: CertificatesSettings, host: str) -> dict[str, str]:
    """Path to text of dehydrated's files: configuration, names, algorithm of each certificate."""
    texts = {
        "/etc/dehydrated/conf.d/mx.sh": config(certificates),
        "/etc/dehydrated/domains.txt": "".join(
            f"{name} > {alias(name, algorithm)}\n"
            for name in names(settings, host)
            for algorithm in ALGORITHMS
        ),
    }
    for name in names(settings, host):
        for algorithm in ALGORITHMS:
            path = f"/etc/dehydrated/domains.d/{alias(name, algorithm)}"
            texts[path] = assignments({"KEY_ALGO": _KEY_ALGORITHM[algorithm]})
    if certificates.acme_ca_root is not None and ca_root_path(certificates) == CA_ROOT:
        texts[CA_ROOT] = certificates.acme_ca_root.strip() + "\n"
    return texts


def program(
    settings: Settings, certificates: CertificatesSettings, host: str, api: str | None = None
) -> str:
    """/etc/mx/certificates.json, what mx-certificates(8) reads."""
    return (
        json.dumps(
            {
                "ca": certificates.acme_directory_url,
                "profile": certificates.acme_profile,
                "challenge": certificates.challenge,
                "rsaBits": certificates.rsa_bits,
                "rollover": certificates.rollover,
                "renewDays": certificates.renew_days,
                "propagationTimeoutSeconds": certificates.propagation_timeout_seconds,
                "api": api or CLOUDFLARE_API,
                "zones": {zone: settings.dns.zones[zone] for zone in zones(settings, host)},
                "mx": settings.hosts[host].hostname,
                "certificates": [
                    {
                        "name": name,
                        "algorithm": algorithm,
                        "alias": alias(name, algorithm),
                        "zone": settings.zone_of(name.removeprefix("mta-sts.")),
                    }
                    for name in names(settings, host)
                    for algorithm in ALGORITHMS
                ],
            },
            indent=2,
        )
        + "\n"
    )


def zones(settings: Settings, host: str) -> list[str]:
    """The zones in which challenges of a host's names are published, and no other."""
    found = {settings.zone_of(settings.hosts[host].hostname)}
    return sorted(
        found | {settings.zone_of(domain) for domain in settings.mta_sts_domains_of(host)}
    )
