"""A Pulumi program of Dns alone, with hosts that serve everything: every record type there is."""

import pulumi

from components.dns.component import Dns
from components.dns.serving import Serving
from components.settings.environment import from_mapping

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
ED25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
LONG = " ".join(f"ip4:192.0.2.{n}" for n in range(40))


class Ready(pulumi.ComponentResource):
    """Something that serves."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Ready", name)


domain = {"mailboxHost": "mailbox1", "recipients": ["hm", "d", "t"]}
settings = from_mapping(
    {
        "hosts": {
            "mx1": {
                "hostname": "mx1.example3.test",
                "ipv4": "198.18.77.31",
                "ipv6": "2001:DB8:77:0::31",
                "hostKey": KEY,
            }
        },
        "mailboxHosts": {"mailbox1": {"hostname": "mailbox1.example3.test"}},
        "dns": {
            "ttlSeconds": 300,
            "privateAddresses": True,
            "zones": {"example3.test": "023e105f4ecef8ad9ca31a8372d0c355"},
            "signedZones": ["example3.test"],
            "dnssecZones": ["example3.test"],
            "parkedDomains": ["parked.example3.test"],
            "sshfp": True,
            "caa": {
                "issue": ["ca.test"],
                "accountUri": "https://ca.test/acct/1",
                "validationMethods": ["dns-01"],
                "iodef": "hm@example3.test",
            },
            "records": {
                "spf": f"v=spf1 mx {LONG} -all",
                "dmarc": "v=DMARC1; p=reject; rua=mailto:d@example3.test",
                "tlsRpt": "v=TLSRPTv1; rua=mailto:t@example3.test",
            },
        },
        "domains": {
            "example3.test": {
                **domain,
                "records": {"dkim": {"s1": f"v=DKIM1; k=ed25519; p={ED25519}"}},
            },
            "sub.example3.test": {**domain, "records": {"mtaStsCname": "example3.test"}},
        },
    }
)
ready = Ready("ready")
keys = {
    slot: pulumi.Output.from_input(digest)
    for slot, digest in pulumi.Config("mx").require_object("keys").items()
}
serving = Serving(ready, KEY, tls=ready, policy=ready, keys=keys)
ids = dict.fromkeys(settings.domains, "20260101T000000")
Dns("dns", settings, {"mx1": serving}, sts_ids=ids)
