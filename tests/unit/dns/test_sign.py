"""Signing a zone by the answers that were recorded of the API: disabled, pending, active."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from components.dns import sign
from components.dns.client import Client
from tests.corpus.double import Double
from tests.corpus.scenario import scenarios, whole

ZONE = "023e105f4ecef8ad9ca31a8372d0c353"


def recorded() -> dict[str, dict[str, Any]]:
    """An answer of the API for each state of a zone, from the life of one."""
    scenario = next(packed for name, packed in scenarios("cloudflare") if name.startswith("88-"))
    found: dict[str, dict[str, Any]] = {}
    for item in whole(scenario, {})["http"]:
        result = item["response"].get("result") if isinstance(item["response"], dict) else None
        if isinstance(result, dict) and isinstance(result.get("status"), str):
            found.setdefault(result["status"], item["response"])
    return found


STATES = recorded()


@pytest.fixture
def api() -> Iterator[Double]:
    double = Double()
    yield double
    double.close()


def switched_on(api: Double, *states: str) -> tuple[tuple[str, str], list[str]]:
    """What came of it when the API answers with these states, and the methods that were sent."""
    api.expect([{"status": 200, "response": STATES[state]} for state in states])
    client = Client("A" * 40, f"http://{api.host}/client/v4")
    return sign.switch_on(client, ZONE), [item["method"] for item in api.seen]


def test_first_deployment_until_the_registrar_has_the_ds(api: Double) -> None:
    ds = STATES["pending"]["result"]["ds"]
    assert switched_on(api, "disabled", "pending") == (("pending", ds), ["GET", "PATCH"])
    assert switched_on(api, "pending") == (("pending", ds), ["GET"])
    assert switched_on(api, "active") == (("active", STATES["active"]["result"]["ds"]), ["GET"])


@pytest.mark.parametrize("state", sorted({*STATES} - {"pending", "active"}))
def test_state_that_stays_what_it_is_is_named(
    api: Double, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign, "PAUSES_SECONDS", ())
    with pytest.raises(sign.Unsigned, match=f"its state is '{state}'"):
        switched_on(api, state, state)
