"""The API of a stack's zones, for programs beside `pulumi up`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.dns.api import DnsApi
from components.dns.client import Client
from components.settings.dns import DnsSettings


def from_config(dns: DnsSettings, config: Mapping[str, Any], environ: Mapping[str, str]) -> DnsApi:
    """The address of the API and each zone's token.

    `config`: what `pulumi config --show-secrets --json` prints, read. A token that is set nowhere
    is an empty one.
    """

    def value(key: str) -> str:
        return str(config.get(key, {}).get("value") or "")

    token = value("cloudflare:apiToken") or environ.get("CLOUDFLARE_API_TOKEN", "")
    tokens = dict.fromkeys(dns.zones, token)
    further = config.get("mx:cloudflareTokens", {}).get("objectValue", {})
    for account, zones in dns.accounts.items():
        tokens |= dict.fromkeys(zones, str(further.get(account, "")))
    base = value("cloudflare:baseUrl") or environ.get("CLOUDFLARE_BASE_URL")
    return DnsApi(base_url=base or None, tokens=tokens)


def clients(dns: DnsSettings, api: DnsApi) -> dict[str, Client]:
    """Zone ID to a client with the zone's token."""
    made = {token: Client(token, api.base_url) for token in api.tokens.values()}
    return {dns.zones[zone]: made[token] for zone, token in api.tokens.items()}
