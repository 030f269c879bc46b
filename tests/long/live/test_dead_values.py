"""Values of `postfix.extra` that Postfix's own checks take, and at which one of its daemons dies.

Each is refused before a host sees it, or undone by the first host; the other host never changes,
with and without a canary, by plain `pulumi` and by `mx`. tests/host/test_dead.py is a part of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.host.conftest import ROOT, Ssh
from tests.host.test_broken import DIGEST, serves
from tests.host.test_canary import TOUCHED, mail_all_the_time
from tests.host.test_stack import set_postfix, stack_text

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
NONE = "/etc/postfix/tables/none"
# By the daemon that dies. Those of qmgr(8) are refused by their type (DEADLY in
# tests/unit/settings/test_harm.py), and names of services that are not there by another rule
# (tests/unit/settings/test_extra_services.py).
DEAD = {
    "smtpd_table": ("smtpd_sender_restrictions", f"check_sender_access lmdb:{NONE}"),
    "smtpd_command_filter": ("smtpd_command_filter", f"pcre:{NONE}"),
    "tlsmgr_random": ("tls_random_source", "dev:/no/such/device"),
    "cleanup_header_checks": ("header_checks", f"pcre:{NONE}"),
    "cleanup_canonical": ("sender_canonical_maps", f"lmdb:{NONE}"),
    "cleanup_bcc": ("recipient_bcc_maps", f"lmdb:{NONE}"),
    "smtp_header_checks": ("smtp_header_checks", f"pcre:{NONE}"),
    "smtp_generic": ("smtp_generic_maps", f"lmdb:{NONE}"),
    "smtp_reply_filter": ("smtp_reply_filter", f"pcre:{NONE}"),
    "trivial_rewrite_table": ("sender_dependent_default_transport_maps", f"lmdb:{NONE}"),
    "trivial_rewrite_relocated": ("relocated_maps", f"lmdb:{NONE}"),
    "proxymap_list": ("proxy_read_maps", "$mynetworks"),
}


def by_mx(*_: str) -> subprocess.CompletedProcess[str]:
    """`mx up`, which goes on after an error."""
    return subprocess.run(
        ["scripts/mx", "up", "lab", "--yes"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.parametrize(("number", "case"), list(enumerate(DEAD)))
def test_what_kills_a_daemon_is_undone_by_the_first_host(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path, number: int, case: str
) -> None:
    name, value = DEAD[case]
    # Every second one with a canary; every third one by `mx`.
    canary = "\n    rollout: {canary: mx1}" if number % 2 else ""
    up = by_mx if number % 3 == 0 else pulumi
    first, other = ssh("mx1", DIGEST), ssh("mx2", TOUCHED)
    set_postfix(stack_text, f"      extra: {{{name}: '{value}'}}{canary}")
    with mail_all_the_time("mx2") as answers:
        done = up("up", "--yes", "--skip-preview")
    output = done.stdout + done.stderr
    assert done.returncode != 0, output[-4000:]
    assert "Traceback" not in output
    assert " deleted" not in output
    assert ssh("mx1", DIGEST) == first
    assert ssh("mx2", TOUCHED) == other
    assert answers
    assert set(answers) == {"taken"}
    serves()
    for host in ("mx1", "mx2"):
        sent = subprocess.run(
            ["scripts/lab", "send", "alice@sender.test", "bob@example.test", "--via", host],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert sent.returncode == 0, sent.stdout + sent.stderr
