"""Mail that fails DMARC: the first preview after the upgrade, and each later change, is told."""

from __future__ import annotations

from typing import Any

import pytest

from components.services.spam_filter import rspamd
from components.settings.environment import from_mapping
from tests.support.mapping import mapping
from tests.unit.tools.preview.test_report import BUNDLE, bundle, report_of, step

LUA, DEBIAN_12 = "/etc/rspamd/lua.local.d/mx_dmarc.lua", "/etc/rspamd/local.d/rspamd.lua"
OTHER = {"/etc/rspamd/local.d/redis.conf": {"content": "a = 1;\n"}}


def policies(**dmarc: str) -> dict[str, Any]:
    values = mapping() | {"spamFilter": {"dmarc": dmarc}}
    return {"content": rspamd.dmarc(from_mapping(values)) + "return wanted\n"}


def told(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    before, after = (None if each is None else bundle(OTHER | each) for each in (old, new))
    op = "delete" if after is None else "create" if before is None else "update"
    return report_of({"steps": [step(op, BUNDLE.format("mx1-rspamd"), before, after)]}).risks


@pytest.mark.parametrize("path", [LUA, DEBIAN_12])
def test_the_first_preview_after_the_upgrade_says_what_changes_for_mail_of_our_domains(
    path: str,
) -> None:
    former: dict[str, Any] = {} if path == LUA else {path: {"content": "return 1\n"}}
    [risk] = told(former, {path: policies()})
    assert risk.startswith(
        "mx1: the spam filter now marks with `X-Spam: Yes` mail that fails the DMARC policy "
        "(quarantine or reject) of one of the stack's own domains. Before, the filter only gave "
        "a higher spam score to such mail."
    )
    assert "spamFilter.dmarc" in risk


def test_refusing_mail_of_other_domains_is_told() -> None:
    [risk] = told({LUA: policies()}, {LUA: policies(otherDomains="reject")})
    assert "now refuses mail that fails the DMARC policy" in risk
    assert "of any other domain. Before, the filter only gave a higher spam score" in risk


def test_going_back_to_scores_is_told() -> None:
    [risk] = told({LUA: policies(ownDomains="reject")}, {LUA: policies(ownDomains="score")})
    assert "now only gives a higher spam score to mail" in risk
    assert "own domains. Before, the filter refused such mail" in risk


def test_a_first_deployment_and_another_domain_are_not_told() -> None:
    assert told(None, {LUA: policies()}) == []
    more = mapping()
    more["dns"]["zones"]["b.test"] = "1" * 32
    more["domains"]["b.test"] = {"mailboxHost": "mailbox1", "recipients": ["bob"]}
    text = rspamd.dmarc(from_mapping(more)) + "return wanted\n"
    assert told({LUA: policies()}, {LUA: {"content": text}}) == []
