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
        None if text is None else bundle({path: {"content": text}}) for text in (old, new)
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
            told(
                "zones: Mail for a.test also goes to mx.other.test, preference 5, before ours.",
            ),
            "Mail for a.test also goes to mx.other.test, preference 5, before ours.",
        )
    ],
    "a host is not reached or not believed": [
        (
            told("drift of mx1 was not read: Host key verification failed."),
            "mx1: the host was not reached or not believed (Host key verification failed.): an up "
            "fails there, and what the host has now is not in this report.",
        )
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
            "mx1: the host cannot be set up, and an up does nothing there: memory: 500 MiB: all "
            "services need 1400 MiB",
        )
    ],
    "new MX records are held back, or their host has no good name": [
        (
            told("MX records of mx1: PTR of 203.0.113.21 is missing, not mx1.example.org; set it"),
            "mx1: PTR of 203.0.113.21 is missing, not mx1.example.org; set it",
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
            "mx1: the files that an up replaces were not read (exit code 1) and are not in this "
            "report.",
        )
    ],
    "a host is set up anew": [
        (
            told("drift: mx1: agent: it is gone, and what it applied is applied again"),
            "mx1: the host is set up anew: its TLS and DKIM keys are new ones, and what was in its "
            "queue is gone.",
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
            "mx1: the Postfix that is there does more than this stack, and that ends: it takes "
            "mail of users (submission).",
        ),
        (
            told(
                "replaces: mx1: /etc/postfix/main.cf\n@@ -1 +1 @@\n-mydestination = a.test\n"
                "-mynetworks = 10.0.0.0/8"
            ),
            "mx1: the Postfix that is there does more than this stack, and that ends: it delivers "
            "mail on the host itself (mydestination = a.test); it relays for networks (mynetworks "
            "= 10.0.0.0/8).",
        ),
    ],
    "drift: rows of recipients, aliases, routes": [
        (
            told("drift: mx1: mail-database: database mail: differs\n+recipient a.test mallory"),
            "mx1: recipient a.test mallory was added by hand, and mail goes by that until the "
            "next up.",
        )
    ],
    "drift: a service does not run": [
        (
            told("drift: mx1: resolver: unbound.service: not active"),
            "mx1: unbound.service is not active on the host now.",
        )
    ],
    "drift: Postfix was edited": [
        (
            told("drift: mx1: postfix: /etc/postfix/master.cf: content changed\n-x\n+y"),
            "mx1: /etc/postfix/master.cf was edited by hand; the next up puts back what the stack "
            "says.",
        )
    ],
    "drift: a DNS record": [
        (
            {
                "steps": [
                    step("refresh", RECORD.format("a"), address("192.0.2.1"), address("192.0.2.9")),
                    step("update", RECORD.format("a"), address("192.0.2.9"), address("192.0.2.1")),
                ]
            },
            "A DNS record was changed by somebody else: mx1.a.test. 300 IN A 192.0.2.1 is now "
            "mx1.a.test. 300 IN A 192.0.2.9.",
        )
    ],
    "an MX record is removed": [
        (record(mx("mx1.a.test", "a.test"), None), "MX removed: mx1.a.test gets no more mail of")
    ],
    "a null MX comes": [
        (record(None, NULL), "park.test: a null MX comes, so that nobody can send mail there.")
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
            "2 DNS records leave the zone with the ID 1 for the zone with the ID 2.",
        )
    ],
    "an MX record is changed": [
        (
            record(mx("mx1.a.test"), mx("mx2.a.test")),
            "MX changed: senders of example.test see it after the TTL of the old record.",
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
            "park.test takes mail from now on: its null MX goes.",
        ),
        (
            {
                "steps": [
                    step("delete", RECORD.format("mx-park.test"), NULL),
                    step("same", RECORD.format("z"), address("192.0.2.1"), address("192.0.2.1")),
                ]
            },
            "park.test no longer says that it takes no mail: its null MX goes, and senders try "
            "the address of that name.",
        ),
    ],
    "an address is removed": [
        (record(address("192.0.2.1"), None), "Address removed: mx1.a.test loses 192.0.2.1.")
    ],
    "an address is changed": [
        (
            record(address("192.0.2.1"), address("192.0.2.2")),
            "Address changed: mx1.a.test is at 192.0.2.2 and no longer at 192.0.2.1; senders that "
            "know the former one use it for a TTL more.",
        )
    ],
    "SPF is tightened or goes": [
        (
            record(txt("a.test", "v=spf1 mx ~all"), txt("a.test", "v=spf1 mx -all")),
            "a.test: SPF ends in -all from now on: receivers may refuse mail of this domain that "
            "comes from a server which the record does not name.",
        ),
        (
            record(txt("a.test", "v=spf1 mx include:b.test ~all"), txt("a.test", "v=spf1 mx ~all")),
            "a.test: SPF no longer names include:b.test: mail of this domain from there fails.",
        ),
        (
            record(txt("a.test", "v=spf1 mx ~all"), None),
            "a.test: SPF goes: anybody may send in the name of this domain.",
        ),
    ],
    "DMARC is tightened or loosened": [
        (
            record(
                txt("_dmarc.a.test", "v=DMARC1; p=quarantine"),
                txt("_dmarc.a.test", "v=DMARC1; p=reject"),
            ),
            "a.test: DMARC asks for reject and not quarantine: receivers refuse mail of this "
            "domain that passes neither SPF nor DKIM.",
        ),
        (
            record(txt("_dmarc.a.test", "v=DMARC1; p=reject"), None),
            "a.test: DMARC asks for nothing and not reject: forged mail of this domain is "
            "delivered.",
        ),
    ],
    "a DKIM key goes": [
        (
            record(txt("s._domainkey.a.test", "v=DKIM1; p=AB"), None),
            "DKIM key removed at s._domainkey.a.test: mail signed with it no longer verifies.",
        ),
        (
            record(
                txt("s._domainkey.a.test", "v=DKIM1; p=AB"),
                txt("s._domainkey.a.test", "v=DKIM1; p="),
            ),
            "DKIM key revoked at s._domainkey.a.test: mail signed with it no longer verifies.",
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
            "TLSA added at _25._tcp.mx1.a.test: DANE senders defer mail when no record matches "
            "the certificate that is served.",
        )
    ],
    "MTA-STS is announced, changed or removed": [
        (
            record(None, txt("_mta-sts.a.test", "v=STSv1; id=1")),
            "MTA-STS announced at _mta-sts.a.test: senders fetch the policy again.",
        )
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
            "mx1.a.test: ca.test may issue certificates; an authority that no CAA record names "
            "refuses.",
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
        (host_leaves(), "mx1 leaves the stack: every component is taken off the host.")
    ],
    "a component is taken off": [
        (files("/etc/x", "x", None), "mx1: postfix is taken off the host.")
    ],
    "a resource is replaced": [
        (
            {
                "steps": [
                    step("replace", BUNDLE.format("mx1-postfix"), bundle({}), bundle({"/x": {}}))
                ]
            },
            "mx1: postfix is replaced, not updated.",
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
            "mx1: the connection changed, so every bundle there is applied again.",
        )
    ],
    "the first firewall": [
        (
            files(FIREWALL, None, RULES.format("192.0.2.0/24"), "firewall"),
            "mx1: the first firewall of this stack: whatever else this host serves is cut off, and "
            "SSH is let in from 192.0.2.0/24 only.",
        )
    ],
    "other networks reach SSH": [
        (
            files(FIREWALL, RULES.format("192.0.2.0/24"), RULES.format("192.0.2.1"), "firewall"),
            "mx1: the networks that reach SSH change: whoever is in none of ip saddr { 192.0.2.1 } "
            "tcp dport 22 accept is locked out.",
        )
    ],
    "a network may relay, or no longer": [
        (
            files("/etc/postfix/tables/mynetworks.cidr", "127.0.0.0/8 permit\n", "10.0.0.0/8 x\n"),
            "10.0.0.0/8 may relay to anywhere.",
        ),
        (
            files("/etc/postfix/tables/mynetworks.cidr", None, "10.0.0.0/8 permit\n"),
            "10.0.0.0/8 may relay to anywhere.",
        ),
        (
            files("/etc/postfix/tables/mynetworks.cidr", "10.0.0.0/8 permit\n", "127.0.0.0/8 x\n"),
            "10.0.0.0/8 may no longer send mail to the world through this stack.",
        ),
    ],
    "restrictions change": [
        (
            postfix(
                "80-restrictions",
                "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n",
                "smtpd_relay_restrictions = permit_mynetworks\n",
            ),
            "mx1: a line leaves Restrictions; read it twice.",
        ),
        (
            postfix("95-extra", "", "smtpd_recipient_restrictions = permit\n"),
            "mx1: smtpd_recipient_restrictions changes: it decides whose mail is refused.",
        ),
    ],
    "a parameter that decides where mail goes": [
        (
            postfix("90-milter", "smtpd_milters = unix:x\n", "smtpd_milters =\n"),
            "mx1: smtpd_milters = nothing decides what the spam filter and the DKIM signer see of "
            "the mail that comes in.",
        ),
        (
            postfix("95-extra", "", "always_bcc = spy@b.test\n"),
            "mx1: always_bcc = spy@b.test decides who gets a copy of all mail.",
        ),
        (
            postfix("90-milter", "milter_default_action = tempfail\n", ""),
            "mx1: milter_default_action goes, and its default decides what happens to mail while "
            "the spam filter is down.",
        ),
    ],
    "TLS becomes a condition": [
        (
            postfix("60-tls", "", "smtpd_tls_security_level = encrypt\n"),
            "mx1: smtpd_tls_security_level = encrypt turns away peers without matching TLS.",
        )
    ],
    "MTA-STS is enforced": [
        (
            files("/var/lib/mx/mta-sts/a.test.txt", "mode: testing\n", "mode: enforce\n", "sts"),
            "mx1: MTA-STS enforce: senders refuse to deliver when TLS does not verify.",
        )
    ],
    "the spam filter's scores change": [
        (
            files("/etc/rspamd/local.d/actions.conf", "reject = 15;\n", "reject = 5;\n"),
            "mx1: the scores change at which mail is refused, marked or put off.",
        )
    ],
    # test_risks_filter.py has the others of this kind.
    "mail that fails DMARC is treated otherwise": [
        (
            files("/etc/rspamd/lua.local.d/mx_dmarc.lua", "", '  ours = "mark",\n'),
            "mx1: mail that fails the DMARC policy",
        )
    ],
    "certificates are ordered anew": [
        (
            files("/etc/mx/certificates.json", '"ca": "a"\n', '"ca": "b"\n'),
            "mx1: all certificates are ordered anew; keys stay, and what is served stays until "
            "the authority has issued.",
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
            "mx1: migration 0002-x.sql runs on a copy",
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
            "mx1: postfix.service restarts; open connections end, senders come again.",
        )
    ],
}
# What must not be told: the opposite would be true.
HARMLESS = {
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
