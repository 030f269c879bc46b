"""Hosts take turns where a change may keep one from taking mail, and never wait for a dead one."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.host.turns import in_turn, interrupts, untried
from tests.support.loops import in_own_loop

MAIN, OWN, DROP_IN = "/etc/postfix/main.cf.d/10-general.cf", "95-extra.cf", "/etc/unit.d/mx.conf"
OWN = f"/etc/postfix/main.cf.d/{OWN}"


def text(bundle: str, restart_when: str = "a", **files: str) -> str:
    paths = {"main": MAIN, "own": OWN, "drop_in": DROP_IN}
    return json.dumps(
        {
            "bundle": bundle,
            "units": {"x.service": {"restart_when": restart_when}},
            "files": {
                paths[name]: {"content": content}
                | ({"restart": ["x.service"]} if name == "drop_in" else {})
                for name, content in files.items()
            },
        }
    )


# A change, as the bundle before and after it, to whether it takes its turn.
CHANGES = {
    "host that does not serve yet": ("", text("mariadb"), False),
    "no change": (text("mariadb", main="a"), text("mariadb", main="a"), False),
    "database server": (text("mariadb", main="a"), text("mariadb", main="b"), True),
    "trust anchor": (text("resolver", main="a"), text("resolver", main="b"), True),
    "rows": (text("mail-database", main="a"), text("mail-database", main="b"), False),
    "reload": (text("postfix", main="a"), text("postfix", main="b"), False),
    "parameter of the operator": (text("postfix", own="a"), text("postfix", own="b"), True),
    "listening": (text("postfix", "a"), text("postfix", "b"), True),
    "file that restarts": (text("postfix", drop_in="a"), text("postfix", drop_in="b"), True),
    "file that restarted leaves": (text("postfix", drop_in="a"), text("postfix"), True),
    "exporter": (text("monitoring", drop_in="a"), text("monitoring", drop_in="b"), False),
}


@pytest.mark.parametrize("case", CHANGES)
def test_change_that_may_keep_a_host_from_mail_takes_its_turn(case: str) -> None:
    old, new, turn = CHANGES[case]
    assert interrupts(old, new) == turn


def test_host_waits_for_the_one_before_it_whether_that_ends_well_or_not() -> None:
    order: list[str] = []

    async def scenario() -> None:
        gate = asyncio.Event()

        async def done() -> str:
            await gate.wait()
            order.append("done")
            return "urn"

        async def failed() -> str:
            await gate.wait()
            order.append("failed")
            raise RuntimeError("not reached")

        before: list[Any] = [
            SimpleNamespace(urn=SimpleNamespace(future=each)) for each in (done, failed)
        ]
        after = in_turn(pulumi.Output.from_input("text"), before)
        asyncio.get_running_loop().call_later(0.05, gate.set)
        assert await after.future() == "text"
        order.append("next host")

    in_own_loop(scenario())
    assert order == ["done", "failed", "next host"]


def test_what_one_host_undid_no_other_one_tries() -> None:
    async def scenario() -> None:
        async def failed() -> str:
            raise RuntimeError("undone")

        before: list[Any] = [SimpleNamespace(urn=SimpleNamespace(future=failed))]
        with pytest.raises(RuntimeError, match="undone"):
            await in_turn(pulumi.Output.from_input("text"), before, before).future()

    in_own_loop(scenario())
    assert untried(text("postfix", own="a"), text("postfix", own="b"))
    assert untried(text("postfix", own="a"), text("postfix"))
    assert not untried(text("postfix", own="a", main="a"), text("postfix", own="a", main="b"))
    assert not untried("", text("postfix", own="a"))
    debians = json.loads(text("spam-filter"))
    vendors = json.dumps(debians | {"newest": {"rspamd": "https://apt.example trixie main"}})
    assert untried(json.dumps(debians), vendors)
