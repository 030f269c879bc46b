"""A whole configuration: master.cf's fields and overrides, and the tables that are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.audit.__main__ import main
from tools.audit.directory import judged

SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"
SMALL += "smtpd_tls_chain_files = /etc/ssl/private/mx.pem\n"
MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
defer     unix  -       -       y       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
"""
SUBMISSION = """\
submission inet n       -       y       -       -       smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=$mua_client_restrictions
"""


def found(folder: Path, main_cf: str, master_cf: str, **tables: str) -> list[str]:
    """Severity, file, line and reason of each finding."""
    (folder / "main.cf").write_text(SMALL + main_cf)
    (folder / "master.cf").write_text(master_cf)
    for name, text in tables.items():
        (folder / name).write_text(text)
    return [
        f"{one.severity} {one.file}:{one.line} {one.parameter}: {one.reason}"
        for one in judged(folder)
    ]


def test_what_is_right_is_no_finding(tmp_path: Path) -> None:
    text = "mua_client_restrictions = permit_sasl_authenticated, reject\nfree_name = permit\n"
    more = "  -o smtpd_helo_restrictions=$free_name\n"
    assert found(tmp_path, text, MASTER + SUBMISSION + more) == []


WRONG = {
    "field_missing": ("", "x unix - - n - smtp\n", "critical master.cf:14 x: has 7 fields"),
    "type_of_service": ("", "x tcp n - n - - smtpd\n", "'tcp' is none of"),
    "number_of_processes": ("", "x inet n - n - many smtpd\n", "maxproc is 'many'"),
    "service_twice": ("", "smtp inet n - n - - smtpd\n", "line 1 has the same service"),
    "pipe_in_a_chroot": ("", "x unix - n y - - pipe flags=R user=a argv=/x\n", "in a chroot"),
    "value_of_an_override": (
        "",
        "10025 inet n - n - - smtpd -o smtpd_helo_required=true\n",
        "service 10025: 'true' is neither yes nor no",
    ),
    "name_of_an_override": (
        "",
        "10025 inet n - n - - smtpd -o smtpd_helo_require=yes\n",
        "no parameter of Postfix",
    ),
    "second_smtpd_without_restrictions": (
        "",
        "10025 inet n - n - - smtpd -o smtpd_relay_restrictions=permit_mynetworks,permit\n"
        "  -o smtpd_recipient_restrictions=\n",
        "critical master.cf:14 10025: neither",
    ),
    "second_smtpd_that_relays": (
        "",
        "10025 inet n - n - - smtpd -o mynetworks=0.0.0.0/0\n"
        "  -o {smtpd_relay_restrictions = static:OK, reject}\n",
        "an open relay",
    ),
    "port_465_without_tls": (
        "",
        "smtps inet n - n - - smtpd\n"
        "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n",
        "clients begin with TLS on port 465",
    ),
    "passwords_without_tls": (
        "",
        "submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n"
        "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n",
        "passwords are accepted without TLS",
    ),
    "submission_for_everybody": ("", "587 inet n - n - - smtpd\n", "it is a second port 25"),
    "blanks_around_the_equals_of_an_override": (
        "",
        "smtps inet n - n - - smtpd -o smtpd_tls_wrappermode = yes\n",
        "'-o smtpd_tls_wrappermode' is no override: smtpd(8) dies",
    ),
    "blank_in_the_list_of_an_override": (
        "",
        "587 inet n - n - - smtpd\n"
        "  -o smtpd_client_restrictions=permit_sasl_authenticated, reject\n",
        "'reject' is no override: smtpd(8) dies",
    ),
    "filter_that_gets_its_own_mail": (
        "content_filter = smtp:[127.0.0.1]:10024\n",
        "127.0.0.1:10025 inet n - n - - smtpd\n",
        "goes to content_filter again: a loop",
    ),
    "login_without_a_name": (
        "",
        "587 inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_security_options=\n"
        "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n",
        "log in without a name",
    ),
    "transport_that_is_none": (
        "virtual_transport = dovecot\n",
        "",
        "master.cf has no service dovecot",
    ),
    "service_by_a_name_that_is_none": (
        "defer_service_name = deferred\n",
        "",
        "defer_service_name: master.cf has no service deferred",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_fault_in_master_cf(case: str, tmp_path: Path) -> None:
    main_cf, more, words = WRONG[case]
    assert any(words in one for one in found(tmp_path, main_cf, MASTER + more)), case


def test_service_that_is_missing(tmp_path: Path) -> None:
    without = MASTER.replace("qmgr      unix", "queue     unix")
    assert any("no service qmgr" in one for one in found(tmp_path, "", without))


def test_override_of_port_25_is_what_strangers_meet(tmp_path: Path) -> None:
    relay = MASTER.replace("smtpd\n", "smtpd\n  -o mynetworks=static:all\n", 1)
    assert any("open relay" in one for one in found(tmp_path, "", relay))
    closed = MASTER.replace("smtpd\n", "smtpd\n  -o smtpd_relay_restrictions=reject\n", 1)
    listed = found(tmp_path, "smtpd_relay_restrictions = permit_mynetworks, permit\n", closed)
    assert not any("open relay" in one or "does not start" in one for one in listed)


def test_tables_that_are_at_hand(tmp_path: Path) -> None:
    text = (
        "smtpd_relay_restrictions = check_sender_access hash:/etc/postfix/senders,"
        " reject_unauth_destination\n"
    )
    quiet = found(tmp_path, text, MASTER, senders="a.example REJECT\n")
    assert not any("open relay" in one for one in quiet)
    loud = found(tmp_path, text, MASTER, senders="# known\na.example OK\nb.example REJCT\n")
    assert any("open relay" in one for one in loud)
    assert any(one.startswith("high senders:3 b.example: 'REJCT'") for one in loud)


def test_directory_without_master_cf_and_without_main_cf(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    rendered = tmp_path / "etc/postfix"
    rendered.mkdir(parents=True)
    (rendered / "main.cf").touch()
    assert main([str(tmp_path)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"audit: {tmp_path}: this directory has no main.cf"
    assert second == f"{first}; {rendered} has one"
    (tmp_path / "main.cf").write_text(SMALL + "soft_bounce = yes\n")
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path}/main.cf:4: high: dangerous: soft_bounce" in capsys.readouterr().out


def test_links_lead_nowhere_else(tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.write_text("a.example WRONGWORD\n")
    folder = tmp_path / "postfix"
    folder.mkdir()
    (folder / "senders").symlink_to(secret)
    text = "smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/senders\n"
    assert not any("WRONGWORD" in one for one in found(folder, text, MASTER))
