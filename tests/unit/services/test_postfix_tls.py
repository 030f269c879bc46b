"""TLS sections, master.cf, Milter: what no golden file shows by itself."""

from __future__ import annotations

from typing import Any

import pytest

from components.services.postfix import component as postfix
from components.services.postfix import main_cf as postfix_main
from components.services.postfix import master_cf as postfix_master
from components.services.postfix_tls import component as postfix_tls
from components.settings.environment import Settings, from_mapping
from tests.support.mapping import mapping


def settings(debian: int = 13, **own: Any) -> Settings:
    values = mapping()
    values["postfix"] = own
    values["hosts"]["mx1"]["debian"] = debian
    return from_mapping(values)


def tls(given: Settings) -> str:
    return "".join(postfix_main.tls_sections(given, "mx1", ["/c/ecdsa.pem"]).values())


@pytest.mark.parametrize("debian", [12, 13])
@pytest.mark.parametrize("profile", ["ncsc-2025", "mozilla-6.0-intermediate", "compat"])
def test_every_profile_renders_for_every_release(debian: int, profile: str) -> None:
    text = tls(settings(debian, tls={"serverProfile": profile, "clientProfile": profile}))
    assert "\nsmtpd_tls_chain_files = /c/ecdsa.pem\n" in text
    assert ("MLKEM" in text) == (debian == 13 and profile != "compat")
    assert ("tls_ffdhe_auto_groups" in text) == (debian == 13 and profile != "compat")
    assert ("NO_RENEGOTIATION" in text) == (debian == 12)
    floor = ">=TLSv1" if profile == "compat" else ">=TLSv1.2"
    assert f"\nsmtpd_tls_protocols = {floor}\n" in text


def test_sha1_signatures_are_off_in_the_strict_profile_only() -> None:
    for profile, baseline in (("ncsc-2025", True), ("compat", False)):
        given = settings(tls={"serverProfile": profile})
        files = postfix_tls.manifest(given, "mx1", "mx/x", ["/c/ecdsa.pem"]).files
        assert ("/etc/postfix/tls/openssl.cnf" in files) == baseline
        assert ("tls_config_file" in tls(given)) == baseline
    assert "SHA1" not in files["/etc/postfix/main.cf.d/60-tls.cf"].content


def test_tls_reports_where_the_version_can() -> None:
    own = {"tls": {"reportSocket": "run/tlsrpt.sock"}}
    assert "\nsmtp_tlsrpt_socket_name = run/tlsrpt.sock\n" in tls(settings(13, **own))
    assert "tlsrpt" not in tls(settings(12, **own))
    assert "tlsrpt" not in tls(settings(13))


def test_a_policy_service_is_asked() -> None:
    given = settings(tls={"policyService": "inet:127.0.0.1:8642:QUERY"})
    text = postfix_main.sections(given, "mx1")["40-transport.cf"]
    assert ", socketmap:inet:127.0.0.1:8642:QUERY\n" in text


def test_ml_kem_of_the_client_is_a_switch() -> None:
    with_it = postfix_master.master_cf(settings())
    without = postfix_master.master_cf(settings(tls={"clientMlKem": False}))
    option = "  -o { tls_eecdh_auto_curves = X25519 prime256v1 secp384r1 }\n"
    assert option not in with_it
    assert without.count(option) == 2


def test_no_milter_section_without_a_filter() -> None:
    assert "90-milter.cf" not in postfix_main.sections(settings(), "mx1")
    files = postfix.manifest(settings(), "mx1", "mx/x").files
    assert not [path for path in files if "milter" in path]


@pytest.mark.parametrize(("debian", "action"), [(12, "tempfail"), (13, "shutdown")])
def test_a_filter_that_is_down_defers(debian: int, action: str) -> None:
    text = postfix_main.sections(settings(debian), "mx1", milters=["a/b.sock"])["90-milter.cf"]
    assert f"\nmilter_default_action = {action}\n" in text
    assert "\nsmtpd_milters = unix:a/b.sock\n" in text


def test_an_own_parameter_replaces_ours() -> None:
    given = settings(extra={"biff": "yes", "smtpd_tls_loglevel": "2", "inet_protocols": "ipv4"})
    parts = postfix_main.sections(given, "mx1")
    assert "biff" not in parts["10-general.cf"]
    assert "\nbiff = yes\n" in parts["95-extra.cf"]
    assert "smtpd_tls_loglevel" not in tls(given)
    assert postfix_main.listening(given, "mx1").endswith("inet_protocols = ipv4")


def test_postscreen_stands_before_smtpd_when_asked() -> None:
    given = settings(
        postscreen={"enabled": True, "dnsblSites": {"zen.example.test": 3, "b.example.test": 1}}
    )
    text = postfix_main.sections(given, "mx1")["80-restrictions.cf"]
    assert (
        "\npostscreen_dnsbl_sites = b.example.test=127.0.0.[2..11]*1, "
        "zen.example.test=127.0.0.[2..11]*3\n"
    ) in text
    lines = postfix_master.master_cf(given).split("\n")
    assert lines[2].split() == ["smtp", "inet", "n", "-", "y", "-", "1", "postscreen"]
    assert lines[3].split() == ["smtpd", "pass", "-", "-", "y", "-", "200", "smtpd"]
    assert "postscreen" not in postfix_main.sections(settings(), "mx1")["80-restrictions.cf"]


@pytest.mark.parametrize(("debian", "unit"), [(12, "postfix@-.service"), (13, "postfix.service")])
def test_order_without_bonds(debian: int, unit: str) -> None:
    path = f"/etc/systemd/system/{unit}.d/mx.conf"
    text = postfix.manifest(settings(debian), "mx1", "mx/x").files[path].content
    assert "After=unbound.service mariadb.service" in text
    assert "BindsTo=" not in text
    assert "Requires=" not in text
