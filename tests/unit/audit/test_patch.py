"""--fix: what is mechanical is mended, and nothing else is touched."""

from __future__ import annotations

import pytest

from components.audit import audit
from tests.long.audit.fixes import FAULTS, mended
from tools.audit.patch import fixed, patch

SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"


def test_patch_mends_what_is_mechanical() -> None:
    text = (
        SMALL + "smtpd_helo_required = true\nmessage_size_limit = 20M\n"
        "queue_run_delay = 5 minutes\nmynetworks = 127.0.0.0/8 ::1/128\n"
        "smtpd_relay_restrictions = \\\n  permit_mynetworks, \\\n  reject_unauth_destination\n"
        "smtpd_tls_eecdh_grade = strong\n"
    )
    findings = audit(text)
    mended = fixed(text.encode(), findings).decode()
    assert mended == (
        SMALL + "smtpd_helo_required = yes\nmessage_size_limit = 20971520\n"
        "queue_run_delay = 5m\nmynetworks = 127.0.0.0/8 [::1]/128\n"
        "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
    )
    assert audit(mended) == []
    assert patch("main.cf", text.encode(), findings).startswith(b"--- main.cf\n+++ main.cf\n@@")
    assert patch("main.cf", mended.encode(), []) == b""


def test_misspelled_restriction_is_not_mended() -> None:
    text = (SMALL + "smtpd_client_restrictions = reject_unknown_client_hostnam\n").encode()
    assert fixed(text, audit(text)) == text


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_real_postfix_took_after_the_patch_has_no_finding_left(name: str) -> None:
    broken, text = mended(name)
    assert audit(broken) != []
    assert audit(text) == []
    assert fixed(text.encode(), audit(text)) == text.encode()
