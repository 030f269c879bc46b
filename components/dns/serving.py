"""What an MX host keeps its promises with: DNS publishes no promise before these are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi


@dataclass(frozen=True)
class Serving:
    """Of one MX host; None where nothing keeps such a promise yet.

    `agent`: was reached, and showed the expected key (A, AAAA, SSHFP, and what else is at the
    host's name). `mail`: takes mail (MX). `rows`: knows the mail domains (MX). `tls`: Postfix
    serves the certificates (TLSA, and MX once it is there). `policy`: the MTA-STS policy is served
    (`_mta-sts`). `host_key`: its SSH key. `keys`: slot to the SHA-256 of a public key that is
    served or announced, upper-case hex; see `components.dns.record.Facts` for what a slot is.
    `dkim`: mail domain to the TXT value of the key that the host signs with.
    """

    mail: pulumi.Resource
    host_key: str
    tls: pulumi.Resource | None = None
    policy: pulumi.Resource | None = None
    agent: pulumi.Resource | None = None
    rows: pulumi.Resource | None = None
    keys: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    dkim: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)

    def keeps(self, promise: str) -> list[pulumi.Resource]:
        """The resources that a promise of `components.dns.record.Promise` waits for."""
        needed = {
            "nothing": (),
            "agent": (self.agent,),
            # A sender that has the policy uses no MX that it does not name (RFC 8461 section 8).
            "mail": (self.mail, self.rows, self.tls, self.policy),
            "tls": (self.tls,),
            "policy": (self.policy, self.tls),
        }
        return [resource for resource in needed[promise] if resource is not None]

    @property
    def announced(self) -> Mapping[str, pulumi.Input[str]]:
        """The keys for TLSA: none before Postfix serves them, or senders with DANE would stop."""
        return self.keys if self.tls is not None else {}
