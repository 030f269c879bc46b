"""Settings of the stack that Pulumi is running, and what the stack exports."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import pulumi

from components.dns.api import DnsApi
from components.settings import public_addresses, recipient_files
from components.settings.environment import Settings, SettingsError, from_mapping
from components.stack import outputs

_TOKENS = "cloudflareTokens"
_CONTROLLER = "rspamdPassword"
_KNOWN_KEYS = {"mail", _TOKENS, _CONTROLLER}


def load() -> Settings:
    """The settings under `mx:mail`. Raises pulumi.RunError, a message without a traceback."""
    source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
    try:
        _refuse_leftovers(source)
        values = pulumi.Config("mx").get_object("mail")
        if not isinstance(values, dict):
            raise SettingsError(f"{source}: mx:mail: missing; stacks/README.md lists its keys")
        settings = from_mapping(values, source)
        recipient_files.read_recipients(settings)
        unrouted = [f"{source}: mx:mail.{line}" for line in public_addresses.faults(settings)]
        if unrouted:
            raise SettingsError("\n".join(unrouted))
        return settings
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None


def _refuse_leftovers(source: str) -> None:
    """Refuse keys that nothing reads, and secrets in clear text."""
    config = pulumi.runtime.config.CONFIG.get()
    stack = pulumi.get_stack()
    for key in config:
        namespace, _, name = key.partition(":")
        if namespace == "mx" and name not in _KNOWN_KEYS:
            raise SettingsError(
                f"{source}: {key}: this key is unknown, and the program would ignore it; remove it"
            )
    if "cloudflare:apiToken" in config and not pulumi.runtime.config.is_config_secret(
        "cloudflare:apiToken"
    ):
        raise SettingsError(
            f"{source}: cloudflare:apiToken: the token is stored in clear text; revoke this "
            f"token at Cloudflare, then store a new one: mx pulumi {stack} config set --secret "
            "cloudflare:apiToken"
        )
    if not config.get("cloudflare:apiToken") and not os.environ.get("CLOUDFLARE_API_TOKEN"):
        raise SettingsError(
            f"{source}: cloudflare:apiToken: missing; export CLOUDFLARE_API_TOKEN, or store the "
            f"token: mx pulumi {stack} config set --secret cloudflare:apiToken"
        )


def owner() -> str:
    """How a host names the stack it belongs to."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def tokens(settings: Settings) -> dict[str, pulumi.Output[str]]:
    """API tokens of further Cloudflare accounts. Raises pulumi.RunError, naming what is missing."""
    config = pulumi.Config("mx")
    given = config.get_object(_TOKENS) or {}
    source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml: mx:{_TOKENS}"
    if given and not pulumi.runtime.config.is_config_secret(f"mx:{_TOKENS}"):
        raise pulumi.RunError(
            f"{source}: a token is stored in clear text; revoke it at Cloudflare, and store a new "
            "one with --secret"
        )
    for account in settings.dns.accounts:
        if account not in given:
            raise pulumi.RunError(
                f"{source}.{account}: missing; store the account's token: mx pulumi "
                f"{pulumi.get_stack()} config set --secret --path mx:{_TOKENS}.{account}"
            )
    for account in given:
        if account not in settings.dns.accounts:
            raise pulumi.RunError(
                f"{source}.{account}: there is no dns.accounts.{account}; correct the name, or "
                "remove this token"
            )
    return {account: pulumi.Output.secret(str(given[account])) for account in given}


def rspamd_password() -> str | None:
    """Password of Rspamd's controller, or None. Raises pulumi.RunError when it is in clear."""
    if pulumi.Config("mx").get(_CONTROLLER) and not pulumi.runtime.config.is_config_secret(
        f"mx:{_CONTROLLER}"
    ):
        raise pulumi.RunError(
            f"stacks/Pulumi.{pulumi.get_stack()}.yaml: mx:{_CONTROLLER}: the password is "
            "stored in clear text; choose another one, and store it with --secret"
        )
    return pulumi.Config("mx").get(_CONTROLLER) or None


def dns_api(settings: Settings) -> DnsApi:
    """The API of the zones, and the token of each, for challenges of the ACME authority.

    Stands after `tokens`, which refuses what is missing.
    """
    config = pulumi.runtime.config.CONFIG.get()
    token = config.get("cloudflare:apiToken") or os.environ.get("CLOUDFLARE_API_TOKEN", "")
    tokens = dict.fromkeys(settings.dns.zones, token)
    further = pulumi.Config("mx").get_object(_TOKENS) or {}
    for account, zones in settings.dns.accounts.items():
        tokens |= dict.fromkeys(zones, str(further[account]))
    return DnsApi(base_url=config.get("cloudflare:baseUrl"), tokens=tokens)


def export(
    settings: Settings,
    failures: Sequence[outputs.RenewalFailure],
    ds: Mapping[str, pulumi.Output[str]],
) -> None:
    """Export the outputs that monitoring reads.

    They come from the settings and from what hosts told at the start: an `up` that fails on one
    host must not take them away. Besides, `ds`: the DS record of each zone that the stack signed.
    """
    for name, value in outputs.plain(outputs.outputs(settings, failures)).items():
        pulumi.export(name, value)
    pulumi.export("dsRecords", dict(ds))
