"""`mx status` says which TLS mail for each mailbox host must have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.settings import stack_file
from components.settings.environment import Settings, SettingsError, from_mapping
from tests.support.mapping import mapping
from tools.status import __main__ as command
from tools.status import mailboxes, run
from tools.status.names import Answer, Names

BOX = "mailbox1.example.test"
CERTIFICATES = {"certificates": {"acceptTerms": True}}


def settings(protocol: str = "smtp", port: int = 25, **more: Any) -> Settings:
    box = {"hostname": BOX, "protocol": protocol, "port": port}
    return from_mapping(mapping() | {"mailboxHosts": {"mailbox1": box}} | more)


def line(found: Settings) -> str:
    (only,) = mailboxes.mailbox_tls(found)
    return str(only)


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
@pytest.mark.parametrize(
    ("policy", "meaning"),
    [
        ("none", "mail goes in clear text"),
        ("encrypt ciphers=high", "TLS is required, with any certificate"),
        ("encrypt,ciphers=high", "TLS is required, with any certificate"),
        ("dane-only", "TLS is required, verified by DANE"),
    ],
)
def test_policy_of_a_mailbox_host_is_given_with_what_it_demands(
    protocol: str, policy: str, meaning: str
) -> None:
    postfix = {"tlsPolicies": {f"[{BOX}]:24": policy}}
    found = settings(protocol, 24, postfix=postfix, **CERTIFICATES)
    assert line(found) == (
        f"TLS to the mailbox host [{BOX}]:24 ({protocol}): {meaning} "
        f"(policy {policy!r} in postfix.tlsPolicies)"
    )


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({}, "mail goes in clear text (no policy in postfix.tlsPolicies)"),
        (CERTIFICATES, "DANE where the mailbox host has signed TLSA records, otherwise TLS where "
         "it offers it (no policy in postfix.tlsPolicies)"),
        ({"postfix": {"extra": {"smtp_tls_security_level": "Encrypt"}}}, "TLS is required, "
         "with any certificate (no policy in postfix.tlsPolicies)"),
        (
            CERTIFICATES | {"postfix": {"tls": {"policyService": "inet:192.0.2.1:8461:QUERY"}}},
            "offers it, unless postfix.tls.policyService demands more (no policy in "
            "postfix.tlsPolicies)",
        ),
    ],
)  # fmt: skip
def test_mailbox_host_without_a_policy_has_what_main_cf_says(
    more: dict[str, Any], end: str
) -> None:
    assert line(settings(**more)).endswith(end)


def test_policy_that_lmtp_would_not_ask_for_is_refused() -> None:
    postfix = {"tlsPolicies": {f"[{BOX}]:24": "encrypt"}}
    with pytest.raises(SettingsError, match=r"tlsPolicies.*would go in clear text"):
        settings("lmtp", 24, postfix=postfix)
    assert settings("smtp", 24, postfix=postfix)
    assert settings("lmtp", 24, postfix={"tlsPolicies": {f"[{BOX}]:24": "none"}})


def test_the_command_prints_a_line_for_each_mailbox_host(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Answer("found", ("mx1.example.test",))
    monkeypatch.setattr(stack_file, "settings_of", lambda name: settings())
    monkeypatch.setattr(Names, "ask", lambda *arguments: answer)
    monkeypatch.setattr(run, "domains", lambda *arguments: [])
    assert command.main(["--stack", "one"]) == 0
    assert (
        f"TLS to the mailbox host [{BOX}]:25 (smtp): mail goes in clear" in capsys.readouterr().out
    )
    assert command.main(["--stack", "one", "--json"]) == 0
    (box,) = json.loads(capsys.readouterr().out)["mailbox_hosts"]
    assert (box["next_hop"], box["level"], box["policy"]) == (f"[{BOX}]:25", "none", None)
