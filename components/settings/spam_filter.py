"""Settings of the spam filter (`mx:mail.spamFilter`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from components.settings.types import Domain, Model, Network

Score = Annotated[float, Field(ge=-100, le=1000)]
RateName = Literal["to", "to_ip", "to_ip_from", "bounce_to", "bounce_to_ip", "user"]


class RateLimitSettings(Model):
    """A leaky bucket: what may come at once, and how fast it empties."""

    burst: Annotated[StrictInt, Field(ge=1)] = Field(description="Messages that may come at once.")
    per_minute: Annotated[StrictInt, Field(ge=1)]


class GreylistSettings(Model):
    """Greylisting of suspicious mail: deferred once, accepted when it is sent again."""

    enabled: bool = True
    delay_seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = Field(
        300, description="How long a sender must wait; earlier tries are deferred again."
    )
    expire_hours: Annotated[StrictInt, Field(ge=1, le=240)] = 24


DmarcAction = Literal["score", "mark", "reject"]


class DmarcSettings(Model):
    """Mail that fails the DMARC policy (quarantine or reject) of the domain in its From."""

    own_domains: DmarcAction = Field(
        "mark",
        description="Such mail of the stack's own mail domains: `mark` it with `X-Spam: Yes`, "
        "`reject` it, or `score` it only.",
    )
    other_domains: DmarcAction = Field("score", description="The same for all other domains.")
    lists: list[Domain] = Field(
        default_factory=list,
        description="Envelope sender domains of mailing lists that are believed; their SPF must "
        "pass.",
    )
    forwarders: list[Network] = Field(
        default_factory=list, description="Networks of forwarders that are believed."
    )
    arc_sealers: list[Domain] = Field(
        default_factory=list, description="Domains whose valid ARC seals (RFC 8617) are believed."
    )


class SpamFilterSettings(Model):
    """Rspamd and its Redis on each MX host. Scores are sums of the symbols of a message."""

    reject_score: Score = Field(15, description="From this score on a message is refused (5xx).")
    header_score: Score = Field(
        6, description="From this score on it is marked with `X-Spam: Yes`."
    )
    greylist_score: Score = Field(4, description="From this score on it is greylisted.")
    greylist: GreylistSettings = Field(default_factory=GreylistSettings)
    rate_limits: dict[RateName, RateLimitSettings] = Field(
        default={
            "to_ip": RateLimitSettings.model_validate({"burst": 500, "perMinute": 120}),
            "bounce_to": RateLimitSettings.model_validate({"burst": 50, "perMinute": 5}),
        },
        description="What is counted (recipient, client, sender) to its limit; beyond it: 4xx.",
    )
    dmarc: DmarcSettings = Field(default_factory=DmarcSettings)
    local_networks: list[Network] = Field(
        default_factory=list,
        description="More own networks beside mynetworks: mail is signed, not greylisted.",
    )
    dkim_selector: Annotated[str, StringConstraints(pattern=r"^[a-z0-9{}-]{1,40}$")] = Field(
        "{host}",
        description="Selector of a host's own key; `{host}` is its key in hosts. A new one makes "
        "new keys, the old ones stay.",
    )
    dkim_key_bits: Literal[2048, 3072, 4096] = 2048
    bayes_autolearn: bool = Field(True, description="Learn from mail that is clearly good or bad.")
    redis_memory_mebibytes: Annotated[StrictInt, Field(ge=16, le=65536)] = 256
    scan_timeout_seconds: Annotated[StrictInt, Field(ge=4, le=60)] = Field(
        20, description="A scan that takes longer defers the message."
    )

    def selector(self, host: str) -> str:
        """The DKIM selector of a host."""
        return self.dkim_selector.replace("{host}", host)


def contradictions(spam_filter: SpamFilterSettings, hosts: int) -> Iterable[str]:
    """Faults that show only when keys are seen together; each begins with its YAML path."""
    if spam_filter.header_score > spam_filter.reject_score:
        yield "spamFilter.headerScore: it is above rejectScore, so no message would be marked"
    selector = spam_filter.dkim_selector
    if set(selector.replace("{host}", "")) & set("{}"):
        yield f"spamFilter.dkimSelector: {selector!r} has braces that are not {{host}}"
    elif hosts > 1 and "{host}" not in selector:
        yield "spamFilter.dkimSelector: each host has a key of its own; it needs {host} in it"
