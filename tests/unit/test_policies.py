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
    (dmarc.faults, "v=DMARC1; p=reject; sp=none; rua=mailto:a@b.test!10m,mailto:c@d.test; pct=50;"),
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
    (spf.faults, "v=spf1 ip4:2001:db8::1 -all", "other family"),
    (spf.faults, "v=spf1 include: -all", "include names no domain"),
    (spf.faults, "v=spf1 " + "a:x.test " * 11 + "-all", "more than 10 terms"),
    (dmarc.faults, "v=DMARC1", "p= is missing"),
    (dmarc.faults, "p=reject; v=DMARC1", "does not begin with v=DMARC1"),
    (dmarc.faults, "v=DMARC1; p=refuse", "p=refuse is none of"),
    (dmarc.faults, "v=DMARC1; p=none; p=none", "p= stands twice"),
    (dmarc.faults, "v=DMARC1; p=none; rua=a@b.test", "begins with none of mailto:"),
    (dmarc.faults, "v=DMARC1; p=none; pct=101", "not a number from 0 to 100"),
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
