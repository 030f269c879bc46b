"""The sender that watches the lab stumbles over each order that breaks a promise."""

from __future__ import annotations

import pytest

from tests.host.promises import DomainLook, HostLook, Sender

MX1, MX2 = "mx1.example.test", "mx2.example.test"
A1, A2 = "198.18.77.11", "198.18.77.12"


def policy(*names: str, mode: str = "enforce") -> str:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in names)]
    return "\n".join([*lines, "max_age: 86400", ""])


ONE, BOTH = policy(MX1), policy(MX1, MX2)


def look(
    id_: str | None, mx: tuple[str, ...], *texts: str, errors: tuple[str, ...] = ()
) -> DomainLook:
    """A domain whose policy host has two addresses; one without a text does not answer."""
    served = dict(zip((A1, A2), texts, strict=False))
    return DomainLook("example.test", id_, frozenset(mx), frozenset((A1, A2)), served, errors)


def faults(*looks: DomainLook) -> list[str]:
    sender = Sender()
    for each in looks:
        sender.see_domain(each)
    return sender.faults


GOOD: dict[str, list[DomainLook]] = {
    "an_mx_comes": [
        look("1", (MX1,), ONE, ONE),
        look("1", (MX1,), BOTH, ONE),
        look("1", (MX1,), BOTH, BOTH),
        look("2", (MX1,), BOTH, BOTH),
        look("2", (MX1, MX2), BOTH, BOTH),
    ],
    "an_mx_goes": [
        look("2", (MX1, MX2), BOTH, BOTH),
        look("2", (MX1,), BOTH, BOTH),
        look("2", (MX1,), ONE, BOTH),
        look("2", (MX1,), ONE, ONE),
        look("1", (MX1,), ONE, ONE),
    ],
    "it_comes_back": [
        look("1", (MX1,), ONE, ONE),
        look("1", (MX1,), BOTH, BOTH),
        look("2", (MX1,), BOTH, BOTH),
        look("2", (MX1,), ONE, ONE),
        look("1", (MX1,), ONE, ONE),
    ],
    "a_restart": [look("1", (MX1,), ONE, ONE), look("1", (MX1,)), look("1", (MX1,), ONE)],
    "nothing_is_promised_yet": [look(None, (MX1, MX2), ONE, errors=("answers 404",))],
}
BAD: dict[str, tuple[list[DomainLook], str]] = {
    "policy_without_an_mx": ([look("1", (MX1, MX2), ONE, ONE)], f"MX {MX2} is not in"),
    "mx_before_every_address_names_it": (
        [look("1", (MX1,), ONE, ONE), look("1", (MX1, MX2), BOTH, ONE)],
        f"MX {MX2} is not in",
    ),
    "mx_before_the_id": (
        [look("1", (MX1,), ONE, ONE), look("1", (MX1, MX2), BOTH, BOTH)],
        f"MX {MX2} is not in",
    ),
    "policy_before_the_mx_goes": (
        [look("1", (MX1, MX2), BOTH, BOTH), look("1", (MX1, MX2), ONE, BOTH)],
        f"MX {MX2} is not in",
    ),
    "id_before_the_policy": (
        [look("1", (MX1,), ONE, ONE), look("2", (MX1,), ONE, ONE)],
        "2 is announced while the former policy is served",
    ),
    "id_before_every_address": (
        [look("1", (MX1,), ONE, ONE), look("2", (MX1,), BOTH, ONE)],
        "2 is announced while 2 policies are served",
    ),
    "the_former_policy_again": (
        [look("1", (MX1,), ONE, ONE), look("1", (MX1,), BOTH, ONE), look("1", (MX1,), ONE, ONE)],
        f"{A1} serves the former policy again",
    ),
    "kept_policies_find_no_host": (
        [look("1", (MX1,), ONE, ONE), look("2", (MX1,), BOTH, BOTH), look("2", (MX2,), BOTH, BOTH)],
        "which may be kept",
    ),
    "no_policy": ([look("1", (MX1,), "none here", ONE)], "version is not STSv1"),
    "not_found": ([look("1", (MX1,), ONE, errors=(f"{A2} answers 404",))], "answers 404"),
    "no_policy_host": ([DomainLook("example.test", "1", frozenset({MX1}))], "has no address"),
}


@pytest.mark.parametrize("case", GOOD)
def test_an_order_that_keeps_the_promise_passes(case: str) -> None:
    assert faults(*GOOD[case]) == []


@pytest.mark.parametrize("case", BAD)
def test_an_order_that_breaks_it_does_not(case: str) -> None:
    looks, words = BAD[case]
    assert words in "\n".join(faults(*looks))


@pytest.mark.parametrize(
    ("tlsa", "key", "words"),
    [
        ({"AA", "BB"}, "AA", ""),
        ({"BB"}, "AA", "AA is served, not announced"),
        ({"BB"}, None, "there is no TLS"),
        (set(), "AA", ""),
        (set(), None, ""),
    ],
)
def test_another_key_than_the_announced_ones(tlsa: set[str], key: str | None, words: str) -> None:
    sender = Sender()
    sender.see_host(HostLook(MX1, frozenset(tlsa), {f"{A1} rsa": key}))
    assert bool(sender.faults) == bool(words)
    assert words in "".join(sender.faults)


def test_an_address_that_does_not_answer_breaks_nothing() -> None:
    sender = Sender()
    sender.see_host(HostLook(MX1, frozenset({"AA"}), {}))
    assert sender.faults == []
