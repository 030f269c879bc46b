"""Stack files with every setting that is text; two texts are the same where one names the other."""

from __future__ import annotations

from typing import Any

from components.settings.environment import Settings
from tests.long.fuzz import places
from tests.support import openpgp_key

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{}J1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
_ANCHOR = "anchored.fuzz.test. 3600 IN DS 1 13 2 " + "ab" * 32
FILES = {
    "anchors.key": "; anchors\n. 3600 IN DS 1 13 2 " + "cd" * 32 + "\n",
    "root.hints": ". 3600 IN NS ns.fuzz.test.\nns.fuzz.test. 3600 IN A 192.0.2.99\n",
    "apt.asc": openpgp_key.ARMOUR,
    "people": "# people\ncarol\ndave\n",
}
"""Files beside the stack file, by the names that the document gives."""


def document() -> dict[str, Any]:
    """Everything is switched on; the second host is one with Debian 12."""
    return {
        "ssh": {
            "user": "operator",
            "privateKeyFile": "~/.ssh/fuzzed",
            "knownHostsFile": "~/.ssh/known",
        },
        "hosts": {
            "mxone": {
                "hostname": "first.fuzz.test",
                "ipv4": "198.51.100.1",
                "ipv6": "2001:db8:1::1",
                "hostKey": _KEY.format("G"),
                "sshAddress": "way.fuzz.test",
                "monitoringAddress": "10.0.0.1",
                "inetInterfaces": ["198.51.100.1", "2001:db8:1::1"],
            },
            "mxtwo": {
                "hostname": "second.fuzz.test",
                "ipv4": "198.51.100.2",
                "hostKey": _KEY.format("H"),
                "monitoringAddress": "10.0.0.2",
                "debian": 12,
                "preference": 20,
            },
            "mxold": {
                "hostname": "third.fuzz.test",
                "ipv4": "198.51.100.3",
                "hostKey": _KEY.format("J"),
                "monitoringAddress": "10.0.0.3",
                "preference": 30,
            },
        },
        "mailboxHosts": {
            "boxone": {"hostname": "boxes.fuzz.test"},
            "boxtwo": {"hostname": "others.fuzz.test", "protocol": "lmtp", "port": 24},
        },
        "dns": _dns(),
        "domains": {
            "fuzz.test": {
                "zone": "fuzz.test",
                "mx": ["mxone", "mxtwo"],
                "leavingMx": ["mxold"],
                "mailboxHost": "boxone",
                "recipients": ["alice", "postmaster"],
                "recipientsFile": "people",
                "aliases": {"info": ["erin@away.example"]},
                "mtaSts": {"mode": "enforce", "alsoMx": ["gone.fuzz.test"]},
                "records": _records("own"),
            },
            "other.fuzz.test": {
                "mailboxHost": "boxtwo",
                "recipients": ["bob"],
                "mtaSts": {"mode": "testing"},
                "records": {"mtaStsCname": "fuzz.test"},
            },
        },
        "postfix": _postfix(),
        "monitoring": {"networks": ["192.0.2.64/27"], "blockLists": ["listing.example"]},
        "firewall": {"sshNetworks": ["192.0.2.128/27"]},
        "resolver": {
            "forwarders": [{"address": "9.9.9.9", "hostname": "dns.forward.example"}],
            "recursedZones": ["recursed.example"],
            "trustAnchors": [_ANCHOR],
            "trustAnchorFile": "anchors.key",
            "rootHintsFile": "root.hints",
            "privateZones": ["private.test"],
            "insecureZones": ["insecure.test"],
            "stubZones": {"stub.test": ["10.0.0.53"]},
        },
        "certificates": {
            "acceptTerms": True,
            "acmeDirectoryUrl": "https://acme.fuzz.test/dir",
            "acmeCaRoot": "/etc/ssl/fuzzed-root.pem",
            "contact": "acme-contact@fuzz.test",
        },
        "spamFilter": {
            "localNetworks": ["192.0.2.0/27"],
            "dkimSelector": "{host}-sel",
            "rateLimits": {"to_ip": {"burst": 5, "perMinute": 6}},
            "source": {
                "url": "https://apt.fuzz.test/rspamd",
                "suite": "{codename}-fuzzed",
                "components": ["main", "fuzzed"],
                "keyFile": "apt.asc",
                "fingerprint": openpgp_key.FINGERPRINT,
            },
            "dmarc": {
                "lists": ["lists.example"],
                "forwarders": ["192.0.2.32/27"],
                "arcSealers": ["sealer.example"],
            },
        },
        "tlsReports": {"organization": "Fuzzed mail", "contact": "alice@fuzz.test"},
        "rollout": {"canary": "mxone"},
        "updates": {"unattended": True, "firstAt": "02:00"},
    }


def _records(word: str) -> dict[str, Any]:
    return {
        "dkim": {"fuzzsel": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        "spf": f"v=spf1 include:{word}.spf.example mx -all",
        "dmarc": f"v=DMARC1; p=none; rua=mailto:{word}-dmarc@fuzz.test",
        "tlsRpt": f"v=TLSRPTv1; rua=mailto:{word}-tls@fuzz.test",
    }


def _dns() -> dict[str, Any]:
    shared = _records("all")
    del shared["dkim"]
    return {
        "zones": {"fuzz.test": "0" * 32, "parked.test": "1" * 32},
        "accounts": {"account": ["parked.test"]},
        "dnssecZones": ["fuzz.test"],
        "signedZones": ["fuzz.test"],
        "parkedDomains": ["parked.test"],
        "sshfp": True,
        "recordTtlSeconds": {"mx-fuzz.test-mxtwo": 300},
        "caa": {"issue": ["authority.example"], "iodef": "caa-contact@fuzz.test"},
        "records": shared,
        "adopt": {"mx-fuzz.test-mxone": "a" * 32},
    }


def _postfix() -> dict[str, Any]:
    return {
        "recipientDelimiter": "+",
        "mynetworks": ["192.0.2.96/27"],
        "maximalQueueLifetime": "4d",
        "bounceQueueLifetime": "3d",
        "delayWarningTime": "7h",
        "noticeRecipient": "notices@away.example",
        "tls": {
            "caFile": "/etc/ssl/certs/fuzzed-roots.crt",
            "policyService": "inet:192.0.2.1:8461:QUERY",
            "reportSocket": "run/fuzzed-reports.sock",
        },
        "tlsPolicies": {"[boxes.fuzz.test]:25": "secure match=nexthop"},
        "postscreen": {
            "enabled": True,
            "dnsblSites": {"dnsbl.example": {"weight": 2, "answers": "127.0.[2..20].[1..3]"}},
        },
        "extra": {"smtpd_banner": "$myhostname ESMTP fuzzed"},
    }


def variants() -> dict[str, dict[str, Any]]:
    """Documents that together have all settings: some of them rule each other out.

    A setting that is text and has a default stands there with it, where document() gives no value.
    """
    alone = document()
    for key in ("mxtwo", "mxold"):
        del alone["hosts"][key]
    alone["domains"]["fuzz.test"] |= {"mx": ["mxone"], "leavingMx": []}
    alone["dns"]["caa"]["accountUri"] = "https://acme.fuzz.test/acct/1"
    alone["certificates"] |= {"acmeProfile": "tlsserver"}
    del alone["tlsReports"]
    whole = document()
    for each in (whole, alone):
        if "tlsReports" in each:
            del each["postfix"]["tls"]["reportSocket"]
    schema = Settings.model_json_schema(by_alias=True)
    return {
        "three hosts": places.filled(whole, schema),
        "one host": places.filled(alone, schema),
    }
