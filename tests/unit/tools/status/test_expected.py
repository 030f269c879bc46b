"""MX records in DNS that the stack file does not have."""

from __future__ import annotations

import pytest

from components.dns.records import Record
from tests.support.status_world import Right
from tools.status import expected
from tools.status.check import Domain
from tools.status.world import World

DOMAIN, HOSTS = "ok.test", {"mx1.ok.test", "mx2.ok.test"}
OURS = [Record("mx-ok.test-mx1", DOMAIN, DOMAIN, "MX", "mx1.ok.test", priority=10)]
CASES: dict[str, tuple[list[Record], list[str], str, str]] = {
    "all is as in the stack file": (OURS, ["10 mx1.ok.test"], "", ""),
    "a host of the stack, by hand": (
        OURS,
        ["10 mx1.ok.test", "20 mx2.ok.test"],
        "ok.test MX is 20 mx2.ok.test; the stack publishes no MX record",
        "",
    ),
    "leavingMx keeps the hosts out, and DNS names one": (
        [],
        ["10 mx1.ok.test", "10 old.test"],
        "ok.test MX is 10 mx1.ok.test; the stack publishes no MX record",
        "",
    ),
    "a host of others beside ours": (
        OURS,
        ["10 mx1.ok.test", "10 old.test"],
        "",
        "ok.test MX is 10 old.test too, which is not the stack's",
    ),
    "a parked domain": (
        [Record("mx-ok.test", DOMAIN, DOMAIN, "MX", ".", priority=0)],
        ["0 ."],
        "",
        "",
    ),
    "the domain has not arrived": ([], ["10 old.test"], "", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_mx_record_that_the_stack_file_does_not_have(case: str) -> None:
    records, there, fault, notice = CASES[case]
    right = Right()
    right.names.put(DOMAIN, "MX", *there)
    world = World(right.names, right.smtp, right.web, (), {})
    for check, told in (
        (expected.check(records, HOSTS), fault),
        (expected.beside(records, HOSTS), notice),
    ):
        found = [*check.run(world, Domain(DOMAIN))]
        assert len(found) == bool(told)
        assert all(text.startswith(told) for text in found)
