"""Texts of policies: a right one has no fault, a wrong one is told by what is wrong with it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from components.policies import dkim, dmarc, mta_sts, spf, tlsrpt


def rsa_key(bits: int, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, form)).decode()


ED25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RIGHT: list[tuple[Callable[[str], list[str]], str]] = [
    (spf.faults, "v=spf1 mx -all"),
    (spf.faults, "v=spf1 a:mail.example.org/28 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all"),
    (spf.faults, "v=spf1 include:_spf.example.org exists:%{i}.s.example.org redirect=x.test"),
    (spf.faults, "v=spf1 a//64 mx/24//64 ?all exp=e.example.org"),
    (dmarc.faults, "v=DMARC1; p=reject; sp=none; rua=mailto:a@b.test!10m,mailto:c@d.test;"),
    (spf.faults, "v=spf1 exists:%{ir}.%{v}._spf.%{d2} ~all"),
    (spf.faults, "v=spf1 a:%{d} mx unknown=x%{s} -all"),
    (spf.faults, "v=spf1 exists:%{l1r+-/_}.x.test. -all"),
    (spf.faults, "V=SPF1 PTR -ALL"),
    (dmarc.faults, "v=DMARC1; rua=mailto:a@b.test"),
    (dmarc.faults, "v=DMARC1; p=reject; np=reject; psd=n; t=y; fo=1:d:s; adkim=s"),
    (dkim.faults, f"v=DKIM1; k=ed25519; p={ED25519}"),
    (dkim.faults, "v=DKIM1; p="),
    (dkim.faults, f"v=DKIM1; k=rsa; p={rsa_key(2048)}"),
    (dkim.faults, f"p={rsa_key(2048, PublicFormat.PKCS1)}"),
    (tlsrpt.faults, "v=TLSRPTv1;rua=mailto:a@b.test,https://c.test/v1"),
    (mta_sts.record_faults, "v=STSv1; id=20260101T000000;"),
]
WRONG: list[tuple[Callable[[str], list[str]], str, str]] = [
    (spf.faults, "v=spf2 -all", "does not begin with v=spf1"),
    (spf.faults, "v=spf1 mx +all", "+all lets every host"),
    (spf.faults, "v=spf1 mx all", "+all lets every host"),
    (spf.faults, "v=spf1 mx", "neither with all"),
    (spf.faults, "v=spf1 ipv4:192.0.2.1 -all", "'ipv4' is not a mechanism"),
    (spf.faults, "v=spf1 ip4:192.0.2.256 -all", "is not an address"),
    (spf.faults, "v=spf1 ip4:2001:db8::1 -all", "other IP version"),
    (spf.faults, "v=spf1 include: -all", "include needs a domain"),
    (spf.faults, "v=spf1 " + "a:x.test " * 11 + "-all", "more than 10 terms"),
    (spf.faults, "v=spf1 mx -all ip4:192.0.2.1", "ip4:192.0.2.1 stands after all"),
    (spf.faults, "v=spf1 a:192.0.2.1 -all", "write ip4:192.0.2.1"),
    (spf.faults, "v=spf1 mx:2001:db8::1 -all", "write ip6:2001:db8::1"),
    (spf.faults, "v=spf1 mx -all redirect=_spf.example.net", "does nothing beside all"),
    (spf.faults, "v=spf1 exists:%{x}.check.example -all", "'%{x}' is no macro"),
    (spf.faults, "v=spf1 exists:%{c}.check.example -all", "'%{c}' is no macro"),
    (spf.faults, "v=spf1 include:100%.example.org -all", "is no macro"),
    (spf.faults, "v=spf1 a/33 -all", "/33 is too long for IPv4"),
    (spf.faults, "v=spf1 mx//129 -all", "/129 is too long for IPv6"),
    (spf.faults, "v=spf1 ip4:192.0.2.0/024 -all", "leading zero"),
    (spf.faults, "v=spf1 include:x.test/24 -all", "a prefix, which only"),
    (spf.faults, "v=spf1 -all v=spf1 mx -all", "the text has two records"),
    (spf.faults, "v=spf1 ip4=192.0.2.1 -all", "write ip4:192.0.2.1"),
    (spf.faults, "v=spf1 include:spf -all", "'spf' is not a domain name"),
    (spf.faults, "v=spf1 -all:x.test", "all takes no value"),
    (spf.faults, "v=spf1 ip4:0.0.0.0/0 -all", "a large part of the world"),
    (spf.faults, "v=spf1 a/0 -all", "a large part of the world"),
    (dmarc.faults, "v=DMARC1", "p= is missing"),
    (dmarc.faults, "v=DMARC1; p=none; psd=yes", "psd=yes: must be one of y, n, u"),
    (dmarc.faults, "v=DMARC1; p=none; t=1", "t=1: must be one of y, n"),
    (dmarc.faults, "v=DMARC1; p=none; fo=1,d", "may have only 0, 1, d and s"),
    (dmarc.faults, "v=DMARC1; p=none; ri=3600", "ri= was removed by RFC 9989"),
    (dmarc.faults, "v=DMARC1; p=none; rf=afrf", "rf= was removed by RFC 9989"),
    (dmarc.faults, "v=DMARC1; p=none; aspff=s", "did you mean aspf=?"),
    (dmarc.faults, "p=reject; v=DMARC1", "does not begin with v=DMARC1"),
    (dmarc.faults, "v=DMARC1; p=refuse", "p=refuse: must be one of"),
    (dmarc.faults, "v=DMARC1; p=none; p=none", "p= stands twice"),
    (dmarc.faults, "v=DMARC1; p=none; rua=a@b.test", "must begin with mailto:"),
    (dmarc.faults, "v=DMARC1; p=none; pct=50", "pct= was removed by RFC 9989"),
    (dmarc.faults, "v=DMARC1 p=none", "does not begin with v=DMARC1"),
    (dkim.faults, f"v=DKIM1; p={rsa_key(1024)}", "1024 bits"),
    (dkim.faults, "v=DKIM1; p=!!!!", "not base64"),
    (dkim.faults, "v=DKIM1; k=ed25519; p=AAAA", "3 bytes"),
    (dkim.faults, "v=DKIM1", "p= is missing"),
    (dkim.faults, f"v=DKIM1; p={ED25519}", "not an RSA public key"),
    (tlsrpt.faults, "v=TLSRPTv1; rua=mailto:a@b.test.", "because of its final dot"),
    (tlsrpt.faults, "v=TLSRPTv1;", "rua= is missing"),
    (tlsrpt.faults, "v=TLSRPTv2; rua=mailto:a@b.test", "does not begin with v=TLSRPTv1"),
    (mta_sts.record_faults, "v=STSv1; id=2026-01-01", "1 to 32 letters and digits"),
]


@pytest.mark.parametrize(("faults", "text"), RIGHT)
def test_right_text_has_no_fault(faults: Callable[[str], list[str]], text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(("faults", "text", "words"), WRONG)
def test_wrong_text_says_what_is_wrong(
    faults: Callable[[str], list[str]], text: str, words: str
) -> None:
    assert any(words in fault for fault in faults(text)), faults(text)


def test_sts_policy_is_read_and_its_faults_are_told() -> None:
    text = (
        "version: STSv1\r\nmode: enforce\r\nmx: mx1.a.test\r\nmx: *.b.test\r\nmax_age: 604800\r\n"
    )
    policy, wrong = mta_sts.parse(text)
    assert wrong == []
    assert policy == mta_sts.Policy("enforce", 604800, ("mx1.a.test", "*.b.test"))
    allowed = ["mx1.a.test", "x.b.test", "x.y.b.test", "b.test", "mx2.a.test"]
    assert [mta_sts.allows(policy, host) for host in allowed] == [True, True, False, False, False]
    _, wrong = mta_sts.parse("version: STSv2\nmode: on\nmax_age: long\nbad")
    assert len(wrong) == 4


def test_external_reports_are_those_of_an_unrelated_domain() -> None:
    assert dmarc.external("a.test", "b.test")
    assert not dmarc.external("a.test", "reports.a.test")
    assert not dmarc.external("sub.a.test", "a.test")
