"""MTA-STS policies (RFC 8461 section 3.2), from the real MX hosts of each domain."""

from __future__ import annotations

import hashlib

from components.settings.environment import Settings

DIRECTORY = "/var/lib/mx/mta-sts"


def policy(settings: Settings, domain: str) -> str:
    """The policy's text. Raises KeyError when the domain has none."""
    sts = settings.domains[domain].mta_sts
    if sts is None:
        raise KeyError(domain)
    names = [settings.hosts[key].hostname for key in settings.keepers(domain)]
    lines = ["version: STSv1", f"mode: {sts.mode}"]
    lines += [f"mx: {name}" for name in dict.fromkeys([*names, *sts.also_mx])]
    return "".join(f"{line}\n" for line in [*lines, f"max_age: {sts.max_age_seconds}"])


def policy_id(settings: Settings, domain: str) -> str:
    """What the record `_mta-sts` says: the same text has the same id, another text another."""
    return hashlib.sha256(policy(settings, domain).encode()).hexdigest()[:20]


def ids(settings: Settings) -> dict[str, str]:
    """Mail domain to the id of its policy."""
    return {
        name: policy_id(settings, name)
        for name, domain in settings.domains.items()
        if domain.mta_sts is not None
    }
