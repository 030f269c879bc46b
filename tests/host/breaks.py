"""What the alerts are for, done to the lab's hosts, and how each is mended, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.services.spam_filter import rspamd

from .test_dns import ZONE, api, records
from .test_status import record

DEFAULTS = "/etc/default/prometheus-node-exporter"
MASTER = "/etc/postfix/master.cf"
FAILING = '{"bundle": "lab-try", "owner": "mx/lab", "check": [{"run": ["false"]}]}'
PASSING = '{"bundle": "lab-try", "owner": "mx/lab"}'
STOPPED = ("mariadb", "unbound", "rspamd")
# Rspamd compiles its expressions first.
RSPAMD_ANSWERS = "timeout 120 sh -c 'until rspamc -h {} stat >/dev/null 2>&1; do sleep 1; done'"
BLOCK_LIST = "bl.example3.test"
MX1_REVERSED, MX2_REVERSED = "11.77.18.198", "12.77.18.198"
RENEWED = "/var/lib/dehydrated/certs/mx2.example.test_ecdsa"

# smtpd shows other certificates than main.cf names: of their 90 days they have five left, and
# nobody trusts them.
OTHER_CERTIFICATES = f"""set -e
cp -p {MASTER} /run/keep-master
python3 - <<'END'
import datetime, os
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

now, day = datetime.datetime.utcnow(), datetime.timedelta(days=1)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx1.example.test")])
ecdsa = ec.generate_private_key(ec.SECP256R1())
for kind, key in (("ec", ecdsa), ("rsa", rsa.generate_private_key(65537, 2048))):
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.public_key(key.public_key()).not_valid_before(now - 85 * day)
    made = made.not_valid_after(now + 5 * day).sign(key, hashes.SHA256())
    form, pem = serialization.PrivateFormat.TraditionalOpenSSL, serialization.Encoding.PEM
    text = key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem)
    with open(os.open(f"/run/short-{{kind}}.pem", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(text)
END
postconf -P smtp/inet/smtpd_tls_chain_files=/run/short-ec.pem,/run/short-rsa.pem
postfix reload"""

# Messages for a mailbox host that is down, then their age: two hours, as the queue's files have it.
DEFERRED_MESSAGES = 55
WAIT_DEFERRED = f"""
for i in $(seq {DEFERRED_MESSAGES}); do
  printf 'Subject: waits\\n\\n-\\n' | sendmail -f alice@sender.test bob@example.test
done
timeout 60 sh -c 'until [ $(find /var/spool/postfix/deferred -type f | wc -l) -ge \
{DEFERRED_MESSAGES} ]; do sleep 0.5; done'
python3 - <<'END'
import pathlib, re
for path in pathlib.Path("/var/spool/postfix/deferred").rglob("*"):
    if path.is_file():
        with path.open("r+b") as file:
            found = re.search(rb"T.(\\d{{10}}) ", file.read(512), re.DOTALL)
            file.seek(found.start(1))
            file.write(b"%d" % (int(found[1]) - 7200))
END"""

# As if the collector had seen no message since seven hours.
FORGET_MAIL = """python3 - <<'END'
import json, pathlib
path = pathlib.Path("/var/lib/mx-collect/log.json")
saved = json.loads(path.read_text())
saved["counts"]["last_accepted"] -= 7 * 3600
path.write_text(json.dumps(saved))
END"""

# As if a security update had waited for four days.
UPDATES = "/var/lib/mx-updates/state.json"
FORGET_UPDATES = f"""python3 - <<'END'
import json, pathlib, time
path = pathlib.Path("{UPDATES}")
found = json.loads(path.read_text())
found["since"]["security"] = int(time.time()) - 4 * 86400
path.write_text(json.dumps(found))
END"""

# As if it had not run for twenty minutes.
STOP_COLLECTOR = r"""systemctl stop mx-collect.timer mx-collect.service
sed -i -E 's/^(mx_collector_last_run_timestamp_seconds) .*/\1 '"$(($(date +%s) - 1200))"'/' \
  /var/lib/mx-collect/textfile/mx.prom"""

CUT_AUTHORITY = f"""set -e
nft -f - <<'END'
table inet lab-cut {{
  chain out {{
    type filter hook output priority 0;
    ip daddr 198.18.77.55 reject
    ip6 daddr 2001:db8:77::55 reject
  }}
}}
END
echo old > {RENEWED}/authority
! systemctl start mx-certificates.service"""


@dataclass(frozen=True)
class Break:
    """Shell commands on a host, and labels of the alerts that must fire for them."""

    host: str
    breaks: str
    mends: str
    alerts: tuple[dict[str, str], ...]
    after_collect: bool = False


def alert(name: str, host: str | None = None, /, **labels: str) -> dict[str, str]:
    """Labels of an alert; more labels than these do not matter."""
    return {"alertname": name, **({"host": host} if host else {}), **labels}


# While mx2 is switched off.
OFF = (alert("MxHostDown", "mx2"),)

# Local faults; mx1 cannot resolve names meanwhile.
LOCAL = (
    Break(
        "mx1",
        "systemctl stop postfix.service",
        "systemctl start postfix.service",
        (
            alert("MxSmtpDown", "mx1", instance="198.18.77.11:25"),
            alert("MxSmtpDown", "mx1", instance="[2001:db8:77::11]:25"),
        ),
    ),
    Break(
        "mx1",
        f"systemctl stop {' '.join(STOPPED)}",
        f"systemctl start {' '.join(STOPPED)} && {RSPAMD_ANSWERS.format(rspamd.CONTROLLER)}",
        (
            *(alert("MxServiceDown", "mx1", name=f"{name}.service") for name in STOPPED),
            alert("MxCollectorFailing", "mx1", part="published"),
        ),
    ),
    # It runs, and answers nobody.
    Break(
        "mx1",
        "systemctl kill --signal=STOP redis-server.service",
        "systemctl kill --signal=CONT redis-server.service",
        (alert("MxServiceDown", "mx1", name="redis-server.service"),),
    ),
    Break(
        "mx1",
        f"cp -p {DEFAULTS} /run/keep && echo '# by hand' >> {DEFAULTS}",
        f"cat /run/keep > {DEFAULTS}",
        (alert("MxDrift", "mx1", bundle="monitoring"),),
    ),
    Break(
        "mx1",
        f"! echo '{FAILING}' | mx-agent apply",
        f"echo '{PASSING}' | mx-agent apply && mx-agent remove lab-try",
        (alert("MxApplyFailed", "mx1", bundle="lab-try"),),
    ),
    Break(
        "mx1",
        "nft delete table inet mx",
        "systemctl reload mx-firewall.service",
        (alert("MxFirewallMissing", "mx1"),),
    ),
    Break(
        "mx1",
        "mount -t tmpfs -o size=1m tmpfs /var/log && head -c 1000k /dev/zero > /var/log/full",
        "umount /var/log",
        (alert("MxDiskFilling", "mx1", path="/var/log"),),
    ),
    Break(
        "mx1",
        FORGET_UPDATES,
        f"rm {UPDATES} && systemctl start mx-updates.service",
        (alert("MxUpdatesWaiting", "mx1", kind="security"),),
    ),
    # The other host, switched off, tells of no mail.
    Break("mx1", FORGET_MAIL, "true", (alert("MxNoMailAccepted"),)),
    Break(
        "mx1",
        STOP_COLLECTOR,
        "systemctl start mx-collect.timer",
        (alert("MxCollectorStale", "mx1"),),
        after_collect=True,
    ),
)

# What the world sees, and what waits; names are resolved and every exporter answers.
SEEN = (
    # The name of the mailbox host is gone from DNS, as this host sees it.
    Break(
        "mx2",
        "unbound-control -q local_zone mailbox1.example.test. always_nxdomain",
        "unbound-control -q local_zone_remove mailbox1.example.test.",
        (alert("MxNextHopWithoutAddress", "mx2", name="mailbox1.example.test"),),
    ),
    Break(
        "mx1",
        OTHER_CERTIFICATES,
        f"cat /run/keep-master > {MASTER} && postfix reload",
        (
            alert("MxStartTlsBroken", "mx1", instance="198.18.77.11:25"),
            *(
                alert(name, "mx1", algorithm=algorithm)
                for name in ("MxCertificateStale", "MxCertificateExpiring")
                for algorithm in ("ecdsa", "rsa")
            ),
        ),
    ),
    Break(
        "mailbox1",
        "systemctl stop postfix.service",
        "systemctl start postfix.service",
        (),
    ),
    Break(
        "mx1",
        WAIT_DEFERRED,
        "postfix flush",
        (
            alert("MxQueueOld", "mx1"),
            alert("MxQueueGrowing", "mx1"),
            alert("MxDestinationDeferred", "mx1", destination="example.test"),
        ),
    ),
    # qmgr(8) does not read this directory, so mail goes on.
    Break(
        "mx1",
        "touch /var/spool/postfix/hold/copied",
        "rm -f /var/spool/postfix/hold/copied",
        (alert("MxQueueForeignFile", "mx1", file="hold/copied"),),
    ),
    # Mended after nginx: what is renewed must be served.
    Break(
        "mx2",
        CUT_AUTHORITY,
        "nft delete table inet lab-cut && systemctl start mx-certificates.service",
        (alert("MxRenewalFailing", "mx2"),),
    ),
    *(
        Break(
            host,
            "systemctl stop nginx.service",
            "systemctl start nginx.service",
            (alert("MxPolicyUnreachable", host, domain="example.test"),),
        )
        for host in ("mx1", "mx2")
    ),
)
PUBLISHED = (
    alert("MxTlsaMismatch", "mx2"),
    alert("MxRecordsDiffer", domain="example.test", hostname="mx2.example.test"),
    alert("MxDkimMismatch", "mx2", domain="example.test"),
    *(alert("MxPolicyDiffers", host, domain="example.test") for host in ("mx1", "mx2")),
    alert("MxBlockListRefuses", "mx1", list=BLOCK_LIST),
    alert("MxBlockListed", "mx2", list=BLOCK_LIST),
    alert("MxPolicyUnreachable", job="mx-policy", domain="example.test"),
)


def block_list_answers() -> list[Any]:
    """The list has mx2, and does not answer mx1."""
    zone = "023e105f4ecef8ad9ca31a8372d0c355"
    return [
        record("A", f"{reversed_}.{BLOCK_LIST}", zone, content=content)
        for reversed_, content in ((MX2_REVERSED, "127.0.0.2"), (MX1_REVERSED, "127.255.255.254"))
    ]


@contextmanager
def wrong(
    kind: str, owner: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[None]:
    """All our records of a name and a type say something else for a while."""
    ours = [each for each in records().values() if (each["type"], each["name"]) == (kind, owner)]
    assert ours, f"there is no {kind} at {owner}"
    bodies = {each["id"]: change(each) for each in ours}
    try:
        for number, body in bodies.items():
            api("PATCH", f"{ZONE}/dns_records/{number}", body)
        yield
    finally:
        for each in ours:
            body = {key: each[key] for key in bodies[each["id"]]}
            api("PATCH", f"{ZONE}/dns_records/{each['id']}", body)


def wrong_key(found: dict[str, Any]) -> dict[str, Any]:
    """A TLSA record of another key."""
    data = found["data"]
    return {"data": {**data, "certificate": data["certificate"][::-1]}}


def wrong_id(found: dict[str, Any]) -> dict[str, Any]:
    """A record `_mta-sts` of another policy."""
    return {"content": '"v=STSv1; id=20200101000000"'}


def wrong_dkim(found: dict[str, Any]) -> dict[str, Any]:
    """A DKIM record without a key: revoked."""
    return {"content": '"v=DKIM1; k=rsa; p="'}


def wrong_mx(found: dict[str, Any]) -> dict[str, Any]:
    """Another host in the place of mx2."""
    return {"content": found["content"].replace("mx2.", "elsewhere.")}


def wrong_records() -> list[Any]:
    """MX, TLSA and DKIM of mx2, the policy's id, answers of the block list."""
    return [
        wrong("MX", "example.test", wrong_mx),
        wrong("TXT", "mx2._domainkey.example.test", wrong_dkim),
        wrong("TLSA", "_25._tcp.mx2.example.test", wrong_key),
        wrong("TXT", "_mta-sts.example.test", wrong_id),
        *block_list_answers(),
    ]
