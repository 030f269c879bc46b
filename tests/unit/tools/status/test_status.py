"""A right mail system has no finding; each thing that is broken is found and named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.support.status_world import ADDRESSES, POLICY, Right, Server, spki
from tools.status import mx, run
from tools.status.names import Answer
from tools.status.smtp import INSUFFICIENT, PHASE_OUT, Greeting
from tools.status.world import Page

Break = Callable[[Right], object]
MX1 = "192.0.2.1"
TLSA1 = "_25._tcp.mx1.ok.test"


def put(name: str, kind: str, *values: str, secure: bool = True) -> Break:
    return lambda right: right.names.put(name, kind, *values, secure=secure)


def answer(name: str, kind: str, answer: Answer) -> Break:
    return lambda right: right.names.table.__setitem__((name, kind), answer)


def remove(name: str, kind: str) -> Break:
    return lambda right: right.names.table.pop((name, kind))


def at(server: str, name: str, kind: str, answer: Answer) -> Break:
    return lambda right: right.names.servers.__setitem__((server, name, kind), answer)


def server(**values: object) -> Break:
    """Another server at every address of mx1."""

    def change(right: Right) -> None:
        for address in ADDRESSES["mx1.ok.test"]:
            right.smtp.servers[address] = Server("mx1.ok.test", **values)  # type: ignore[arg-type]

    return change


def greeting(**values: object) -> Break:
    good = Greeting(None, "mx", frozenset({"starttls"}), False, 250)
    return server(greeting=dataclasses.replace(good, **values))  # type: ignore[arg-type]


def policy(old: str, new: str) -> Break:
    page = Page(None, 200, "text/plain", POLICY.replace(old, new))
    return lambda right: right.web.pages.update(dict.fromkeys(right.web.pages, page))


def page(value: Page) -> Break:
    return lambda right: right.web.pages.__setitem__(MX1, value)


def listed(*codes: str) -> Break:
    return lambda right: right.listed(*codes)


def selectors(*names: str) -> Break:
    return lambda right: setattr(right, "selectors", names)


CHAIN = " ".join(f"include:n{n}.inc.test" for n in range(1, 6))


def many_lookups(right: Right) -> None:
    right.names.put("ok.test", "TXT", f"v=spf1 {CHAIN} -all")
    for n in range(1, 6):
        right.names.put(f"n{n}.inc.test", "TXT", "v=spf1 a mx ~all")


def private_address(right: Right) -> None:
    right.names.put("mx1.ok.test", "A", "10.0.0.1")
    right.names.put("ptr 10.0.0.1", "PTR", "mx1.ok.test")
    right.smtp.servers["10.0.0.1"] = Server("mx1.ok.test")


def short_rsa_key(right: Right) -> None:
    server(keys={"ECDSA": "ECDSA", "RSA": "RSA1024"})(right)
    right.names.put(TLSA1, "TLSA", f"3 1 1 {spki('ECDSA')}", f"3 1 1 {spki('RSA1024')}")


def ptr_of_another_name(right: Right) -> None:
    right.names.put(f"ptr {MX1}", "PTR", "out.test")
    right.names.put("out.test", "A", MX1)


BOGUS = Answer("bogus")
SPF = "ok.test", "TXT"
DMARC = "_dmarc.ok.test", "TXT"
STS = "_mta-sts.ok.test", "TXT"
RPT = "_smtp._tls.ok.test", "TXT"
BROKEN: dict[str, tuple[Break, set[str]]] = {
    "mx_of_a_host_that_does_not_exist": (
        put("ok.test", "MX", "10 mx1.ok.test", "20 mx2.ok.test", "30 gone.test"),
        {"mx-target", "sts-mx"},
    ),
    "no_mx": (remove("ok.test", "MX"), {"mx-missing", "sts-extra"}),
    "mx_is_a_cname": (
        answer("mx1.ok.test", "A", Answer("found", (MX1,), True, "other.test")),
        {"mx-cname"},
    ),
    "null_mx_beside_mx": (
        put("ok.test", "MX", "0 .", "10 mx1.ok.test", "20 mx2.ok.test"),
        {"mx-null-beside-mx"},
    ),
    "one_mx": (put("ok.test", "MX", "10 mx1.ok.test"), {"mx-single", "sts-extra"}),
    "no_ipv6": (remove("mx1.ok.test", "AAAA"), {"mx-aaaa"}),
    "no_ipv4": (remove("mx1.ok.test", "A"), {"mx-a"}),
    "address_of_a_private_network": (private_address, {"mx-private"}),
    "one_name_server": (put("ok.test", "NS", "ns1.ok.test"), {"ns-few"}),
    "name_server_does_not_answer": (
        at("192.0.2.52", "ok.test", "SOA", Answer("failed")),
        {"ns-lame"},
    ),
    "name_server_is_stale": (
        at("192.0.2.52", "ok.test", "SOA", Answer("found", ("n. h. 6 1 1 1 1",))),
        {"ns-stale"},
    ),
    "name_servers_differ": (
        at("192.0.2.52", "ok.test", "MX", Answer("found", ("10 old.test",))),
        {"ns-differ"},
    ),
    "zone_is_bogus": (answer("ok.test", "TXT", BOGUS), {"dnssec-bogus", "spf-missing"}),
    "zone_is_unsigned": (
        put("ok.test", "MX", "10 mx1.ok.test", "20 mx2.ok.test", secure=False),
        {"dnssec-unsigned"},
    ),
    "host_is_bogus": (
        answer("mx1.ok.test", "AAAA", BOGUS),
        {"mx-dnssec-bogus", "mx-aaaa"},
    ),
    "host_is_unsigned": (
        put("mx1.ok.test", "A", MX1, secure=False),
        {"mx-dnssec-unsigned"},
    ),
    "no_spf": (put(*SPF, "site=1"), {"spf-missing"}),
    "two_spf": (put(*SPF, "v=spf1 mx -all", "v=spf1 a -all"), {"spf-several"}),
    "spf_of_all": (put(*SPF, "v=spf1 mx +all"), {"spf-open"}),
    "spf_neutral": (put(*SPF, "v=spf1 mx ?all"), {"spf-open"}),
    "spf_without_end": (put(*SPF, "v=spf1 mx"), {"spf-syntax"}),
    "spf_misspelled": (put(*SPF, "v=spf1 ipv4:192.0.2.1 -all"), {"spf-syntax"}),
    "spf_of_15_lookups": (many_lookups, {"spf-lookups"}),
    "spf_includes_nothing": (put(*SPF, "v=spf1 include:gone.test -all"), {"spf-include"}),
    "spf_includes_itself": (put(*SPF, "v=spf1 include:ok.test -all"), {"spf-include"}),
    "no_dmarc": (remove(*DMARC), {"dmarc-missing"}),
    "two_dmarc": (put(*DMARC, "v=DMARC1; p=reject", "v=DMARC1; p=quarantine"), {"dmarc-several"}),
    "dmarc_misspelled": (put(*DMARC, "v=DMARC1; p=refuse"), {"dmarc-syntax"}),
    "dmarc_none": (put(*DMARC, "v=DMARC1; p=none"), {"dmarc-policy"}),
    "dmarc_reports_to_strangers": (
        put(*DMARC, "v=DMARC1; p=reject; rua=mailto:a@other.test"),
        {"dmarc-external"},
    ),
    "no_dkim": (remove("s1._domainkey.ok.test", "TXT"), {"dkim-missing"}),
    "selector_without_key": (selectors("s2"), {"dkim-key"}),
    "no_tlsrpt": (remove(*RPT), {"tlsrpt-missing"}),
    "tlsrpt_with_a_final_dot": (
        put(*RPT, "v=TLSRPTv1; rua=mailto:t@ok.test."),
        {"tlsrpt-record"},
    ),
    "no_tlsrpt_of_a_host": (remove("_smtp._tls.mx1.ok.test", "TXT"), {"tlsrpt-host"}),
    "no_sts": (remove(*STS), {"sts-missing"}),
    "two_sts_records": (put(*STS, "v=STSv1; id=1", "v=STSv1; id=2"), {"sts-record"}),
    "sts_id_with_a_hyphen": (put(*STS, "v=STSv1; id=2026-01-01"), {"sts-record"}),
    "sts_host_without_address": (remove("mta-sts.ok.test", "A"), {"sts-host"}),
    "sts_certificate": (page(Page("its certificate: expired")), {"sts-unreachable"}),
    "sts_redirects": (page(Page(None, 301)), {"sts-unreachable"}),
    "sts_policies_differ": (
        page(Page(None, 200, "text/plain", POLICY.replace("1209600", "604800"))),
        {"sts-differ"},
    ),
    "sts_policy_misses_an_mx": (policy("mx: mx2.ok.test\r\n", ""), {"sts-mx"}),
    "sts_policy_names_a_stranger": (policy("max_age", "mx: old.test\r\nmax_age"), {"sts-extra"}),
    "sts_policy_without_mode": (policy("mode: enforce\r\n", ""), {"sts-policy"}),
    "sts_testing": (policy("enforce", "testing"), {"sts-mode"}),
    "sts_short_age": (policy("1209600", "3600"), {"sts-age"}),
    "no_tlsa": (remove(TLSA1, "TLSA"), {"dane-missing"}),
    "tlsa_of_another_key": (
        put(TLSA1, "TLSA", f"3 1 1 {'0' * 64}", f"3 1 1 {'1' * 64}"),
        {"dane-mismatch"},
    ),
    "tlsa_of_one_algorithm_only": (
        put(TLSA1, "TLSA", f"3 1 1 {spki('ECDSA')}", f"3 1 1 {'1' * 64}"),
        {"dane-mismatch"},
    ),
    "tlsa_of_usage_1": (
        put(TLSA1, "TLSA", f"1 1 1 {spki('ECDSA')}", f"0 1 1 {spki('RSA')}"),
        {"dane-parameters"},
    ),
    "tlsa_cut_short": (
        put(TLSA1, "TLSA", "3 1 1 abcd", f"3 1 1 {spki('ECDSA')}", f"3 1 1 {spki('RSA')}"),
        {"dane-parameters"},
    ),
    "tlsa_unsigned": (
        put(TLSA1, "TLSA", f"3 1 1 {spki('ECDSA')}", f"3 1 1 {spki('RSA')}", secure=False),
        {"dane-insecure"},
    ),
    "tlsa_bogus": (answer(TLSA1, "TLSA", BOGUS), {"dane-bogus", "dane-missing"}),
    "tlsa_of_one_key_only": (
        put(TLSA1, "TLSA", f"3 1 1 {spki('ECDSA')}"),
        {"dane-rollover", "dane-mismatch"},
    ),
    "no_caa": (remove("ok.test", "CAA"), {"caa-missing"}),
    "caa_misspelled": (put("ok.test", "CAA", '0 issue "https://ca.test/"'), {"caa-syntax"}),
    "refuses": (server(greeting=Greeting("the answer was 421 busy")), {"smtp-refuses"}),
    "port_closed": (server(greeting=Greeting("Connection refused")), {"port-closed"}),
    "no_route_from_here": (
        server(greeting=Greeting("Network is unreachable", unreachable=True)),
        {"no-way"},
    ),
    "open_relay": (greeting(relays=True), {"open-relay"}),
    "no_postmaster": (greeting(postmaster=550), {"postmaster"}),
    "no_starttls": (greeting(features=frozenset()), {"starttls-missing"}),
    "tls_1_0_and_1_1": (
        server(transcript={"-tls1 -cipher ALL:@SECLEVEL=0": "Cipher is ECDHE-RSA-AES128-SHA"}),
        {"tls-old"},
    ),
    "tls_1_2_at_best": (server(version="TLSv1.2"), {"tls-13"}),
    "handshake_signed_with_sha1": (
        server(
            transcript={
                "-tls1_2 -sigalgs RSA+SHA1:ECDSA+SHA1 -cipher ALL:@SECLEVEL=0": (
                    "Peer signing digest: SHA1"
                )
            }
        ),
        {"tls-sha1"},
    ),
    "static_rsa": (
        server(accepts=lambda offer: "AES128-SHA" if offer.ciphers == INSUFFICIENT else None),
        {"tls-ciphers"},
    ),
    "dhe": (
        server(accepts=lambda offer: "DHE" if offer.ciphers == PHASE_OUT else None),
        {"tls-ciphers-old"},
    ),
    "ecdsa_only": (server(keys={"ECDSA": "ECDSA"}), {"tls-rsa"}),
    "rsa_only": (server(keys={"RSA": "RSA"}), {"tls-ecdsa"}),
    "no_handshake": (server(keys={}), {"tls-failed"}),
    "no_extended_master_secret": (
        server(transcript={"-tls1_2": "Extended master secret: no"}),
        {"tls-session"},
    ),
    "certificate_expired": (server(days=-3), {"certificate-expired"}),
    "certificate_ends_soon": (server(days=5), {"certificate-soon"}),
    "certificate_of_another_name": (server(name="other.test"), {"certificate-name"}),
    "certificate_self_signed": (server(trust="self-signed certificate"), {"certificate-trust"}),
    "certificate_of_a_short_key": (short_rsa_key, {"certificate-key"}),
    "certificate_signed_with_a_weak_digest": (
        server(issuer="ca.test", digest="SHA224"),
        {"certificate-signature"},
    ),
    "no_ptr": (remove(f"ptr {MX1}", "PTR"), {"ptr-missing"}),
    "ptr_does_not_lead_back": (put(f"ptr {MX1}", "PTR", "gone.test"), {"ptr-mismatch"}),
    "ptr_of_another_name": (
        ptr_of_another_name,
        {"ptr-other"},
    ),
    "block_listed": (listed("127.0.0.2"), {"blocklisted"}),
    "block_list_refuses_us": (listed("127.255.255.254"), {"blocklist-refused"}),
    "block_list_is_parked": (listed("203.0.113.7"), {"blocklist-refused"}),
}


def test_a_right_system_has_no_finding() -> None:
    assert Right().findings() == []


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found_and_nothing_else(case: str) -> None:
    breaks, expected = BROKEN[case]
    right = Right()
    breaks(right)
    found = right.findings()
    assert {each.check for each in found} == expected, found
    assert all(each.what and each.why and each.cure for each in found)


def test_every_check_has_its_case() -> None:
    tried = {name for _, expected in BROKEN.values() for name in expected}
    missing = {each.name for each in (*run.DOMAIN, *mx.HOST, *run.HOST, *run.ADDRESS)} - tried
    assert not missing, f"give these checks a row in BROKEN: {sorted(missing)}"


def test_a_domain_without_mail_needs_no_promises() -> None:
    right = Right()
    for name, kind in list(right.names.table):
        if name.startswith(("_mta-sts", "_smtp", "mta-sts", "s1")):
            del right.names.table[name, kind]
    right.names.put("ok.test", "MX", "0 .")
    assert right.findings() == []
