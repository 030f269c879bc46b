"""`scripts/status` at situations published in the lab, a domain or a host for each, and no more.

Those that need something done to a host, a zone or a block list are in test_status.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.topology import CLOUDFLARE_ZONES, MX1, MX2, ipv6

from .test_dns import api, records
from .test_status import status

pytestmark = pytest.mark.host

Body = dict[str, Any]
Records = Mapping[str, tuple[Body, ...]]
UNDER = "example3.test"
ZONE = CLOUDFLARE_ZONES[UNDER]
# No policy host for each; the name server of the lab is the only one.
ALWAYS = {"sts-missing", "ns-few"}
# Certificates and PTR are those of mx1.example.test, which takes no mail for the domain.
OTHER_NAME = {"certificate-name", "ptr-other", "postmaster", "caa-missing"}


def mx(target: str, preference: int = 10) -> Body:
    return {"type": "MX", "content": target, "priority": preference}


def txt(content: str, below: str = "") -> Body:
    return {"type": "TXT", "below": below, "content": f'"{content}"'}


def spf(*texts: str) -> Records:
    return {"spf": tuple(txt(text) for text in texts)}


def dmarc(*texts: str) -> Records:
    return {"dmarc": tuple(txt(text, "_dmarc.") for text in texts)}


def tls_reports(*texts: str) -> Records:
    return {"tlsrpt": tuple(txt(text, "_smtp._tls.") for text in texts)}


def sts(*texts: str) -> Records:
    return {"sts": tuple(txt(text, "_mta-sts.") for text in texts)}


RIGHT: Records = {
    "mx": (mx(MX1.fqdn), mx(MX2.fqdn, 20)),
    **spf("v=spf1 mx -all"),
    **dmarc("v=DMARC1; p=reject"),
    **tls_reports("v=TLSRPTv1; rua=mailto:tls@example.test"),
    "dkim": (
        txt("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "s1._domainkey."),
    ),
}
STS_ADDRESS = {"type": "A", "below": "mta-sts.", "content": MX1.address}
MANY = " ".join([f"a:{MX1.fqdn}"] * 11)

# What differs from a right domain, and the findings.
DOMAINS: dict[str, tuple[Records, set[str]]] = {
    "right": ({}, set()),
    "no-mx": ({"mx": ()}, {"mx-missing"}),
    "null-mx": ({"mx": (mx("."), mx(MX1.fqdn), mx(MX2.fqdn))}, {"mx-null-beside-mx"}),
    "one-mx": ({"mx": (mx(MX1.fqdn),)}, {"mx-single"}),
    "no-spf": (spf("site=1"), {"spf-missing"}),
    "two-spf": (spf("v=spf1 mx -all", "v=spf1 a -all"), {"spf-several"}),
    "open-spf": (spf("v=spf1 mx +all"), {"spf-open"}),
    "misspelled-spf": (spf("v=spf1 ipv4:198.18.77.11 -all"), {"spf-syntax"}),
    "costly-spf": (spf(f"v=spf1 {MANY} -all"), {"spf-lookups", "spf-syntax"}),
    "lost-spf": (spf(f"v=spf1 include:gone.{UNDER} -all"), {"spf-include"}),
    "no-dmarc": (dmarc(), {"dmarc-missing"}),
    "two-dmarc": (dmarc("v=DMARC1; p=reject", "v=DMARC1; p=quarantine"), {"dmarc-several"}),
    "misspelled-dmarc": (dmarc("v=DMARC1; p=refuse"), {"dmarc-syntax"}),
    "toothless-dmarc": (dmarc("v=DMARC1; p=none"), {"dmarc-policy"}),
    "far-dmarc": (dmarc("v=DMARC1; p=reject; rua=mailto:a@sender.test"), {"dmarc-external"}),
    "no-dkim": ({"dkim": ()}, {"dkim-missing"}),
    "no-reports": (tls_reports(), {"tlsrpt-missing"}),
    "dotted-reports": (tls_reports("v=TLSRPTv1; rua=mailto:a@b.test."), {"tlsrpt-record"}),
    "two-sts": (sts("v=STSv1; id=1", "v=STSv1; id=2"), {"sts-record", "sts-host"}),
    "hyphen-sts": (sts("v=STSv1; id=2026-01-01"), {"sts-record", "sts-host"}),
    "homeless-sts": (sts("v=STSv1; id=1"), {"sts-host"}),
    "untrusted-sts": (
        {**sts("v=STSv1; id=1"), "address": (STS_ADDRESS,)},
        {"sts-unreachable"},
    ),
}


def key(usage: int, digest: str) -> Body:
    data = {"usage": usage, "selector": 1, "matching_type": 1, "certificate": digest}
    return {"type": "TLSA", "below": "_25._tcp.", "data": data}


ADDRESSES: tuple[Body, ...] = (
    {"type": "A", "content": MX1.address},
    {"type": "AAAA", "content": ipv6(MX1.numbers[0])},
)
REPORTS = tls_reports("v=TLSRPTv1; rua=mailto:tls@example.test")
ELSEWHERE = tuple(key(3, digit * 64) for digit in "01")
# An MX host, its records, and the findings.
HOSTS: dict[str, tuple[tuple[Body, ...], set[str]]] = {
    "gone": ((), {"mx-target"}),
    "alias": (({"type": "CNAME", "content": MX1.fqdn},), {"mx-cname", "dane-missing"}),
    "no-ipv6": ((ADDRESSES[0],), {"mx-aaaa", "dane-missing"}),
    "no-ipv4": ((ADDRESSES[1],), {"mx-a", "dane-missing"}),
    "no-tlsa": (ADDRESSES, {"dane-missing"}),
    "other-tlsa": ((*ADDRESSES, *REPORTS["tlsrpt"], *ELSEWHERE), {"dane-mismatch"}),
    "pkix-tlsa": (
        (*ADDRESSES, *REPORTS["tlsrpt"], *(key(1, digit * 64) for digit in "01")),
        {"dane-parameters"},
    ),
    "unreported-tlsa": ((*ADDRESSES, *ELSEWHERE), {"dane-mismatch", "tlsrpt-host"}),
    "misspelled-caa": (
        (
            *ADDRESSES,
            {"type": "CAA", "data": {"flags": 0, "tag": "issue", "value": "https://ca.test/"}},
        ),
        {"dane-missing", "caa-syntax"},
    ),
}


def below(name: str, bodies: tuple[Body, ...]) -> list[Body]:
    return [
        {"ttl": 60, **body, "name": f"{body.get('below', '')}{name}.{UNDER}"} for body in bodies
    ]


@pytest.fixture(scope="module")
def found(lab: dict[str, str]) -> Iterator[dict[str, set[str]]]:
    """The findings by name, of one look at all of them."""
    posts = []
    for name, (changes, _) in DOMAINS.items():
        posts += below(name, tuple(body for part in {**RIGHT, **changes}.values() for body in part))
    for name, (bodies, _) in HOSTS.items():
        posts += below(name, bodies)
        posts += below(f"mail.{name}", (mx(f"{name}.{UNDER}"), *RIGHT["spf"]))
    before = records(ZONE)
    api("POST", f"{ZONE}/dns_records/batch", {"posts": posts})
    try:
        domains = [*DOMAINS, *(f"mail.{name}" for name in HOSTS)]
        by_name: dict[str, set[str]] = {}
        for check, subject in status(*(f"{name}.{UNDER}" for name in domains)):
            name = subject.split()[0].removesuffix(f".{UNDER}")
            by_name.setdefault(name, set()).add(check)
        yield by_name
    finally:
        ours = [{"id": number} for number in records(ZONE) if number not in before]
        api("POST", f"{ZONE}/dns_records/batch", {"deletes": ours})


@pytest.mark.parametrize("name", DOMAINS)
def test_what_is_wrong_with_a_domain_is_named(found: dict[str, set[str]], name: str) -> None:
    assert found.get(name, set()) - ALWAYS == DOMAINS[name][1]


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_wrong_with_an_mx_host_is_named(found: dict[str, set[str]], name: str) -> None:
    assert found.get(name, set()) - OTHER_NAME == HOSTS[name][1]
