"""Settings of MTA-STS: `mtaSts` of a mail domain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from components.settings.types import Domain, Model


class MtaStsSettings(Model):
    """The MTA-STS policy of a mail domain (RFC 8461); its MX hosts are the domain's own."""

    mode: Literal["testing", "enforce", "none"] = Field(
        "testing",
        description="Begin with `testing`. Before you remove a policy, publish `none` for as long "
        "as senders may keep the old one.",
    )
    max_age_seconds: Annotated[StrictInt, Field(ge=86400, le=31557600)] = Field(
        604800, description="How long senders keep the policy. Take weeks once `mode` is `enforce`."
    )
    also_mx: list[Domain] = Field(
        default_factory=list,
        description="Further MX names in the policy: hosts that others run, or a lost host until "
        "its MX record has left every cache. For a host of your own that goes, use "
        "`leaving` or `leavingMx`.",
    )
