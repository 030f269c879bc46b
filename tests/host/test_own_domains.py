"""Mail in the name of our own domain under `ownDomains: reject`: forged, from a list, by a service.

The settings' words are put into Rspamd's file by hand, which saves an `up`; that the settings make
these words is in tests/unit/services/test_strangers.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import send
from lab.topology import INTERNET

from .conftest import MX1, Ssh
from .test_spam_filter import OFFER, arrived

pytestmark = pytest.mark.host

HOST, ADDRESS = "mx1", MX1
FILE = "/etc/rspamd/lua.local.d/mx_dmarc.lua"
ANSWERS = (
    "systemctl restart rspamd && timeout 90 sh -c 'until rspamc -h /run/rspamd/controller.sock "
    "counters 2>/dev/null | grep -q MX_DMARC; do sleep 0.5; done'"
)
LIST = 's/  lists = { }/  lists = { ["sender.test"] = true }/'
OURS = "alice@example.test"


def offered(sender: str) -> tuple[int, str, send.Message]:
    """Offer a message that has our domain in From; the answer's code and text, and the message."""
    sent = send.Message(sender, "bob@example.test", "in our name")
    text = sent.text().replace(f"From: {sender}", f"From: {OURS}")
    client = [sys.executable, "-c", OFFER, ADDRESS, sender, sent.recipient]
    done = subprocess.run(
        ["ip", "netns", "exec", INTERNET.netns, *client],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    code, words = json.loads(done.stdout)
    return int(code), str(words), sent


@pytest.fixture(scope="module")
def rejecting(ssh: Ssh) -> Iterator[None]:
    """`ownDomains: reject` on the host; the file as it was afterwards."""
    ssh(HOST, f'cp -p {FILE} /run/keep.lua && sed -i \'s/ours = "mark"/ours = "reject"/\' {FILE}')
    ssh(HOST, ANSWERS)
    yield
    ssh(HOST, f"cp -p /run/keep.lua {FILE} && rm /run/keep.lua && {ANSWERS}")


def test_a_forgery_is_refused(rejecting: None) -> None:
    code, words, _ = offered("mallory@sender.test")
    assert code == 554
    assert "the DMARC policy of example.test refuses this message" in words


def test_a_newsletter_by_a_service_that_our_spf_names_is_delivered(
    rejecting: None, ssh: Ssh
) -> None:
    """Its envelope sender is ours, and is no recipient; our SPF record names the service."""
    spf = f"v=spf1 ip4:{INTERNET.address} -all"
    ssh(
        HOST,
        "unbound-control -q local_zone example.test. typetransparent && unbound-control -q "
        f"local_data 'example.test. 5 TXT \"{spf}\"'",
    )
    try:
        code, words, sent = offered("newsletter@example.test")
        assert code == 250, words
        headers = arrived(sent).partition("\n\n")[0]
        assert "R_SPF_ALLOW" in headers
        assert "X-Spam: Yes" not in headers
    finally:
        ssh(HOST, "unbound-control -q local_zone_remove example.test.")


def test_a_post_to_a_list_that_the_settings_name_is_delivered(rejecting: None, ssh: Ssh) -> None:
    """The list sends it on with a member's From and its own envelope sender."""
    ssh(HOST, f"sed -i '{LIST}' {FILE} && {ANSWERS}")
    code, words, sent = offered("list-bounces@sender.test")
    assert code == 250, words
    headers = arrived(sent).partition("\n\n")[0]
    assert "MX_DMARC_EXCEPTION" in headers
    assert "X-Spam: Yes" not in headers
