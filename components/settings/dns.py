"""Settings of what is published in DNS: `dns` of an environment and `records` of a domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints

from components.policies import dkim, dmarc, spf, tlsrpt
from components.settings.types import Address, Domain, Model, Name, ZoneId


def _without(faults: Callable[[str], list[str]]) -> AfterValidator:
    def check(value: str) -> str:
        if value != "none" and (found := faults(value)):
            raise ValueError("; ".join(found))
        return value

    return AfterValidator(check)


_Text = StringConstraints(pattern=r"^[\x20-\x7e]{1,2000}$")
Spf = Annotated[str, _Text, _without(spf.faults)]
Dmarc = Annotated[str, _Text, _without(dmarc.faults)]
TlsRpt = Annotated[str, _Text, _without(tlsrpt.faults)]
DkimKey = Annotated[str, _Text, _without(dkim.faults)]
Selector = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
RecordKey = Annotated[str, StringConstraints(pattern=r"^[a-z]+-[a-z0-9._*-]+$")]
RecordId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
ValidationMethod = Literal["dns-01", "http-01", "tls-alpn-01", "dns-account-01"]


class SharedTextsSettings(Model):
    """Texts of TXT records, published as they are written. `none` publishes no record."""

    spf: Spf | None = Field(None, description="SPF (RFC 7208), for example `v=spf1 mx -all`.")
    dmarc: Dmarc | None = Field(
        None, description="DMARC (RFC 9989), for example `v=DMARC1; p=quarantine`."
    )
    tls_rpt: TlsRpt | None = Field(
        None,
        description="TLSRPT (RFC 8460), for example `v=TLSRPTv1; rua=mailto:tls@example.org`. The "
        "text in `dns.records` is also published for the name of each MX host.",
    )


class DomainRecordsSettings(SharedTextsSettings):
    """Records of one mail domain. A text that is missing here is taken from `dns.records`."""

    dkim: dict[Selector, DkimKey] = Field(
        default_factory=dict,
        description="Further DKIM keys: selector to key record (RFC 6376), for example `v=DKIM1; "
        "k=rsa; p=...`. The MX hosts' own keys are published without an entry here.",
    )
    mta_sts_cname: Domain | None = Field(
        None,
        description="Another mail domain of this stack. The names `mta-sts` and `_mta-sts` of "
        "this domain become CNAMEs of the other domain's.",
    )


class CaaSettings(Model):
    """Who may issue certificates for the MX hosts and policy hosts (RFC 8659, RFC 8657)."""

    issue: list[Domain] = Field(
        min_length=1,
        description="Authorities that may issue certificates, for example `letsencrypt.org`.",
    )
    account_uri: Annotated[str, StringConstraints(pattern=r'^https://[^\s";]+$')] | None = Field(
        None,
        description="The only account at the authority that may ask for certificates. Only a "
        "stack with one MX host can use this, since each host has an account of its "
        "own.",
    )
    validation_methods: list[ValidationMethod] = Field(
        default_factory=list,
        description="The only methods of validation that the authority may use. Default: all.",
    )
    iodef: Address | None = Field(
        None, description="Address that authorities report refused requests to."
    )


class DnsSettings(Model):
    """The zones at Cloudflare, and records that belong to no single mail domain."""

    zones: dict[Domain, ZoneId] = Field(
        description="Name of each zone at Cloudflare to its zone ID."
    )
    ttl_seconds: Annotated[StrictInt, Field(ge=60, le=86400)] = Field(
        3600, description="TTL of all records that `recordTtlSeconds` does not name."
    )
    record_ttl_seconds: dict[
        RecordKey, Literal[1] | Annotated[StrictInt, Field(ge=60, le=86400)]
    ] = Field(
        default_factory=dict,
        description="TTL of single records, which are named as in `adopt`. 1 is Cloudflare's "
        "automatic TTL.",
    )
    accounts: dict[Name, list[Domain]] = Field(
        default_factory=dict,
        description="Further Cloudflare accounts: a name of your choice to the account's zones. "
        "Store each account's token as a secret: `mx pulumi STACK config set --secret --path "
        "mx:cloudflareTokens.NAME`.",
    )
    dnssec_zones: list[Domain] = Field(
        default_factory=list,
        description="Zones that Cloudflare signs for this stack. The output `dsRecords` has the "
        "DS records for the registrar. Signing stays on when the stack is destroyed.",
    )
    signed_zones: list[Domain] = Field(
        default_factory=list,
        description="Zones with a complete DNSSEC chain of trust. TLSA records are published in "
        "these only.",
    )
    parked_domains: list[Domain] = Field(
        default_factory=list,
        description="Domains that have no mail. They get a null MX (RFC 7505) and policies that "
        "reject all mail.",
    )
    sshfp: bool = Field(
        False, description="Publish the hosts' SSH host keys as SSHFP records (RFC 4255)."
    )
    private_addresses: StrictBool = Field(
        False,
        description="Publish MX hosts' addresses even if the Internet does not route them: "
        "private, documentation, link-local or shared addresses. For an intranet or a "
        "test network.",
    )
    caa: CaaSettings | None = None
    records: SharedTextsSettings = Field(
        default_factory=SharedTextsSettings,
        description="Texts for every mail domain that has none of its own.",
    )
    adopt: dict[RecordKey, RecordId] = Field(
        default_factory=dict,
        description="Existing records that this stack takes over: resource name without `dns-`, "
        "to the record's ID at Cloudflare.",
    )

    def ttl_of(self, key: str) -> int:
        """Seconds for the record with this key; 1 is the automatic TTL of Cloudflare."""
        return self.record_ttl_seconds.get(key, self.ttl_seconds)


def contradictions(dns: DnsSettings, domains: Mapping[str, DomainRecordsSettings]) -> Iterable[str]:
    """Faults that show only when keys are seen together; each begins with its YAML path.

    `domains` are the mail domains with their records.
    """
    zones = list(dns.zones)
    for zone_id in set(dns.zones.values()):
        same = [zone for zone, known in dns.zones.items() if known == zone_id]
        if len(same) > 1:
            yield (
                f"dns.zones.{same[1]}: it has the same zone ID as dns.zones.{same[0]}; each zone "
                "has an ID of its own"
            )
    named = {"dnssecZones": dns.dnssec_zones, "signedZones": dns.signed_zones}
    named |= {f"accounts.{name}": listed for name, listed in dns.accounts.items()}
    for key, listed in named.items():
        for index, zone in enumerate(listed):
            if zone not in dns.zones:
                yield f"dns.{key}[{index}]: there is no dns.zones.{zone}"
    for zone in zones:
        holders = [name for name, listed in dns.accounts.items() if zone in listed]
        if len(holders) > 1:
            yield f"dns.accounts.{holders[1]}: {zone} is already in dns.accounts.{holders[0]}"
    for index, name in enumerate(dns.parked_domains):
        if name in domains:
            yield (
                f"dns.parkedDomains[{index}]: {name} is also a mail domain in domains; take it "
                "off one of the two"
            )
        if not any(name == zone or name.endswith("." + zone) for zone in zones):
            yield f"dns.parkedDomains[{index}]: {name} is in none of dns.zones; add its zone"
    for name, records in domains.items():
        path, other = f"domains.{name}.records.mtaStsCname", records.mta_sts_cname
        if other is None:
            continue
        if other not in domains or other == name:
            yield f"{path}: {other} is not another mail domain in domains"
        elif domains[other].mta_sts_cname is not None:
            yield (
                f"{path}: domains.{other} has mtaStsCname itself; name the mail domain that has "
                "the policy"
            )
