"""DNS records at Cloudflare, all from one table.

Stands last: a record is a promise that a host behind it keeps. Records that the table does not
have are never touched, those of the same name included.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.dns import cloudflare, signing
from components.dns import records as dns_records
from components.dns.records import Facts, Record
from components.dns.serving import Serving
from components.settings.environment import Settings

Tokens = Mapping[str, pulumi.Input[str]]


class Dns(pulumi.ComponentResource):
    """Creates: a `DnsRecord` a row of the table, a `local.Command` a zone that we have signed.

    `serving`: what each MX host keeps its promises with. `tokens`: the API tokens of further
    accounts. `sts_ids`: mail domain to the id of its MTA-STS policy; one without has no MTA-STS.
    `former`: key of a record to the ID of the zone that it is in until now. `adopt`: key of a
    record to the ID of the one that is taken over for it, as by `dns.adopt`. `before_mx`: is called
    before an MX record of a mail domain is made.
    Provides: `ds`, zone to the DS record that the registrar needs.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        serving: Mapping[str, Serving],
        tokens: Tokens | None = None,
        sts_ids: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
        former: Mapping[str, str] | None = None,
        adopt: Mapping[str, str] | None = None,
        before_mx: pulumi.ResourceHook | None = None,
    ) -> None:
        super().__init__("mx:dns:Dns", name, None, opts)
        self._settings, self._serving = settings, serving
        self._former = former or {}
        self._adopt = settings.dns.adopt if adopt is None else adopt
        self._before_mx = before_mx
        self._tokens = tokens or {}
        self._providers = self._accounts(self._tokens)
        facts = Facts(
            host_keys={key: each.host_key for key, each in serving.items()},
            tlsa={key: each.announced for key, each in serving.items()},
            sts_ids=sts_ids or {},
            dkim={key: each.dkim for key, each in serving.items()},
        )
        self._published: dict[str, pulumi.Resource] = {}
        for record in dns_records.records(settings, facts):
            self._published[record.key] = self._record(record)
        self.ds = {zone: self._dnssec(zone) for zone in settings.dns.dnssec_zones}
        self.register_outputs({})

    def _accounts(self, tokens: Tokens) -> dict[str, cloudflare.Provider]:
        """A provider for each further account, by zone; other zones have the default one."""
        base_url = pulumi.Config("cloudflare").get("baseUrl")
        found: dict[str, cloudflare.Provider] = {}
        for account, zones in self._settings.dns.accounts.items():
            provider = cloudflare.Provider(
                f"cloudflare-{account}",
                api_token=pulumi.Output.secret(tokens[account]),
                base_url=base_url,
                opts=pulumi.ResourceOptions(parent=self),
            )
            found |= dict.fromkeys(zones, provider)
        return found

    def _record(self, record: Record) -> cloudflare.DnsRecord:
        zone_id = self._settings.dns.zones[record.zone]
        adopted = self._adopt.get(record.key)
        # The API replaces a record for another type or another zone, and changes all else in place.
        # A TLSA record is replaced for other data too: the new key must be announced before the
        # old one is not any more (RFC 7672 8.1).
        rolls = record.type == "TLSA"
        return cloudflare.DnsRecord(
            f"dns-{record.key}",
            zone_id=zone_id,
            name=record.name,
            type=record.type,
            content=record.content,
            data=None if record.data is None else cloudflare.DnsRecordDataArgs(**record.data),
            priority=record.priority,
            ttl=self._settings.dns.ttl_of(record.key),
            proxied=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self._providers.get(record.zone),
                depends_on=self._kept_by(record),
                hooks=self._hooks(record),
                # In another zone it is there before it goes here; of two types only one can be at a
                # name when one of them is CNAME.
                delete_before_replace=record.other_type and zone_id == self._former.get(record.key),
                replace_on_changes=["data"] if rolls else None,
                import_=f"{zone_id}/{adopted}" if adopted else None,
                aliases=[pulumi.Alias(name=f"dns-{record.former}")] if record.former else None,
            ),
        )

    def _hooks(self, record: Record) -> pulumi.ResourceHookBinding | None:
        """Only a record that is made is held back: one that is published stays."""
        if self._before_mx is None or record.promise != "mail":
            return None
        return pulumi.ResourceHookBinding(before_create=[self._before_mx])

    def _kept_by(self, record: Record) -> list[pulumi.Resource]:
        """The resources that keep the record's promise, and the records that come before it."""
        kept = [each for host in record.hosts for each in self._serving[host].keeps(record.promise)]
        return kept + [self._published[key] for key in record.after]

    def _dnssec(self, zone: str) -> pulumi.Output[str]:
        config = pulumi.Config("cloudflare")
        own = [name for name, zones in self._settings.dns.accounts.items() if zone in zones]
        return signing.signed(
            zone,
            self._settings.dns.zones[zone],
            parent=self,
            token=self._tokens[own[0]] if own else config.get_secret("apiToken"),
            base_url=config.get("baseUrl"),
        )
