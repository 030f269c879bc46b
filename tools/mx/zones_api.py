"""The API of a stack's zones as the engine's configuration of the stack has it."""

from __future__ import annotations

import json

from components.dns.api import DnsApi
from components.settings.environment import Settings
from tools import dns_api

from . import engine
from .app import Failure
from .explain import explain


def of(stack: str, settings: Settings) -> DnsApi:
    """Address and tokens. Raises Failure when the engine does not give them, or one is missing."""
    environ = engine.environment(stack)
    done = engine.call(stack, ["config", "--show-secrets", "--json"], environ)
    if done.returncode != 0:
        raise Failure(explain(done.stderr, stack))
    api = dns_api.from_config(settings.dns, json.loads(done.stdout), environ)
    missing = [zone for zone, token in api.tokens.items() if not token]
    if missing:
        raise Failure(
            f"there is no API token for {', '.join(missing)}: export CLOUDFLARE_API_TOKEN=... "
            "(permissions Zone > Zone > Read, Zone > DNS > Edit)"
        )
    return api
