"""Which token and address the programs beside `pulumi up` use for a zone."""

from __future__ import annotations

from components.settings.dns import DnsSettings
from tools import dns_api


def test_each_account_has_its_own_token() -> None:
    zones = {"a.test": "1" * 32, "b.test": "2" * 32}
    dns = DnsSettings.model_validate({"zones": zones, "accounts": {"other": ["b.test"]}})
    config = {"mx:cloudflareTokens": {"objectValue": {"other": "second"}}}
    api = dns_api.from_config(dns, config, {"CLOUDFLARE_API_TOKEN": "first"})
    assert dict(api.tokens) == {"a.test": "first", "b.test": "second"}
    assert api.base_url is None
    assert set(dns_api.clients(dns, api)) == {"1" * 32, "2" * 32}


def test_the_stack_file_goes_before_the_environment() -> None:
    dns = DnsSettings.model_validate({"zones": {"a.test": "1" * 32}})
    config = {
        "cloudflare:apiToken": {"value": "of the stack"},
        "cloudflare:baseUrl": {"value": "http://api.test"},
    }
    environ = {"CLOUDFLARE_API_TOKEN": "of the shell", "CLOUDFLARE_BASE_URL": "http://other.test"}
    api = dns_api.from_config(dns, config, environ)
    assert (api.tokens["a.test"], api.base_url) == ("of the stack", "http://api.test")
