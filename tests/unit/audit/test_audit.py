"""The audit: every known fault of published settings is found, and none on our own rendering."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from components.audit import audit
from components.audit.ciphers import allowed
from components.postconf.syntax import Broken, parse, references
from components.services.postfix import main_cf as postfix_main
from components.settings.environment import from_mapping
from tests.support.mapping import mapping
from tests.support.stacks import HOSTS, ROOT
from tools.audit.__main__ import main
from tools.audit.directory import judged

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}),
        (">=TLSv1.2", {"TLSv1.2", "TLSv1.3"}),
        ("!SSLv2 !SSLv3 !TLSv1 !TLSv1.1", {"TLSv1.2", "TLSv1.3"}),
        ("!SSLv3 TLSv1.1 TLSv1.2", {"TLSv1.1", "TLSv1.2"}),
        (">=TLSv1.1 <=TLSv1.2", {"TLSv1.1", "TLSv1.2"}),
    ],
)
def test_protocols_as_postfix_reads_them(value: str, expected: set[str]) -> None:
    assert allowed(value.split()) == expected


@pytest.mark.parametrize(("stack", "host"), HOSTS)
def test_no_finding_on_our_own_rendering(stack: str, host: str, tmp_path: Path) -> None:
    tree = ROOT / "tests" / "golden" / stack / host / "files" / "etc" / "postfix" / "main.cf.d"
    text = "".join(path.read_text() for path in sorted(tree.glob("*.cf")))
    assert "smtpd_milters" in text
    assert "smtpd_tls_chain_files" in text
    assert audit(text) == []
    (tmp_path / "main.cf").write_text(text)
    (tmp_path / "master.cf").write_bytes((tree.parent / "master.cf").read_bytes())
    assert judged(tmp_path, "3.10") == []


def test_no_finding_on_what_debian_12_gets() -> None:
    values = mapping() | {
        "postfix": {"postscreen": {"enabled": True, "dnsblSites": {"zen.example.test": 3}}}
    }
    values["hosts"]["mx1"]["debian"] = 12
    settings = from_mapping(values)
    parts = postfix_main.sections(settings, "mx1", milters=["rspamd/milter.sock"])
    parts |= postfix_main.tls_sections(settings, "mx1", ["/c.pem"])
    assert audit("".join(parts[name] for name in sorted(parts)), "3.7") == []


SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"
CASES = {
    "unknown": ("my_own_thing = 1", "my_own_thing", "unknown"),
    "undefined_reference": ("relayhost = $nosuch", "relayhost", "unknown"),
    "twice": ("biff = no\nbiff = yes", "biff", "contradictory"),
    "comment_in_a_value": ("biff = no # never", "biff", "syntax"),
    "no_equals": ("biff", "", "syntax"),
    "open_relay_networks": ("mynetworks = 0.0.0.0/0", "mynetworks", "dangerous"),
    "open_relay_networks_v6": ("mynetworks = 127.0.0.0/8 [::]/0", "mynetworks", "dangerous"),
    "open_relay_class": ("mynetworks_style = class", "mynetworks_style", "dangerous"),
    "open_relay_list": (
        "smtpd_relay_restrictions = permit_mynetworks",
        "smtpd_relay_restrictions",
        "dangerous",
    ),
    "backscatter": ("relay_domains = example.net", "relay_domains", "dangerous"),
    "two_classes": (
        "mydomain = example.net\nmydestination = $mydomain\nvirtual_alias_domains = example.net",
        "virtual_alias_domains",
        "contradictory",
    ),
    "dane_without_dnssec": (
        "smtp_tls_security_level = dane",
        "smtp_tls_security_level",
        "contradictory",
    ),
    "sizes": ("message_size_limit = 60000000", "message_size_limit", "contradictory"),
    "queue_gives_up": ("maximal_queue_lifetime = 4h", "maximal_queue_lifetime", "dangerous"),
    "helo_not_required": (
        "smtpd_helo_restrictions = reject_invalid_helo_hostname",
        "smtpd_helo_restrictions",
        "contradictory",
    ),
    "block_list_refuses_all": (
        "smtpd_client_restrictions = reject_rbl_client zen.example.net",
        "smtpd_client_restrictions",
        "dangerous",
    ),
    "postscreen_list": (
        "postscreen_dnsbl_sites = zen.example.net*3",
        "postscreen_dnsbl_sites",
        "dangerous",
    ),
    "restriction_that_is_gone": (
        "smtpd_recipient_restrictions = permit_mx_backup, reject_unauth_destination",
        "smtpd_recipient_restrictions",
        "obsolete",
    ),
    "smuggling_allowed": ("smtpd_forbid_unauth_pipelining = no", "", "dangerous"),
    "ipv6_off": (
        "inet_protocols = ipv4\ninet_interfaces = 2001:db8::1",
        "inet_protocols",
        "contradictory",
    ),
    "tls_required": ("smtpd_tls_security_level = encrypt", "smtpd_tls_security_level", "dangerous"),
    "passwords_in_clear": ("smtpd_sasl_auth_enable = yes", "smtpd_sasl_auth_enable", "dangerous"),
    "weak_digest": ("smtpd_tls_fingerprint_digest = md5", "", "dangerous"),
    "filter_refuses": (
        "smtpd_milters = unix:/x\nmilter_default_action = reject",
        "milter_default_action",
        "dangerous",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_fault_one_finding(case: str) -> None:
    text, parameter, kind = CASES[case]
    found = audit(SMALL + text + "\n")
    assert [one.kind for one in found] == [kind]
    if parameter:
        assert found[0].parameter == parameter


@pytest.mark.parametrize(
    "text",
    [
        "mua_client_restrictions = sleep 1\nsmtpd_client_restrictions = $mua_client_restrictions",
        "smtpd_restriction_classes = greylist\ngreylist = permit",
        "smtpd_client_restrictions = warn_if_reject reject_unknown_client_hostname",
        "archive_destination_recipient_limit = 1",
        "smtpd_client_restrictions = reject_rbl_client zen.example.net=127.0.0.[2..11]",
        "smtp_tls_protocols = >=TLSv1",
        "mynetworks = 127.0.0.0/8 [::1]/128 10.0.0.0/8",
    ],
)
def test_what_is_right_is_no_finding(text: str) -> None:
    assert audit(SMALL + text + "\n") == []


def test_logical_lines() -> None:
    text = "a = 1\n  # a comment inside\n\n  2,\n\t3\n# b = 4\nc=\n"
    entries, broken = parse(text)
    assert [(one.name, one.value, one.line) for one in entries] == [
        ("a", "1  2,\t3", 1),
        ("c", "", 7),
    ]
    assert [number for number, _ in entries[0].pieces] == [1, 4, 5]
    assert broken == []
    assert parse("  x\n") == (
        [],
        [
            Broken(
                1, "begins with a blank, but there is no line to continue: it is passed over", False
            )
        ],
    )
    assert references("$a ${b} $(c) ${d?{$e}} $$f") == {"a", "b", "c", "d", "e"}


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean, faulty = tmp_path / "clean.cf", tmp_path / "faulty.cf"
    clean.write_text(SMALL)
    faulty.write_text(SMALL + "soft_bounce = yes\n")
    assert main([str(clean)]) == 0
    assert main([str(faulty)]) == 2
    assert f"{faulty}:3: high: dangerous: soft_bounce\n" in capsys.readouterr().out
    assert main(["--json", str(faulty)]) == 2
    assert json.loads(capsys.readouterr().out)["findings"][0]["line"] == 3
    assert main([str(tmp_path / "none")]) == 1
    with pytest.raises(SystemExit, match="64"):
        main([])


def test_the_script_needs_no_environment_of_ours(tmp_path: Path) -> None:
    """Nothing beside the standard library is imported: no pulumi, no pydantic."""
    done = subprocess.run(
        [ROOT / "scripts" / "audit", FIXTURES / "seed.cf"],
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "did you mean" not in done.stderr
    assert "Probably smtpd_client_restrictions is meant." in done.stdout
