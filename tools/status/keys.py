"""The keys of a stack file that do what a check of `mx status` asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from tools.status.check import Finding


def _text(key: str) -> str:
    """A text for all mail domains, which each may have for itself."""
    return f"`dns.records.{key}`, or `domains.NAME.records.{key}` for one domain"


_PROFILE = "`postfix.tls.serverProfile`"
_POLICY = "`domains.NAME.mtaSts`, which needs `certificates`"
_SIGNS = "`dns.dnssecZones`, with which Cloudflare signs the zone"
_TLSA = "`dns.signedZones`, which needs `certificates`"
_FURTHER = "`domains.NAME.records.dkim` for the keys of other senders"

KEYS = {
    "mx-missing": "`domains.NAME.mx`, or `dns.parkedDomains` for a domain without mail",
    "mx-single": "`hosts`, and `domains.NAME.mx` if the domain has that",
    "mx-target": "`hosts.NAME.ipv4`, or `hosts.NAME.hostname` for another name",
    "mx-cname": "`hosts.NAME.hostname`",
    "mx-a": "`hosts.NAME.ipv4`",
    "mx-aaaa": "`hosts.NAME.ipv6`",
    "mx-private": "`hosts.NAME.ipv4` and `hosts.NAME.ipv6`",
    "port-closed": "`hosts.NAME.inetInterfaces`, the addresses that Postfix listens on",
    "open-relay": "`postfix.mynetworks`, whose clients may relay",
    "postmaster": "`domains.NAME.recipients` or `domains.NAME.aliases`",
    "starttls-missing": "`certificates`",
    "tls-failed": f"`certificates` and {_PROFILE}",
    "tls-old": _PROFILE,
    "tls-ciphers": _PROFILE,
    "tls-ciphers-old": _PROFILE,
    "tls-ecdsa": "`certificates`, which gets both",
    "tls-rsa": "`certificates`, which gets both",
    "tls-sha1": f"{_PROFILE}, of which ncsc-2025 has such a list",
    "certificate-name": "`certificates`",
    "certificate-trust": "`certificates.acmeDirectoryUrl`",
    "certificate-key": "`certificates.rsaBits`, and `certificates.rollover` for a new key",
    "dane-mismatch": "`dns.signedZones`; `certificates.rollover` changes the key in this order",
    "dane-missing": _TLSA,
    "dane-rollover": f"{_TLSA}: it publishes the next key too",
    "dane-insecure": f"{_SIGNS}; `dns.signedZones` publishes the records",
    "dnssec-unsigned": _SIGNS,
    "mx-dnssec-unsigned": _SIGNS,
    "caa-missing": "`dns.caa`",
    "caa-syntax": "`dns.caa`",
    "spf-missing": _text("spf"),
    "spf-syntax": _text("spf"),
    "spf-open": _text("spf"),
    "spf-lookups": _text("spf"),
    "spf-include": _text("spf"),
    "dmarc-missing": _text("dmarc"),
    "dmarc-syntax": _text("dmarc"),
    "dmarc-policy": _text("dmarc"),
    "dmarc-external": _text("dmarc"),
    "dkim-missing": f"{_FURTHER}; those of the hosts are published by `mx up`",
    "dkim-key": f"{_FURTHER}; those of the hosts are published by `mx up`",
    "sts-missing": f"{_POLICY} and does both",
    "sts-host": _POLICY,
    "sts-unreachable": _POLICY,
    "sts-mx": "`domains.NAME.mtaSts.alsoMx`, for a host that others run",
    "sts-extra": "`domains.NAME.mtaSts.alsoMx`",
    "sts-mode": "`domains.NAME.mtaSts.mode`",
    "sts-age": "`domains.NAME.mtaSts.maxAgeSeconds`",
    "tlsrpt-missing": _text("tlsRpt"),
    "tlsrpt-record": _text("tlsRpt"),
    "tlsrpt-host": "`dns.records.tlsRpt`",
}
"""Check to the words that name its keys; a check that no key does anything about is not here."""


# What a domain lacks while the stack holds MX records back.
_HELD = "`domains.NAME.leavingMx` or `hosts.NAME.leaving`, which holds back MX records of the stack"
_LACKS = ("mx-missing", "mx-single")


def named(
    found: Iterable[Finding], ours: Collection[str], held: Collection[str] = ()
) -> list[Finding]:
    """The findings, of which those about `ours` say in which key of the stack file the cure is.

    ours: mail domains and host names of the stack. A finding about an address begins with the host.
    held: domains whose hosts are not all named by MX records of the stack.
    """
    return [
        replace(each, cure=f"In the stack file: {_HELD}.")
        if each.check in _LACKS and each.subject in held
        else replace(each, cure=f"{each.cure} In the stack file: {KEYS[each.check]}.")
        if each.check in KEYS and each.subject.split(" ")[0] in ours
        else each
        for each in found
    ]
