"""The TLS that mail for each mailbox host of a stack must have, by the settings alone.

Nothing is asked: a mailbox host often takes connections from the MX hosts only. Levels are those
of smtp_tls_security_level and smtp_tls_policy_maps (postconf(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from components.settings.environment import Settings

_MEANING = {
    "none": "mail goes in clear text",
    "may": "TLS where the mailbox host offers it, otherwise clear text",
    "encrypt": "TLS is required, with any certificate",
    "dane": "DANE where the mailbox host has signed TLSA records, otherwise TLS where it offers it",
    "dane-only": "TLS is required, verified by DANE",
    "fingerprint": "TLS is required, with one of the certificates that the policy lists",
    "verify": "TLS is required, with a trusted certificate for the mailbox host's name",
    "secure": "TLS is required, with a trusted certificate for the mailbox host's name",
}


@dataclass(frozen=True)
class MailboxTls:
    """A mailbox host as Postfix's next hop, and its TLS.

    `policy` is the text in `postfix.tlsPolicies`, None without one; `level` is the level in force.
    `asks`: Postfix also asks a policy service of the operator, which may demand more.
    """

    next_hop: str
    protocol: str
    policy: str | None
    level: str
    asks: bool

    def __str__(self) -> str:
        """The line for a person."""
        source = f"policy {self.policy!r}" if self.policy is not None else "no policy"
        meaning = _MEANING.get(self.level, f"the level is {self.level}")
        more = ", unless postfix.tls.policyService demands more" if self.asks else ""
        where = f"TLS to the mailbox host {self.next_hop} ({self.protocol})"
        return f"{where}: {meaning}{more} ({source} in postfix.tlsPolicies)"


def mailbox_tls(settings: Settings) -> list[MailboxTls]:
    """One entry for each mailbox host that a mail domain uses, sorted by next hop."""
    return sorted(set(_each(settings)), key=lambda each: each.next_hop)


def _each(settings: Settings) -> Iterator[MailboxTls]:
    for domain in settings.domains.values():
        mailbox = settings.mailbox_hosts[domain.mailbox_host]
        hop = f"[{mailbox.hostname}]:{mailbox.port}"
        policy, protocol = settings.postfix.tls_policies.get(hop), mailbox.protocol
        if policy is not None:
            level, asks = re.split(r"[\s,]+", policy)[0], False
        else:
            level = _default(settings, protocol)
            asks = protocol == "smtp" and settings.postfix.tls.policy_service not in (None, "none")
        yield MailboxTls(hop, protocol, policy, level, asks)


def _default(settings: Settings, protocol: str) -> str:
    """The level without a policy; without `certificates` it is Postfix's own default, no TLS."""
    ours = "none" if settings.certificates is None else "dane"
    return settings.postfix.extra.get(f"{protocol}_tls_security_level", ours).lower() or "none"
