"""The recording monitor takes no hooks: only an engine runs them (tests/engine)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def hooks_of_no_engine() -> Iterator[None]:
    async def registered() -> None:
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "pulumi.resource_hooks.register_resource_hook",
            lambda _: asyncio.ensure_future(registered()),
        )
        yield
