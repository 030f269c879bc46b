"""Next hops of ours that DNS leads nowhere: mail waits. What others say still bounces."""

from __future__ import annotations

import re

import pytest

from components.services.postfix.tables import next_hop_faults, next_hops
from components.settings.environment import Settings, from_mapping
from tests.support.mapping import mapping

NOWHERE = "Host or domain name not found. Name service error for name="
# Delivery status as Postfix' own smtp(8) and lmtp(8) write it, to whether the mail waits.
STATUS = {
    "no such name": (f"5.4.4 {NOWHERE}mailbox1.example.test type=AAAA: Host not found", True),
    "no address of this family": (
        f"5.4.4 {NOWHERE}mailbox1.example.test type=A: Host found but no data record of "
        "requested type",
        True,
    ),
    "the name server refuses": (
        f"5.4.3 {NOWHERE}mailbox1.example.test type=A: Non-recoverable error",
        True,
    ),
    "in capitals": (f"5.4.4 {NOWHERE}MAILBOX1.example.test type=A: Host not found", True),
    "native look-up": (
        "5.4.4 unable to look up host mailbox1.example.test: Name or service not known",
        True,
    ),
    "native look-up of another family": ("5.4.4 mailbox1.example.test: host not found", True),
    "address of the MX host": ("5.4.6 mail for mailbox1.example.test loops back to myself", True),
    "MX host behind its address": (
        "5.4.6 mail for [mailbox1.example.test]:25 loops back to myself",
        True,
    ),
    "relay of the operator": (f"5.4.4 {NOWHERE}relay.example.net type=MX: Host not found", True),
    "domain of a stranger": (f"5.4.4 {NOWHERE}elsewhere.test type=AAAA: Host not found", False),
    "name that ends like ours": (
        f"5.4.4 {NOWHERE}old-mailbox1.example.test type=A: Host not found",
        False,
    ),
    "a dot is a dot": (f"5.4.4 {NOWHERE}mailbox1xexample.test type=A: Host not found", False),
    "the mailbox host's own no": (
        "5.1.1 host mailbox1.example.test[192.0.2.9] said: 550 5.1.1 no such user",
        False,
    ),
    "its no in our words": (
        "5.4.4 host mailbox1.example.test[192.0.2.9] said: 550 5.4.4 "
        f"{NOWHERE}mailbox1.example.test type=A: Host not found",
        False,
    ),
    "temporary already": (
        f"4.4.3 {NOWHERE}mailbox1.example.test type=A: Host not found, try again",
        False,
    ),
    "delivered": ("2.0.0 250 2.0.0 Ok: queued as 4XYZ", False),
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return from_mapping(
        mapping()
        | {
            "postfix": {
                "extra": {
                    "relayhost": "[Relay.example.net]:587",
                    "smtp_fallback_relay": "[192.0.2.1]",
                }
            }
        }
    )


def filtered(table: str, status: str) -> str:
    """A look-up as regexp_table(5) makes it: the first line that matches, else the status."""
    for line in table.splitlines():
        found = re.fullmatch(r"/(.*)/ 4\$1", line)
        if found and (match := re.search(found[1], status, re.IGNORECASE)):
            return f"4{match[1]}"
    return status


def test_next_hops_are_mailbox_hosts_and_what_the_operator_names(settings: Settings) -> None:
    assert next_hops(settings) == ["mailbox1.example.test", "relay.example.net"]


@pytest.mark.parametrize("case", STATUS)
def test_mail_waits_for_a_next_hop_of_ours_only(settings: Settings, case: str) -> None:
    status, waits = STATUS[case]
    expected = f"4{status[1:]}" if waits else status
    assert filtered(next_hop_faults(settings), status) == expected
