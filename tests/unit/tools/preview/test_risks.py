"""The table of risks: for each kind a preview in which "Read this first" tells it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.tools.preview.test_report import (
    BUNDLE,
    RECORD,
    bundle,
    content,
    mx,
    report_of,
    step,
)
from tools.preview.budget import FORGES
from tools.preview.markdown import markdown
from tools.preview.risks import KINDS

STOPPED = "Sat 2026-11-28 03:12:07 UTC"
SOURCES = "/etc/apt/sources.list.d/mx-spam-filter.sources"
NULL = {"name": "park.test", "type": "MX", "content": ".", "priority": 0, "ttl": 300}


def txt(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "type": "TXT", "content": f'"{text}"', "ttl": 300}


def address(ip: str) -> dict[str, Any]:
    return {"name": "mx1.a.test", "type": "A", "content": ip, "ttl": 300}


def record(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    op = "delete" if new is None else "create" if old is None else "update"
    return {"steps": [step(op, RECORD.format("x"), old, new)]}


def files(path: str, old: str | None, new: str | None, name: str = "postfix") -> dict[str, Any]:
    """A bundle in which one file changes, or that comes or goes."""
    before, after = (
        None if text is None else bundle({path: {"content": text}}, bundle=name)
        for text in (old, new)
    )
    op = "delete" if new is None else "create" if old is None else "update"
    return {"steps": [step(op, BUNDLE.format(f"mx1-{name}"), before, after)]}


def postfix(section: str, old: str, new: str) -> dict[str, Any]:
    head = "# Restrictions\n" if "restrictions" in section else "# Other\n"
    return files(f"/etc/postfix/main.cf.d/{section}.cf", head + old, head + new)


def told(*warnings: str) -> dict[str, Any]:
    diagnostics = [{"severity": "warning", "message": f"warning: {text}"} for text in warnings]
    return {"steps": [], "diagnostics": diagnostics}


def host_leaves() -> dict[str, Any]:
    return {"steps": [step("delete", BUNDLE.format("mx1-agent"), {"stdin": "x"})]}


FIREWALL = "/etc/mx/firewall.nft"
RULES = "    tcp dport {{ 25, 443 }} accept\n    ip saddr {{ {} }} tcp dport 22 accept\n"
SQL = "/usr/local/lib/mx/schema/0002-x.sql"
# Kind: previews of that kind, each with its sentence.
ROWS: dict[str, list[tuple[dict[str, Any], str]]] = {
    "others' records at our names": [
        (
            # As long as it lasts it is a warning of each report; here something is decided.
            told("zones: Mail for a.test also goes to mx.other.test, preference 5: before mx1.")
            | record(None, address("192.0.2.1")),
            "Mail for a.test also goes to mx.other.test, preference 5: before mx1.",
        )
    ],
    "a host is not reached or not believed": [
        (
            told("drift of mx1 was not read: Permission denied (publickey)."),
            "mx1: MX could not read the state of the host (Permission denied (publickey): the "
            "ssh-agent has no key that the host accepts, or none runs here). Until it can, ",
        ),
        (
            told("drift of mx1 was not read: Host key verification failed."),
            "mx1: MX could not read the state of the host (Host key verification "
            "failed). Until it can, `mx up` fails there. This report does not show what the host "
            "has now. `mx check` says what to do.",
        ),
    ],
    "mail is queued where a host or domain goes": [
        (
            told("queue of mx2: 50 messages are queued there, the oldest for 3 min"),
            "mx2: 50 messages are queued there, the oldest for 3 min",
        )
    ],
    "a host cannot be an MX": [
        (
            told("host mx1 cannot be set up: memory: 500 MiB: all services need 1400 MiB"),
            "mx1: the host lacks what an MX host needs, so `mx up` changes nothing there: memory: "
            "500 MiB: all services need 1400 MiB",
        )
    ],
    "new MX records are held back, or their host has no good name": [
        (
            told(
                "MX records of mx1: PTR of 203.0.113.21 is missing; it should be mx1.example.org; "
                "set it"
            ),
            "mx1: PTR of 203.0.113.21 is missing; it should be mx1.example.org; set it",
        )
    ],
    "the audit warns of the planned Postfix": [
        (
            told(
                "audit: mx:mail.postfix.extra.smtpd_tls_security_level: no TLS, no mail; write may"
            ),
            "mx:mail.postfix.extra.smtpd_tls_security_level: no TLS, no mail; write may.",
        )
    ],
    "what a host has is not read": [
        (
            told("what mx1 has now was not read: exit code 1"),
            "mx1: MX could not read the files that `mx up` will replace (exit code 1). This report "
            "does not show their present content.",
        )
    ],
    "a host is set up anew": [
        (
            told("drift: mx1: agent: it is missing, so `mx up` sets the whole host up again"),
            "mx1: the agent of MX is missing, so `mx up` sets the whole host up again. If the host "
            "was installed anew, it makes new TLS and DKIM keys, and the mail in its former queue "
            "is lost.",
        )
    ],
    "a Postfix that does more is taken over": [
        (
            told(
                "replaces: mx1: /etc/postfix/main.cf\n@@ -1 +1 @@\n"
                "-mydestination = localhost, a.test\n-mynetworks = 10.0.0.0/8\n+mydestination = ",
                "replaces: mx1: /etc/postfix/master.cf\n@@ -1 +1 @@\n"
                "-submission inet n - y - - smtpd",
            ),
            "mx1: the Postfix that runs there now does more than MX sets up: taking mail from "
            "users (submission). `mx up` replaces its configuration, and what the stack file does "
            "not ask for ends.",
        ),
        (
            told(
                "replaces: mx1: /etc/postfix/main.cf\n@@ -1 +1 @@\n-mydestination = a.test\n"
                "-mynetworks = 10.0.0.0/8"
            ),
            "mx1: the Postfix that runs there now does more than MX sets up: local delivery "
            "(mydestination = a.test); relaying for networks (mynetworks = 10.0.0.0/8). `mx up` "
            "replaces its configuration, and what the stack file does not ask for ends.",
        ),
    ],
    "drift: Postfix is dangerous as somebody edited it": [
        (
            told("edited Postfix of mx1: mynetworks in /etc/postfix/main.cf: an open relay"),
            "mx1: somebody edited Postfix. mynetworks in /etc/postfix/main.cf: an open relay. "
            "`mx up` restores the file.",
        ),
    ],
    "drift: rows of recipients, aliases, routes": [
        (
            told("drift: mx1: mail-database: database mail: differs\n+recipient a.test mallory"),
            'mx1: somebody added the recipient row "a.test mallory" in the database. Postfix uses '
            "the changed table until the next `mx up`.",
        )
    ],
    "drift: a service does not run": [
        (
            told("drift: mx1: postfix: postfix.service: not enabled"),
            "mx1: postfix.service is not enabled on the host now.",
        ),
        (
            told(
                "drift: mx1: packages: redis: not installed; rspamd: not installed",
                "drift: mx1: spam-filter: rspamd.service: not active",
            ),
            "mx1: rspamd.service is not active on the host now: Postfix answers 4xx, and senders "
            "try again. The package rspamd is missing: `mx up` installs it again.",
        ),
        (
            told("drift: mx1: resolver: unbound.service: not active"),
            "mx1: unbound.service is not active on the host now: Postfix answers 451, and queued "
            "mail waits. `mx up` starts it; at once does `mx run lab mx1 systemctl start "
            "unbound.service`.",
        ),
        (
            told(f"drift: mx1: resolver: unbound.service: not active since {STOPPED}"),
            f"mx1: unbound.service is not active on the host since {STOPPED}: Postfix answers 451, "
            "and queued mail waits. `mx up` starts it; at once does `mx run lab mx1 systemctl "
            "start unbound.service`.",
        ),
    ],
    "drift: the firewall": [
        (
            told("drift: mx1: firewall: rules in the kernel: differs\n-table inet mx {\n-}"),
            "mx1: the firewall rules of MX are gone from the kernel. `mx up` loads those of the "
            "stack file again.",
        ),
        (
            told("drift: mx1: firewall: rules in the kernel: differs\n+\t\ttcp dport 81 accept"),
            "mx1: somebody changed the firewall rules in the kernel. `mx up` loads those of the "
            "stack file again.",
        ),
    ],
    "drift: a file can be read by everybody": [
        (
            told("drift: mx1: x: /etc/mx/acme-dns-tokens.json: mode 0644, not 0600"),
            "mx1: every user of the host can read /etc/mx/acme-dns-tokens.json (mode 0644, not "
            "0600). `mx up` closes it.",
        ),
    ],
    "drift: Postfix was edited": [
        (
            told("drift: mx1: postfix: /etc/postfix/master.cf: content changed\n-x\n+y"),
            "mx1: somebody edited /etc/postfix/master.cf. The next `mx up` restores the file.",
        ),
        (
            told("drift: mx1: postfix: /etc/postfix/master.cf: missing"),
            "mx1: somebody removed /etc/postfix/master.cf. The next `mx up` restores the file.",
        ),
    ],
    "drift: a rollback, or a change that was undone": [
        (
            told("drift: mx1: postfix: rolled back by hand at 2026-11-29T10:00:00Z\n-a\n+b"),
            "mx1: postfix was rolled back by hand. `mx up` applies the stack file again: correct "
            "there what was rolled back.",
        ),
        (
            told("drift: mx1: postfix: a change failed at 2026-11-29T10:00:00Z and was undone"),
            "mx1: the last change of postfix failed and was undone.",
        ),
    ],
    "drift: a DNS record": [
        (
            {
                "steps": [
                    step("refresh", RECORD.format("a"), address("192.0.2.1"), address("192.0.2.9")),
                    step("update", RECORD.format("a"), address("192.0.2.9"), address("192.0.2.1")),
                ]
            },
            "mx1.a.test A: somebody else changed the DNS record.",
        ),
        (
            {
                "steps": [
                    step("refresh", RECORD.format("a"), address("192.0.2.1"), address("192.0.2.1")),
                    step("create", RECORD.format("a"), new=address("192.0.2.1")),
                ]
            },
            "mx1.a.test A: somebody else removed the DNS record.",
        ),
    ],
    "an MX record is removed": [
        (
            record(mx("mx1.a.test", "a.test"), None),
            "The MX record of a.test for mx1.a.test is removed. Senders stop using the host within "
            "300 seconds, the TTL of the record.",
        )
    ],
    "a null MX comes": [
        (
            record(None, NULL),
            "park.test: a null MX record is added: nobody can send mail to this domain.",
        )
    ],
    "records move to another zone": [
        (
            {
                "steps": [
                    step(
                        "replace",
                        RECORD.format(name),
                        txt(f"{name}.test", "x") | {"zoneId": "1"},
                        txt(f"{name}.test", "x") | {"zoneId": "2"},
                    )
                    for name in ("a", "b")
                ]
            },
            "2 DNS records move from the zone with the ID 1 to the zone with the ID 2.",
        )
    ],
    "an MX record is changed": [
        (
            record(mx("mx1.a.test"), mx("mx2.a.test")),
            "The MX record of example.test changes from 10 mx1.a.test to 10 mx2.a.test. Senders "
            "may use the old record until its TTL ends.",
        )
    ],
    "a null MX goes": [
        (
            {
                "steps": [
                    step("delete", RECORD.format("mx-park.test"), NULL),
                    step("create", RECORD.format("y"), new=mx("mx1.a.test", "park.test")),
                    step("same", RECORD.format("z"), address("192.0.2.1"), address("192.0.2.1")),
                ]
            },
            "The null MX record of park.test is removed: the domain accepts mail.",
        ),
        (
            {
                "steps": [
                    step("delete", RECORD.format("mx-park.test"), NULL),
                    step("same", RECORD.format("z"), address("192.0.2.1"), address("192.0.2.1")),
                ]
            },
            "The null MX record of park.test is removed, and no other MX record is left: senders "
            "try the A and AAAA records of that name.",
        ),
    ],
    "an address is removed": [
        (record(address("192.0.2.1"), None), "The address 192.0.2.1 of mx1.a.test is removed.")
    ],
    "an address is changed": [
        (
            record(address("192.0.2.1"), address("192.0.2.2")),
            "The address of mx1.a.test changes from 192.0.2.1 to 192.0.2.2. Clients may use the "
            "old address until the TTL of its record ends.",
        )
    ],
    "SPF is tightened or goes": [
        (
            record(txt("a.test", "v=spf1 mx ~all"), txt("a.test", "v=spf1 mx -all")),
            "a.test: the SPF record now ends in -all. Receivers may refuse mail from this domain "
            "when it comes from a server that the record does not name.",
        ),
        (
            record(txt("a.test", "v=spf1 mx include:b.test ~all"), txt("a.test", "v=spf1 mx ~all")),
            "a.test: the SPF record no longer has include:b.test. Mail from this domain may fail "
            "SPF when it comes from there.",
        ),
        (
            record(txt("a.test", "v=spf1 mx ~all"), None),
            "a.test: the SPF record is removed. Receivers can no longer see in DNS which servers "
            "may send mail from this domain.",
        ),
    ],
    "DMARC is tightened or loosened": [
        (
            record(
                txt("_dmarc.a.test", "v=DMARC1; p=quarantine"),
                txt("_dmarc.a.test", "v=DMARC1; p=reject"),
            ),
            "a.test: the DMARC policy becomes reject, and was quarantine. It asks receivers to "
            "reject mail from this domain that passes neither SPF nor DKIM for this domain.",
        ),
        (
            record(
                txt("_dmarc.a.test", "v=DMARC1; p=reject"),
                txt("_dmarc.a.test", "v=DMARC1; p=quarantine"),
            ),
            "a.test: the DMARC policy becomes quarantine, and was reject. Receivers may put forged "
            "mail from this domain into the spam folder instead of refusing it.",
        ),
        (
            record(txt("_dmarc.a.test", "v=DMARC1; p=reject"), None),
            "a.test: the DMARC policy is removed, and was reject. Receivers may deliver forged "
            "mail from this domain.",
        ),
    ],
    "a DKIM key goes": [
        (
            record(txt("s._domainkey.a.test", "v=DKIM1; p=AB"), None),
            "The DKIM key at s._domainkey.a.test is removed. The signature of mail that was signed "
            "with this key no longer verifies.",
        ),
        (
            record(
                txt("s._domainkey.a.test", "v=DKIM1; p=AB"),
                txt("s._domainkey.a.test", "v=DKIM1; p="),
            ),
            "The DKIM key at s._domainkey.a.test is revoked. The signature of mail that was signed "
            "with this key no longer verifies.",
        ),
        (
            record(
                txt("s._domainkey.a.test", "v=DKIM1; p=AB"),
                txt("s._domainkey.a.test", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
            ),
            "The DKIM key at s._domainkey.a.test is read from its host during `up`. If the host "
            "has another key by then, the signature of mail that was signed with the former key no "
            "longer verifies.",
        ),
    ],
    "a TLSA record changes": [
        (
            record(
                None,
                {
                    "name": "_25._tcp.mx1.a.test",
                    "type": "TLSA",
                    "ttl": 300,
                    "data": {"usage": 3, "selector": 1, "matchingType": 1, "certificate": "AB"},
                },
            ),
            "_25._tcp.mx1.a.test: a TLSA record is added. Senders that use DANE defer mail while "
            "no TLSA record matches the certificate of the host.",
        )
    ],
    "MTA-STS is announced, changed or removed": [
        (
            record(None, txt("_mta-sts.a.test", "v=STSv1; id=1")),
            "a.test: MTA-STS is announced. Senders start to follow the policy.",
        ),
        (
            record(
                txt("_mta-sts.a.test", "v=STSv1; id=1"), txt("_mta-sts.a.test", "v=STSv1; id=2")
            ),
            "a.test: the id of the MTA-STS policy changes. Senders fetch the policy again.",
        ),
    ],
    "CAA names the authorities": [
        (
            record(
                None,
                {
                    "name": "mx1.a.test",
                    "type": "CAA",
                    "ttl": 300,
                    "data": {"flags": 0, "tag": "issue", "value": "ca.test; x=y"},
                },
            ),
            "mx1.a.test: a CAA record allows ca.test to issue certificates. An authority that no "
            "CAA record allows must refuse.",
        )
    ],
    "CAA names one account": [
        (
            record(
                None,
                {
                    "name": "mx1.a.test",
                    "type": "CAA",
                    "ttl": 300,
                    "data": {
                        "flags": 0,
                        "tag": "issue",
                        "value": "ca.test; accounturi=https://ca.test/a/1",
                    },
                },
            ),
            "mx1.a.test: the CAA record allows only the account https://ca.test/a/1 to get "
            "certificates. A host that is set up anew has another account. It gets no certificate "
            "until dns.caa.accountUri is that account or is removed.",
        )
    ],
    "whose mail is refused": [
        (
            {
                "steps": [
                    step(
                        "update",
                        BUNDLE.format("mx1-mail-database"),
                        content(mail_domain="a.test\n", recipient="a.test\tbob\n"),
                        content(mail_domain="a.test\n", recipient=""),
                    )
                ]
            },
            "Mail for bob@a.test is refused (550) once this is applied.",
        )
    ],
    "a mailbox host is replaced": [
        (
            {
                "steps": [
                    step(
                        "update",
                        BUNDLE.format("mx1-mail-database"),
                        content(transport="a.test\tsmtp:[m1.a.test]:25\n"),
                        content(transport="a.test\tsmtp:[m2.a.test]:25\n"),
                    )
                ]
            },
            "Mail for a.test goes to smtp:[m2.a.test]:25 and no longer to smtp:[m1.a.test]:25.",
        )
    ],
    "a host leaves the stack": [
        (host_leaves(), "mx1 leaves the stack: MX removes every component from the host.")
    ],
    "a component is taken off": [
        (files("/etc/x", "x", None), "mx1: MX removes postfix from the host.")
    ],
    "a resource is replaced": [
        (
            {
                "steps": [
                    step("replace", BUNDLE.format("mx1-postfix"), bundle({}), bundle({"/x": {}}))
                ]
            },
            "mx1: the engine does not update postfix, but deletes and creates it.",
        )
    ],
    "the connection changes": [
        (
            {
                "steps": [
                    step(
                        "update",
                        BUNDLE.format("mx1-postfix"),
                        bundle({}) | {"connection": "a"},
                        bundle({}) | {"connection": "b"},
                    )
                ]
            },
            "mx1: the SSH connection changes, so MX applies every component again.",
        )
    ],
    "the first firewall": [
        (
            files(FIREWALL, None, RULES.format("192.0.2.0/24, 192.0.2.9"), "firewall"),
            "mx1: the host gets the firewall of this stack for the first time. The firewall blocks "
            "all services of the host that do not belong to MX, and allows SSH only from "
            "192.0.2.0/24, 192.0.2.9.",
        )
    ],
    "other networks reach SSH": [
        (
            files(
                FIREWALL,
                RULES.format("192.0.2.0/24, 192.0.2.9"),
                RULES.format("192.0.2.1, 192.0.2.9"),
                "firewall",
            ),
            "mx1: the networks that may use SSH change. Removed: 192.0.2.0/24. Added: 192.0.2.1. "
            "The firewall locks out everybody whose address is in a removed network only.",
        )
    ],
    "a network may relay, or no longer": [
        (
            files("/etc/postfix/tables/mynetworks.cidr", "127.0.0.0/8 permit\n", "10.0.0.0/8 x\n"),
            "Clients in 10.0.0.0/8 may now send mail to any domain.",
        ),
        (
            files("/etc/postfix/tables/mynetworks.cidr", None, "10.0.0.0/8 permit\n"),
            "Clients in 10.0.0.0/8 may now send mail to any domain.",
        ),
        (
            files("/etc/postfix/tables/mynetworks.cidr", "10.0.0.0/8 permit\n", "127.0.0.0/8 x\n"),
            "Clients in 10.0.0.0/8 may no longer send mail to other domains.",
        ),
    ],
    "restrictions change": [
        (
            postfix(
                "80-restrictions",
                "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n",
                "smtpd_relay_restrictions = permit_mynetworks\n",
            ),
            "mx1: a line of the section Restrictions of main.cf is removed or changed. Such lines "
            "decide whose mail is refused.",
        ),
        (
            postfix("95-extra", "", "smtpd_recipient_restrictions = permit\n"),
            "mx1: smtpd_recipient_restrictions changes. This parameter decides whose mail is "
            "refused.",
        ),
    ],
    "a parameter that decides where mail goes": [
        (
            postfix("90-milter", "smtpd_milters = unix:x\n", "smtpd_milters =\n"),
            "mx1: smtpd_milters becomes empty. It was unix:x. This parameter decides which filters "
            "(spam, DKIM) see the mail that arrives by SMTP.",
        ),
        (
            postfix("95-extra", "", "always_bcc = spy@b.test\n"),
            "mx1: always_bcc becomes spy@b.test. This parameter decides who gets a copy of all "
            "mail.",
        ),
        (
            postfix("90-milter", "milter_default_action = tempfail\n", ""),
            "mx1: milter_default_action is removed, so its default applies. It was tempfail. This "
            "parameter decides what happens to mail while the spam filter is down.",
        ),
    ],
    "TLS becomes a condition": [
        (
            postfix("60-tls", "", "smtpd_tls_security_level = encrypt\n"),
            "mx1: smtpd_tls_security_level becomes encrypt. Clients without TLS can no longer "
            "deliver mail.",
        ),
        (
            postfix("60-tls", "", "smtp_tls_security_level = verify\n"),
            "mx1: smtp_tls_security_level becomes verify. Postfix delivers no mail to servers "
            "without matching TLS.",
        ),
    ],
    "MTA-STS is enforced": [
        (
            files("/var/lib/mx/mta-sts/a.test.txt", "mode: testing\n", "mode: enforce\n", "sts"),
            "mx1: an MTA-STS policy gets the mode enforce. Senders that follow it deliver no mail "
            "when they cannot verify the certificate.",
        )
    ],
    "the spam filter's scores change": [
        (
            files("/etc/rspamd/local.d/actions.conf", "reject = 15;\n", "reject = 5;\n"),
            "mx1: Rspamd refuses, marks or greylists mail from other scores on: reject = 15 "
            "becomes reject = 5.",
        )
    ],
    # test_risks_filter.py has the others of this kind.
    "mail that fails DMARC is treated otherwise": [
        (
            files("/etc/rspamd/lua.local.d/mx_dmarc.lua", "", '  ours = "mark",\n'),
            "mx1: the spam filter now marks with `X-Spam: Yes` mail that fails the DMARC policy",
        )
    ],
    "Rspamd comes from another repository": [
        (
            files(SOURCES, None, "URIs: https://apt.example/rspamd\n", "spam-filter-source"),
            "mx1: Rspamd comes from https://apt.example/rspamd from now on, if its version there "
            "is newer.",
        ),
        (
            files(SOURCES, "URIs: https://apt.example/rspamd\n", None, "spam-filter-source"),
            "mx1: Rspamd stays as it was installed from the repository of spamFilter.source",
        ),
    ],
    "certificates are ordered anew": [
        (
            files("/etc/mx/certificates.json", '"ca": "a"\n', '"ca": "b"\n'),
            "mx1: the host orders all its certificates again, for the same keys. It serves the "
            "present certificates until the authority has issued the new ones.",
        )
    ],
    "a migration runs": [
        (
            {
                "steps": [
                    step(
                        "update",
                        BUNDLE.format("mx1-postfix"),
                        bundle({}),
                        bundle({SQL: {"content": "x\n"}}),
                    )
                ]
            },
            "mx1: the migration 0002-x.sql changes the schema. MX builds a new database",
        )
    ],
    "a service restarts": [
        (
            {
                "steps": [
                    step(
                        "update",
                        BUNDLE.format("mx1-postfix"),
                        bundle({}, units={"postfix.service": {"restart_when": "1"}}),
                        bundle({}, units={"postfix.service": {"restart_when": "2"}}),
                    )
                ]
            },
            "mx1: postfix.service restarts. Open SMTP connections end, and senders retry.",
        )
    ],
}
# What must not be told: the opposite would be true.
HARMLESS = {
    "a new host gets an SPF record": {
        "steps": [
            step("create", RECORD.format("a"), None, address("192.0.2.1")),
            step("create", RECORD.format("spf"), None, txt("mx1.a.test", "v=spf1 a -all")),
        ]
    },
    "an empty DKIM key goes": record(txt("*._domainkey.park.test", "v=DKIM1; p="), None),
    "only the TTL changes": record(NULL, NULL | {"ttl": 600}),
    "SPF gets one name more": record(
        txt("a.test", "v=spf1 mx -all"), txt("a.test", "v=spf1 mx a:b.test -all")
    ),
    "a DMARC policy gets a reporting address": record(
        txt("_dmarc.a.test", "v=DMARC1; p=reject"),
        txt("_dmarc.a.test", "v=DMARC1; p=reject; rua=mailto:x@a.test"),
    ),
}
EACH = [(name, number) for name, rows in ROWS.items() for number in range(len(rows))]


def test_every_kind_has_a_row() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert sorted(ROWS) == sorted(names)


@pytest.mark.parametrize(("name", "number"), EACH)
def test_told_under_read_this_first_when(name: str, number: int) -> None:
    document, sentence = ROWS[name][number]
    report = report_of(document)
    assert [text for text in report.risks if text.startswith(sentence)], report.risks
    assert "### Read this first" in markdown(report, FORGES["github"])


@pytest.mark.parametrize("state", HARMLESS)
def test_nothing_is_told_when(state: str) -> None:
    assert report_of(HARMLESS[state]).risks == []


@pytest.mark.parametrize(
    ("goes", "told_of"), [(address("192.0.2.1"), False), (None, True)], ids=["host", "name"]
)
def test_the_spf_record_of_a_host_that_goes_is_no_risk(
    goes: dict[str, Any] | None, told_of: bool
) -> None:
    """It says that no mail comes from the name; the name has no address any more."""
    steps = record(txt("mx1.a.test", "v=spf1 a -all"), None)["steps"]
    if goes is not None:
        steps += record(goes | {"name": "mx1.a.test"}, None)["steps"]
    risks = report_of({"steps": steps}).risks
    assert any("SPF record is removed" in risk for risk in risks) is told_of
