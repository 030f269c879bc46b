"""Settings of the spam filter (`mx:mail.spamFilter`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from components.settings.package_source import PackageSource
from components.settings.types import Domain, Model, Network

Score = Annotated[float, Field(ge=-100, le=1000)]
RateName = Literal["to", "to_ip", "to_ip_from", "bounce_to", "bounce_to_ip", "user"]


class RateLimitSettings(Model):
    """A leaky bucket: how many messages it holds, and how fast it empties."""

    burst: Annotated[StrictInt, Field(ge=1)] = Field(
        description="Number of messages that may come at once."
    )
    per_minute: Annotated[StrictInt, Field(ge=1)] = Field(
        description="Number of messages a minute that the bucket loses."
    )


class GreylistSettings(Model):
    """Greylisting. Suspicious mail is deferred once and accepted when it is sent again."""

    enabled: bool = Field(True, description="Greylist mail whose score reaches `greylistScore`.")
    delay_seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = Field(
        300, description="How long a sender must wait. Tries that come earlier are deferred again."
    )
    expire_hours: Annotated[StrictInt, Field(ge=1, le=240)] = Field(
        24, description="How long a deferred message is remembered."
    )


DmarcAction = Literal["score", "mark", "reject"]


class DmarcSettings(Model):
    """Mail that fails the DMARC policy (quarantine or reject) of its From domain."""

    own_domains: DmarcAction = Field(
        "mark",
        description="What happens to such mail from the stack's own mail domains: `mark` it with "
        "`X-Spam: Yes`, `reject` it, or only `score` it.",
    )
    other_domains: DmarcAction = Field(
        "score", description="What happens to such mail from all other domains."
    )
    lists: list[Domain] = Field(
        default_factory=list,
        description="Envelope sender domains of trusted mailing lists. Their mail is only scored "
        "if it passes SPF.",
    )
    forwarders: list[Network] = Field(
        default_factory=list,
        description="Networks of trusted forwarders. Their mail is only scored.",
    )
    arc_sealers: list[Domain] = Field(
        default_factory=list,
        description="Domains whose valid ARC seals (RFC 8617) are trusted. Mail with such a seal "
        "is only scored.",
    )


class SpamFilterSettings(Model):
    """Rspamd and its Redis on each MX host. A message's score is the sum of its symbols."""

    source: PackageSource | None = Field(
        None,
        description="Another apt repository that hosts may take Rspamd from, for example that of "
        "Rspamd's authors. Without it they take Debian's.",
    )

    reject_score: Score = Field(
        15, description="A message with this score or more is refused (5xx)."
    )
    header_score: Score = Field(
        6, description="A message with this score or more is marked with `X-Spam: Yes`."
    )
    greylist_score: Score = Field(4, description="A message with this score or more is greylisted.")
    greylist: GreylistSettings = Field(default_factory=GreylistSettings)
    rate_limits: dict[RateName, RateLimitSettings] = Field(
        default={
            "to_ip": RateLimitSettings.model_validate({"burst": 500, "perMinute": 120}),
            "bounce_to": RateLimitSettings.model_validate({"burst": 50, "perMinute": 5}),
        },
        description="Limit for each counter of Rspamd: by recipient, client address, sender or "
        "user, as the names combine them. Mail beyond a limit is deferred (4xx).",
    )
    dmarc: DmarcSettings = Field(default_factory=DmarcSettings)
    local_networks: list[Network] = Field(
        default_factory=list,
        description="Own networks besides `postfix.mynetworks`. Their mail is signed and not "
        "greylisted.",
    )
    dkim_selector: Annotated[str, StringConstraints(pattern=r"^[a-z0-9{}-]{1,40}$")] = Field(
        "{host}",
        description="DKIM selector of a host's own key; `{host}` stands for the host's key in "
        "`hosts`. A new selector makes new keys, and the old keys stay on the host.",
    )
    dkim_key_bits: Literal[2048, 3072, 4096] = Field(
        2048, description="Size of new DKIM keys (RSA)."
    )
    bayes_autolearn: bool = Field(
        True, description="Learn from mail that is clearly good or clearly bad."
    )
    redis_memory_mebibytes: Annotated[StrictInt, Field(ge=16, le=65536)] = Field(
        256, description="Most memory that Redis may use for its data."
    )
    scan_timeout_seconds: Annotated[StrictInt, Field(ge=4, le=60)] = Field(
        20, description="A message whose scan takes longer is deferred."
    )

    @property
    def other_packages(self) -> tuple[str, ...]:
        """The packages that `source` is for."""
        return () if self.source is None else ("rspamd",)

    def selector(self, host: str) -> str:
        """The DKIM selector of a host."""
        return self.dkim_selector.replace("{host}", host)


def contradictions(spam_filter: SpamFilterSettings, hosts: int) -> Iterable[str]:
    """Faults that show only when keys are seen together; each begins with its YAML path."""
    if spam_filter.header_score > spam_filter.reject_score:
        yield (
            "spamFilter.headerScore: it is above rejectScore, so mail would be refused before it "
            "could be marked; set it to rejectScore or less"
        )
    selector = spam_filter.dkim_selector
    if set(selector.replace("{host}", "")) & set("{}"):
        yield f"spamFilter.dkimSelector: {selector!r} has braces that are not part of {{host}}"
    elif hosts > 1 and "{host}" not in selector:
        yield (
            "spamFilter.dkimSelector: the selector must contain {host}, because each of several "
            "hosts has a key of its own"
        )
