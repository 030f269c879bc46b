"""Firewall rules that shut out whoever applies them are told as that."""

from __future__ import annotations

from components.settings.environment import from_mapping
from tests.support.mapping import mapping
from tools.mx import confirmed
from tools.mx.explain import explain

TIMEOUT = "dial tcp 198.18.77.11:22: i/o timeout"


def test_new_rules_without_this_machine_are_no_lost_host() -> None:
    values = mapping()
    values["firewall"] = {"sshNetworks": ["198.51.100.0/28"], "confirmSeconds": 45}
    unreached = explain(TIMEOUT, "site")
    errors = {"mx1: firewall-confirmed": [unreached], "mx2: postfix": [unreached]}
    confirmed.in_errors(errors, from_mapping(values))
    [text] = errors["mx1: firewall-confirmed"]
    assert "they allow SSH from 198.51.100.0/28 alone (firewall.sshNetworks)" in text
    assert "takes its former rules back by itself, 45 s after" in text
    assert "mx forget" not in text
    assert errors["mx2: postfix"] == [unreached]
