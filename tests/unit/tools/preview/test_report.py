"""The report of a preview: what it says, budgets, and other CLIs' JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.protocol import warnings
from tools.preview.budget import FORGES
from tools.preview.build import build
from tools.preview.markdown import markdown
from tools.preview.model import Report
from tools.preview.read import read

RECORD = "urn:pulumi:lab::mx::mx:dns:Dns$cloudflare:index/dnsRecord:DnsRecord::dns-{}"
BUNDLE = "urn:pulumi:lab::mx::mx:host:Postfix$command:remote:Command::{}"


def report_of(document: Any, exit_code: int = 0) -> Report:
    return build("lab", read(json.dumps(document), exit_code))


def step(op: str, urn: str, old: Any = None, new: Any = None) -> dict[str, Any]:
    states = {"oldState": old, "newState": new}
    return {"op": op, "urn": urn} | {
        key: {"custom": True, "inputs": inputs}
        for key, inputs in states.items()
        if inputs is not None
    }


def bundle(files: dict[str, Any], **more: Any) -> dict[str, str]:
    manifest = {"bundle": "postfix", "owner": "mx/lab", "files": files, **more}
    return {"create": "mx-agent apply", "stdin": json.dumps(manifest)}


def mx(host: str, name: str = "example.test") -> dict[str, Any]:
    return {"name": name, "type": "MX", "content": host, "priority": 10, "ttl": 300}


@pytest.mark.parametrize("forge", sorted(FORGES))
def test_thousand_changed_records_stay_under_the_limit(forge: str) -> None:
    steps = []
    for number in range(1000):
        new = mx("mx1.example.test", f"d{number}.example.test")
        # Half of them were changed by somebody else.
        theirs = new | {"priority": 77 if number % 2 else 10}
        steps += [
            step("refresh", RECORD.format(number), new | {"ttl": 60}, theirs | {"ttl": 60}),
            step("update", RECORD.format(number), theirs | {"ttl": 60}, new),
        ]
    rows = "".join(f"+d{number}.example.test relay\n" for number in range(4000))
    old, new = {"/etc/x": {"content": ""}}, {"/etc/x": {"content": rows}}
    steps.append(step("update", BUNDLE.format("mx1-postfix"), bundle(old), bundle(new)))
    text = markdown(report_of({"steps": steps}), FORGES[forge])
    assert len(text.encode()) <= FORGES[forge]
    assert "**1001** to update" in text
    assert "| mx1 | postfix |" in text
    assert " d0.example.test. 60 IN MX 10 mx1.example.test. ; the TTL becomes 300" in text
    assert "+d1.example.test. 300 IN MX 10 mx1.example.test." in text
    assert "< d1.example.test. 60 IN MX 10 mx1.example.test." in text
    assert text.count("**DNS**") == 1
    assert text.count("<details") == text.count("</details>")
    assert text.count("```") % 2 == 0
    if forge != "gitlab":
        assert "Cut to the forge's limit" in text
        assert "/etc/x" in text.partition("Cut to")[2]


def test_failure_is_never_a_report_of_an_older_run() -> None:
    report = build("lab", read("", 255, "error: no such stack\n"))
    assert report.verdict == "failed"
    assert "error: no such stack" in markdown(report)
    half = {"steps": [step("create", BUNDLE.format("mx1-x"), None, {})], "diagnostics": []}
    assert report_of(half, exit_code=255).verdict == "failed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Previewing update (lab):\n", "not JSON"),
        ("", "printed nothing"),
        ('{"result": "succeeded", "changes": []}', "does not know (its keys: changes, result)"),
        ('{"changeSummary": {"create": 3}}', "has no steps"),
        ("[]", "does not know"),
    ],
)
def test_unreadable_output_is_a_failure_that_says_why(text: str, said: str) -> None:
    report = build("lab", read(text))
    assert report.verdict == "failed"
    assert said in "\n".join(report.errors)


def test_engine_that_failed_before_a_plan_says_its_own_reason() -> None:
    # The CLI then prints an empty JSON object, and the reason on stderr.
    reason = "error: failed to load language plugin python"
    assert read("{}\n", 255, reason + "\n").errors == [reason]
    assert "does not know" in read("{}\n").errors[0]


def test_secret_is_only_said_to_have_changed() -> None:
    old = {"create": "mx-agent apply", "stdin": "[secret]", "connection": "[secret]"}
    new = old | {"create": "mx-agent apply --heal 1"}
    file = {"content": "hunter-1", "secret": True}
    steps = [
        step("update", BUNDLE.format("mx1-dkim"), old, old),
        step("update", BUNDLE.format("mx2-dkim"), old, new),
        step(
            "update",
            BUNDLE.format("mx1-postfix"),
            bundle({"/etc/k": file}),
            bundle({"/etc/k": file | {"content": "hunter-2"}}),
        ),
    ]
    report = report_of({"steps": steps})
    text = markdown(report)
    assert "hunter" not in text
    assert "`/etc/k` on mx1 (changed (secret))" in text
    assert [change.why for change in report.changes] == [["a secret"], ["k"], ["drift"]]


def test_text_of_a_stack_cannot_break_out_of_the_report() -> None:
    evil = "```\n# Approved\n@everyone </details> | x"
    steps = [
        step(
            "update",
            BUNDLE.format("mx1-postfix"),
            bundle({"/etc/x": {"content": ""}}),
            bundle({"/etc/x": {"content": evil}}),
        )
    ]
    message = {"severity": "error", "message": "error: </details>\n```\n@everyone"}
    text = markdown(report_of({"steps": steps, "diagnostics": [message]}))
    fences = [line for line in text.splitlines() if line.startswith("````")]
    assert fences == ["````text", "````", "````diff", "````"]


def test_risks_name_what_a_reviewer_must_not_miss() -> None:
    def table(text: str) -> dict[str, Any]:
        return {"/etc/mx-database/content/mail_domain": {"content": text}}

    def cf(text: str) -> dict[str, Any]:
        return {"/etc/postfix/main.cf.d/60-tls.cf": {"content": text}}

    tlsa = {"name": "_25._tcp.mx1.example.test", "type": "TLSA", "ttl": 300}
    sts = {"name": "_mta-sts.b.test", "type": "TXT", "ttl": 300, "content": '"v=STSv1; id=1"'}
    data = {"usage": 3, "selector": 1, "matchingType": 1, "certificate": "AB"}
    unit = "postfix.service"
    steps = [
        step("delete", RECORD.format("mx"), old=mx("mx1.example.test")),
        step("same", RECORD.format("other"), {}, mx("mx1.example.test", "other.test")),
        step("create", RECORD.format("tlsa"), new=tlsa | {"data": data}),
        step("delete", RECORD.format("sts"), old=sts),
        step(
            "update",
            BUNDLE.format("mx1-postfix"),
            bundle(table("a.test\nb.test\nexample.test\n"), units={unit: {"restart_when": "1"}}),
            bundle(table("b.test\n"), units={unit: {"restart_when": "2"}}),
        ),
        step(
            "update",
            BUNDLE.format("mx2-postfix"),
            bundle(cf("# TLS\n")),
            bundle(cf("# TLS\nsmtpd_tls_security_level = encrypt\n")),
        ),
    ]
    report = report_of({"steps": steps})
    assert report.risks == [
        "The MX record of example.test for mx1.example.test is removed. Senders stop using the "
        "host within 300 seconds, the TTL of the record. No other MX record of this stack is left.",
        "Mail for a.test is refused (554) once this is applied.",
        "Mail for example.test is refused (554) once this is applied. Senders may use its MX "
        "records until their TTL ends: to lose no mail, list the hosts under leavingMx first.",
        "_25._tcp.mx1.example.test: a TLSA record is added. Senders that use DANE defer mail while "
        "no TLSA record matches the certificate of the host.",
        "b.test: the MTA-STS record is removed. Senders follow the policy in their cache until its "
        "max_age ends.",
        "mx2: smtpd_tls_security_level becomes encrypt. Clients without TLS can no longer deliver "
        "mail.",
        "mx1: postfix.service restarts. Open SMTP connections end, and senders retry.",
    ]
    assert "+_25._tcp.mx1.example.test. 300 IN TLSA 3 1 1 AB" in markdown(report)


DOCUMENTS: dict[str, tuple[dict[str, Any], int]] = {
    "nothing": ({"steps": [step("same", RECORD.format("a"), {}, {})]}, 0),
    "failure": ({"steps": [], "diagnostics": [{"severity": "error", "message": "error: no"}]}, 1),
    "changes": ({"steps": [step("create", RECORD.format("a"), None, {})]}, 2),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_exit_codes(name: str) -> None:
    found, code = DOCUMENTS[name]
    assert report_of(found).exit_code == code


def test_host_that_was_not_read_is_no_promise_that_nothing_changes() -> None:
    unread = {"severity": "warning", "message": warnings.not_read("mx1", "connection refused")}
    assert report_of({**DOCUMENTS["nothing"][0], "diagnostics": [unread]}).exit_code == 1
    assert report_of({**DOCUMENTS["changes"][0], "diagnostics": [unread]}).exit_code == 2


def test_another_host_key_is_a_change_of_the_connection() -> None:
    held = bundle({}) | {"connection": "[secret]"}
    update = step("update", BUNDLE.format("mx1-postfix"), held, held)
    assert report_of({"steps": [update]}).changes[0].why == ["connection"]


def test_hosts_that_wait_for_the_same_updates_share_a_warning() -> None:
    texts = [
        *(warnings.updates(host, "a reboot") for host in ("mx1", "mx2", "mx3")),
        warnings.updates("mx4", "a restart of nginx"),
    ]
    told = [{"severity": "warning", "message": f"warning: {text}"} for text in texts]
    assert report_of({**DOCUMENTS["nothing"][0], "diagnostics": told}).warnings == [
        "updates of mx1, mx2 and mx3: each host waits for a reboot",
        texts[-1],
    ]


def test_refresh_tells_records_that_somebody_else_changed() -> None:
    ours = mx("mx1.example.test")
    theirs = ours | {"priority": 77}
    steps = [
        step("refresh", RECORD.format("a"), ours, ours),
        step("update", RECORD.format("a"), theirs, ours),
        step("refresh", RECORD.format("b"), ours, ours),
        step("create", RECORD.format("b"), new=ours),
        step("refresh", RECORD.format("c"), ours, ours),
        step("same", RECORD.format("c"), ours, ours),
    ]
    report = report_of({"steps": steps})
    line = "example.test. 300 IN MX {} mx1.example.test."
    assert report.drift == [
        f"drift: DNS:\n-{line.format(10)}\n+{line.format(77)}",
        f"drift: DNS:\n-{line.format(10)}",
    ]


def test_records_that_were_listed_only_are_told_until_the_engine_has_read_them() -> None:
    text = warnings.records_drift(["mx-a.test", "spf-a.test"])
    told = {"severity": "warning", "message": f"warning: {text}"}
    report = report_of({"steps": [step("same", RECORD.format("a"))], "diagnostics": [told]})
    assert (report.drift, report.refreshed, report.records_drifted) == ([text], False, True)
    assert report.risks == ["Somebody else changed DNS records of this stack."]
    ours = mx("mx1.example.test")
    steps = [
        step("refresh", RECORD.format("a"), ours, ours),
        step("same", RECORD.format("a"), ours),
    ]
    report = report_of({"steps": steps, "diagnostics": [told]})
    assert (report.drift, report.refreshed, report.records_drifted) == ([], True, False)


def test_null_mx_and_a_changed_ttl_are_written_as_in_a_zone() -> None:
    null = {"name": "parked.test", "type": "MX", "content": ".", "priority": 0, "ttl": 300}
    steps = [step("update", RECORD.format("mx"), null, null | {"ttl": 600})]
    report = report_of({"steps": steps})
    assert report.records[0].new == "parked.test. 600 IN MX 0 ."
    assert report.risks == []


def content(**tables: str) -> dict[str, Any]:
    at = "/etc/mx-database/content/"
    return bundle(
        {
            f"{at}{name.replace('_json', '.json')}": {"content": text}
            for name, text in tables.items()
        }
    )


def in_file(**rows: int) -> str:
    entries = {
        f"{name}.test": {"rows": number, "sha256": str(number)} for name, number in rows.items()
    }
    return json.dumps(entries, indent=1) + "\n"


def test_whose_mail_a_change_refuses() -> None:
    old = content(
        mail_domain="a.test\nb.test\nc.test\nd.test\ne.test\n",
        recipient="a.test\tann\na.test\tbob\nb.test\tb1\nb.test\tb2\nb.test\tb3\nb.test\tb4\nc.test\tcid\n",
        alias="a.test\tall\tann@a.test\na.test\tall\tbob@a.test\na.test\tbob2\tbob@a.test\n",
        recipient_files_json=in_file(a=7, d=5000, e=3),
    )
    new = content(
        mail_domain="a.test\nb.test\nd.test\ne.test\n",
        recipient="a.test\tann\n",
        alias="a.test\tall\tann@a.test\na.test\tbob\tann@a.test\na.test\tbob\tcid@b.test\n"
        "b.test\tout\teve@elsewhere.test\nb.test\tout\tdan@d.test\n",
        recipient_files_json=in_file(a=8, d=12),
    )
    report = report_of({"steps": [step("update", BUNDLE.format("mx1-postfix"), old, new)]})
    assert report.risks == [
        "Mail for bob2@a.test is refused (550) once this is applied, unless the recipientsFile has "
        "the address now.",
        "Mail for 4 addresses of b.test (b1, b2, b3 and 1 more) is refused (550) once this is "
        "applied.",
        "The recipientsFile of d.test has 12 local parts, and had 5000. Mail for the local parts "
        "that it lost is refused (550) once this is applied.",
        "The recipientsFile of e.test has 0 local parts, and had 3. Mail for the local parts that "
        "it lost is refused (550) once this is applied.",
        "Mail for bob@a.test goes to cid@b.test, which is not a recipient in the stack file. If "
        "the mailbox host does not know that address either, the sender gets a bounce.",
        "Mail for c.test is refused (554) once this is applied.",
    ]


def test_an_alias_to_a_recipient_with_an_extension_leads_to_somebody() -> None:
    rows = {"mail_domain": "a.test\n", "recipient": "a.test\tann.b\n", "alias": ""}
    old = content(**rows)
    rows["alias"] = "a.test\tx\tann.b+lists@a.test\na.test\ty\tann.b-lists@a.test\n"
    report = report_of(
        {"steps": [step("update", BUNDLE.format("mx1-postfix"), old, content(**rows))]}
    )
    assert report.risks == []


def test_record_deleted_at_the_api_is_told_once() -> None:
    text = (
        "[WARNING] The resource was not found on the server and will be removed from state.: "
        "Resource not found"
    )
    urns = [RECORD.format(name) for name in ("mx-example.test", "mx-former.test")]
    document = {
        "steps": [step("refresh", urns[0], old=mx("mx1.example.test")), step("create", urns[0])],
        # The engine writes "warning: " in front, or not.
        "diagnostics": [
            {"severity": "warning", "message": f"{front}{text}", "urn": urn}
            for urn, front in zip(urns, ("", "warning: "), strict=True)
        ],
    }
    report = report_of(document)
    assert report.warnings == [
        "DNS: dns-mx-former.test was deleted at the API; `up` removes it from the state.",
    ]
    assert report.drift == ["drift: DNS:\n-example.test. 300 IN MX 10 mx1.example.test."]
    assert report.risks == [
        "example.test MX: somebody else removed the DNS record. The section on drift shows it."
    ]


def test_run_that_was_cut_off_is_told_in_one_sentence() -> None:
    begun = RECORD.format("spf-example.test")
    text = (
        "Attempting to deploy or update resources with 1 pending operations from previous "
        f"deployment.\n  * {begun}, interrupted while creating\nThese resources are in an "
        "unknown state because the Pulumi CLI was interrupted"
    )
    document = {"steps": [], "diagnostics": [{"severity": "warning", "message": text}]}
    (warning,) = report_of(document).warnings
    assert "cut off in the middle of: creating dns-spf-example.test" in warning


def test_a_unit_that_cannot_reload_is_said_to_restart() -> None:
    units: dict[str, Any] = {"units": {"mariadb.service": {}, "unbound.service": {}}}
    old, new = ({"/etc/x": {"content": text}} for text in ("1\n", "2\n"))
    steps = [
        step("update", BUNDLE.format("mx1-postfix"), bundle(old, **units), bundle(new, **units))
    ]
    text = markdown(report_of({"steps": steps}), FORGES["github"])
    assert "- restart on mx1: `mariadb.service`" in text
    assert "- reload on mx1: `unbound.service`" in text


def test_a_package_that_another_bundle_of_the_host_has_is_not_installed() -> None:
    def packages(*names: str) -> dict[str, str]:
        return bundle({}, packages=list(names))

    has = packages("openssl", "unbound")
    steps = [step("same", BUNDLE.format(f"{host}-postfix"), has, has) for host in ("mx1", "mx3")]
    steps += [
        step("create", BUNDLE.format(f"{host}-new"), None, packages("openssl", "nginx"))
        for host in ("mx1", "mx2")
    ]
    steps += [step("same", BUNDLE.format(f"{host}-agent"), {}, {}) for host in ("mx1", "mx2")]
    text = markdown(report_of({"steps": steps}), FORGES["github"])
    assert "- install on mx1, mx2: `nginx`" in text
    assert "- install on mx2: `openssl`" in text
