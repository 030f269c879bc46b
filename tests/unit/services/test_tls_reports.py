"""TLS reports: who sends them, what the package brings, how a report gets to Postfix."""

from __future__ import annotations

import configparser
import email
import hashlib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.host import Manifest
from components.services.postfix import main_cf as postfix_main
from components.services.tls_policy import units as policy
from components.services.tls_reports import component as tls_reports
from components.services.tls_reports import units as render
from components.settings.environment import Settings, SettingsError, from_mapping
from tests.support.mapping import mapping
from tests.support.stacks import ROOT

LIBRARY = ROOT / "components/services/tls_reports/files/usr/local/lib/mx"
REPORTS = {"organization": "Example 100%", "contact": "alice@example.test"}
DAY = "2026-11-25"
PACKED = "5eff8dde909192a755e78fc740b9d1c8aae09fac992c322ebbb80c2ffdc9bef2"


@pytest.fixture
def package() -> Iterator[Any]:
    """Give modules of our package by name, as the host imports them."""
    sys.path.insert(0, str(LIBRARY))
    yield lambda name: importlib.import_module(f"mx_tls_reports.{name}")
    sys.path.remove(str(LIBRARY))


def values(**own: Any) -> dict[str, Any]:
    return mapping() | {"certificates": {"acceptTerms": True}, "tlsReports": REPORTS} | own


def settings(debian: int = 13, **own: Any) -> Settings:
    given = values(**own)
    given["hosts"]["mx1"]["debian"] = debian
    return from_mapping(given)


def made(**own: Any) -> Manifest:
    return tls_reports.manifest(settings(**own), "mx1", "mx/x")


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"certificates": None}, "tlsReports: it needs `certificates`"),
        (
            {"postfix": {"tls": {"reportSocket": "run/tlsrpt.sock"}}},
            "postfix.tls.reportSocket: tlsReports has its own collector",
        ),
        (
            {"tlsReports": REPORTS | {"contact": "alice@example.org"}},
            "tlsReports.contact: example.org is not a mail domain",
        ),
        (
            {"tlsReports": REPORTS | {"contact": "nobody@example.test"}},
            "tlsReports.contact: nobody is neither a recipient nor an alias of domains.example.t",
        ),
        ({"tlsReports": REPORTS | {"organization": "Bücher"}}, "tlsReports.organization: "),
        ({"tlsReports": REPORTS | {"organization": "a\nb"}}, "tlsReports.organization: "),
        ({"tlsReports": {"contact": "alice@example.test"}}, "tlsReports.organization: missing"),
    ],
)
def test_wrong_settings_are_told(own: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        from_mapping(values(**own))


def test_a_host_without_the_contacts_key_does_not_report() -> None:
    given = values()
    given["domains"]["example.test"]["mx"] = ["mx1"]
    assert [render.used(from_mapping(given), host) for host in ("mx1", "mx2")] == [True, False]
    given["domains"]["example.test"]["mx"] = ["mx9"]
    with pytest.raises(SettingsError, match="mx9"):
        from_mapping(given)


def test_hosts_of_which_none_can_report_are_told() -> None:
    given = values()
    for host in given["hosts"].values():
        host["debian"] = 12
    with pytest.raises(SettingsError, match=r"no MX host of example\.test has Postfix 3\.10"):
        from_mapping(given)


def test_recipients_in_a_file_are_not_known_here() -> None:
    given = values()
    given["domains"]["example.test"] = {"mailboxHost": "mailbox1", "recipientsFile": "people"}
    assert from_mapping(given).tls_reports is not None


@pytest.mark.parametrize(("debian", "reports"), [(12, False), (13, True)])
def test_postfix_and_the_policy_service_are_told_where_postfix_can(
    debian: int, reports: bool
) -> None:
    given = settings(debian)
    assert render.used(given, "mx1") == reports
    client = postfix_main.tls_sections(given, "mx1", ["/c/ecdsa.pem"])["61-tls-client.cf"]
    assert ("\nsmtp_tlsrpt_socket_name = tlsrpt/collectd.sock\n" in client) == reports
    assert ("\n  tlsrpt: true\n" in policy.sts_config(given, "mx1")) == reports


def test_a_collector_of_ones_own_hears_of_mta_sts_too() -> None:
    given = from_mapping(mapping() | {"postfix": {"tls": {"reportSocket": "run/own.sock"}}})
    assert "  tlsrpt: true\n" in policy.sts_config(given, "mx1")
    assert not render.used(given, "mx1")


def test_the_programs_read_what_the_settings_say() -> None:
    parser = configparser.ConfigParser()
    parser.read_string(made().files[render.CONFIG].content)
    from tlsrpt_reporter import tlsrpt

    for section in ("collectd", "fetcher", "reportd"):
        known = getattr(tlsrpt, f"options_{section}")
        found = dict(parser[f"tlsrpt_{section}"])
        assert set(found) <= set(known)
        for name, value in found.items():
            known[name]["type"](value)
    reportd = parser["tlsrpt_reportd"]
    assert reportd["organization_name"] == "Example 100%"
    assert reportd["sender_address"] == reportd["contact_info"] == "alice@example.test"


def test_the_pack_is_the_package_and_the_same_everywhere(package: Any, tmp_path: Path) -> None:
    """Else every machine's preview would show another text."""
    files = tls_reports.program()
    packed = tls_reports.pack(files)
    package("unpack").unpack(packed, tmp_path)
    for name, text in files.items():
        assert (tmp_path / name).read_text() == text
    assert "[tlsrpt.collectd]" in files["tlsrpt_reporter-0.6.0.dist-info/entry_points.txt"]
    assert hashlib.sha256(packed.encode()).hexdigest() == PACKED
    assert len(packed) < 40_000


def test_what_is_unpacked_is_what_the_manifest_owns() -> None:
    manifest = made()
    owned = {path for step in manifest.build for path in step.makes}
    assert owned == {f"{render.LIBRARY}/{name}" for name in tls_reports.program()}
    assert {str(Path(path).parent) for path in owned} <= set(manifest.directories)


def test_the_reports_of_two_hosts_have_different_names(package: Any) -> None:
    def names(hostname: str) -> tuple[str, str]:
        made = package("reportd").reporter(hostname)
        one = made.__new__(made)
        one.sender_domain = lambda: "example.test"
        number = one.create_report_filename("a.test", DAY, 1)
        return one.report_id(DAY, 1, "a.test"), number

    first, second = names("mx1.example.test"), names("mx2.example.test")
    assert first == (
        f"{DAY}T00:00:00Z_idx1mx1exampletest_a.test",
        "example.test!a.test!1795564800!1795651199!1mx1exampletest.json.gz",
    )
    assert not set(first) & set(second)


def test_a_report_is_handed_over_with_a_date(package: Any) -> None:
    submit = package("submit")
    report = b"From: alice@example.test\r\nTo: reports@a.test\r\nSubject: x\r\n\r\ntext\r\n"
    assert submit.envelope(report) == ("alice@example.test", ["reports@a.test"])
    sent = email.message_from_bytes(submit.dated(report))
    assert sent["Date"].endswith("-0000")
    assert sent.get_payload() == "text\r\n"
