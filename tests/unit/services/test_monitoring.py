"""The collector: numbers from the queue, the log and the agent; no address in any of them."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dns.resolver
import pytest

from components.services.monitoring import component as monitoring
from components.services.mta_sts import component as sts_host
from components.services.mta_sts import nginx
from components.services.spam_filter import redis, rspamd
from components.settings.environment import from_mapping
from components.settings.stack_file import settings_of
from tests.support.mapping import mapping
from tests.support.stacks import ROOT

LIBRARY = ROOT / "components/services/monitoring/files/usr/local/lib/mx"


@pytest.fixture
def collector() -> Iterator[Any]:
    """Give modules of the package by name, as the host imports them."""
    sys.path.insert(0, str(LIBRARY))

    def load(name: str) -> ModuleType:
        return importlib.import_module(f"mx_collect.{name}")

    yield load
    sys.path.remove(str(LIBRARY))


MESSAGES = [
    {
        "queue_name": "deferred",
        "arrival_time": 1000,
        "sender": "secret@sender.test",
        "recipients": [
            {"address": "alice@example.test", "delay_reason": "timed out"},
            {"address": "bob@example.test", "delay_reason": "timed out"},
        ],
    },
    {"queue_name": "deferred", "arrival_time": 1500, "recipients": [{"address": "a@b.test"}]},
    {"queue_name": "active", "arrival_time": 1990, "recipients": [{"address": "a@b.test"}]},
]


def test_queue_has_ages_and_destinations_but_no_address(collector: Any) -> None:
    metrics = collector("metrics").Metrics()
    collector("mail_queue").measure(metrics, MESSAGES, now=2000.0)
    text = metrics.text()
    assert 'mx_queue_messages{queue="deferred"} 2\n' in text
    assert 'mx_queue_oldest_seconds{queue="deferred"} 1000\n' in text
    assert 'mx_queue_destination_messages{destination="example.test"} 1\n' in text
    assert 'mx_queue_destination_oldest_seconds{destination="b.test"} 500\n' in text
    assert 'mx_queue_messages{queue="hold"} 0\n' in text
    assert "@" not in text


QUEUED = "4Fx1: from=<a@sender.test>, size=400, nrcpt=1 (queue active)"
REFUSED = "4Fx1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 spam; from=<a@sender.test>"


@pytest.mark.parametrize(
    ("lines", "accepted"),
    [
        ([("cleanup", REFUSED)], 0),
        ([("smtpd", "lost connection after DATA from x[192.0.2.1]")], 0),
        ([("cleanup", REFUSED), ("qmgr", QUEUED)], 0),
        ([("qmgr", QUEUED)], 1),
        ([("qmgr", QUEUED), ("qmgr", QUEUED)], 1),
        ([("smtpd", QUEUED), ("qmgr", "4Fx1: from=<(queue active)>, status=expired, gone")], 0),
    ],
)
def test_a_message_refused_after_data_was_not_taken(
    lines: list[tuple[str, str]], accepted: int, collector: Any
) -> None:
    """A queue file is opened at RCPT; what comes after decides. A second attempt is no message."""
    former = collector("mail_log").Counts()
    former.line("smtpd", "4Fx1: client=out.sender.test[198.18.77.2]", 1.0)
    # The collector may run between the two.
    counts = collector("mail_log").Counts(former.values, former.opened)
    for service, line in lines:
        counts.line(service, line, 2.0)
    assert counts.values["accepted"] == accepted
    assert counts.values["last_accepted"] == (2.0 if accepted else 0.0)


def test_queue_files_without_an_end_are_forgotten(collector: Any) -> None:
    counts = collector("mail_log").Counts()
    for number in range(10_050):
        counts.line("smtpd", f"{number}: client=x[192.0.2.1]", 1.0)
    assert len(counts.opened) == 10_000
    assert counts.opened[0] == "50"


def test_destinations_are_bounded(collector: Any) -> None:
    many = [
        {
            "queue_name": "deferred",
            "arrival_time": 1,
            "recipients": [{"address": f"a@d{number}.test"}],
        }
        for number in range(100)
    ]
    metrics = collector("metrics").Metrics()
    collector("mail_queue").measure(metrics, many, now=2.0)
    assert metrics.text().count("\nmx_queue_destination_messages{") == 20


LINES = [
    ("smtpd", "4Fx1: client=out.sender.test[198.18.77.2]", 100.0),
    ("qmgr", "4Fx1: from=<a@sender.test>, size=400, nrcpt=1 (queue active)", 100.0),
    ("smtpd", "connect from out.sender.test[198.18.77.2]", 150.0),
    ("smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <a@b>: unknown", 160.0),
    ("smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 451 4.3.0 <a@b>: error", 160.0),
    ("smtp", "4Fx1: to=<a@b.test>, relay=b.test[192.0.2.2]:25, status=sent (250 ok)", 170.0),
    ("smtp", "4Fx2: to=<a@b.test>, relay=none, status=deferred (timed out)", 170.0),
    ("cleanup", "warning: dict_lmdb: something", 180.0),
    ("smtpd", "fatal: no such file", 180.0),
]


def test_log_is_counted(collector: Any) -> None:
    counts = collector("mail_log").Counts({"accepted": 5.0})
    for line in LINES:
        counts.line(*line)
    metrics = collector("metrics").Metrics()
    counts.measure(metrics)
    text = metrics.text()
    assert "mx_postfix_accepted_total 6\n" in text
    assert "mx_postfix_last_accepted_timestamp_seconds 100\n" in text
    for sample in (
        'delivery_total{kind="sent"} 1',
        'delivery_total{kind="deferred"} 1',
        'delivery_total{kind="bounced"} 0',
        'reject_total{kind="5"} 1',
        'reject_total{kind="4"} 1',
        'log_total{kind="warning"} 1',
        'log_total{kind="fatal"} 1',
    ):
        assert f"mx_postfix_{sample}\n" in text
    assert "@" not in text


def test_agent_tells_drift_and_failures(collector: Any) -> None:
    status = {
        "unfinished": False,
        "failed": {"postfix": "2026-01-01T00:00:00Z"},
        "bundles": {
            "postfix": {"applied": "2026-01-01T00:00:00Z", "drift": [{"path": "/etc/x"}]},
            "firewall": {"applied": "2026-01-01T00:00:00Z", "drift": []},
        },
    }
    metrics = collector("metrics").Metrics()
    collector("host_agent").measure(metrics, status)
    text = metrics.text()
    assert 'mx_agent_drift{bundle="postfix"} 1\n' in text
    assert 'mx_agent_failed{bundle="postfix"} 1\n' in text
    assert 'mx_agent_failed{bundle="firewall"} 0\n' in text
    assert "mx_agent_unfinished 0\n" in text
    assert 'mx_agent_applied_timestamp_seconds{bundle="postfix"} 1767225600\n' in text


def test_label_values_are_escaped(collector: Any) -> None:
    metrics = collector("metrics").Metrics()
    metrics.add("x", "X.", 1, label='a"b\\c\nd')
    assert 'x{label="a\\"b\\\\c\\nd"} 1\n' in metrics.text()


ANSWERS = {
    "unbound.service": "total.num.queries=376\nthread0.num.queries=1\n",
    "mariadb.service": "Questions\t326\nThreads_connected\t11\nRpl_status\t\n",
    "redis-server.service": "# Memory\r\nused_memory:1024\r\nmaxmemory:268435456\r\n",
    "rspamd.service": '\n{"scanned": 7, "actions": {"reject": 1, "no action": 6}}\n',
    "nginx.service": "Active connections: 2 \nserver accepts handled requests\n 9 8 31 \n"
    "Reading: 0 Writing: 1 Waiting: 1 \n",
}


def test_services_give_numbers_or_do_not_answer(collector: Any) -> None:
    module = collector("services")
    metrics = collector("metrics").Metrics()
    for service in module.SERVICES:
        module.measure(metrics, service, ANSWERS[service.unit])
    text = metrics.text()
    for sample in (
        "mx_unbound_queries_total 376",
        "mx_mariadb_connections 11",
        "mx_redis_memory_bytes 1024",
        'mx_rspamd_action_total{action="no action"} 6',
        "mx_nginx_connections 2",
        "mx_nginx_requests_total 31",
        "mx_nginx_dropped_total 1",
        *(f'mx_service_answers{{name="{unit}"}} 1' for unit in ANSWERS),
    ):
        assert f"{sample}\n" in text
    module.measure(metrics, module.SERVICES[0], None)
    assert 'mx_service_answers{name="unbound.service"} 0\n' in metrics.text()


def test_services_are_asked_where_they_listen(collector: Any) -> None:
    asked = {each.unit: each.command for each in collector("services").SERVICES}
    assert redis.SOCKET in asked["redis-server.service"]
    assert rspamd.CONTROLLER in asked["rspamd.service"]
    assert f"http://{nginx.STATUS_ADDRESS}/status" in asked["nginx.service"]
    [needed] = [each.needs for each in collector("services").SERVICES if each.needs]
    assert needed == nginx.STATUS_SITE


def test_a_service_is_asked_only_where_it_would_answer(
    collector: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = collector("services")
    asked: list[str] = []
    site, there = tmp_path / "site", tmp_path / "there"
    there.touch()
    for needs, unit in ((site, "not"), (there, "asked")):
        service = module.Service(f"{unit}.service", ("true",), lambda _: [], needs=str(needs))
        monkeypatch.setattr(module, "SERVICES", (service,))
        metrics = collector("metrics").Metrics()
        module.collect(metrics)
        asked += re.findall(r'name="(\w+)', metrics.text())
    assert asked == ["asked"]


def test_another_page_than_nginx_status_is_no_number(collector: Any) -> None:
    with pytest.raises(ValueError, match="not its status"):
        collector("services").nginx("<html>404</html>")


def test_numbers_of_nginx_are_there_with_monitoring_only() -> None:
    lab = settings_of("lab")
    without = lab.model_copy(update={"monitoring": None})
    assert nginx.STATUS_SITE in sts_host.manifest(lab, "mx1", "mx/lab").files
    assert nginx.STATUS_SITE not in sts_host.manifest(without, "mx1", "mx/lab").files


POLICY = b"version: STSv1\nmode: enforce\nmx: mx1.example.test\nmax_age: 86400\n"
APPLIED = hashlib.sha256(POLICY).hexdigest()[:20]


@pytest.mark.parametrize(
    ("text", "served", "samples"),
    [
        (f"v=STSv1; id={APPLIED}", POLICY, {"reachable": 1, "id_matches": 1, "covers_host": 1}),
        ("v=STSv1; id=1", POLICY, {"reachable": 1, "id_matches": 0, "covers_host": 1}),
        ("", POLICY, {"reachable": 1, "id_matches": 0, "covers_host": 1}),
        (
            f"v=STSv1; id={APPLIED}",
            POLICY.replace(b"mx1", b"mx9"),
            {"reachable": 1, "id_matches": 0, "covers_host": 0},
        ),
        (f"v=STSv1; id={APPLIED}", b"", {"reachable": 0, "id_matches": 1}),
    ],
    ids=["well", "other id", "no record", "other policy", "unreachable"],
)
def test_policy_is_compared_with_what_was_applied(
    collector: Any,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    served: bytes,
    samples: dict[str, int],
) -> None:
    published = collector("published")
    monkeypatch.setattr(published, "_texts", lambda name, kind: [text] if text else [])
    monkeypatch.setattr(published, "_fetch", lambda domain: served)
    metrics = collector("metrics").Metrics()
    config = {
        "blockLists": [],
        "nextHops": [],
        "addresses": [],
        "domains": ["example.test"],
        "hostname": "mx1.example.test",
        "policies": {"example.test": APPLIED},
    }
    published.collect(metrics, config)
    found = re.findall(r'mx_policy_(\w+)\{domain="example.test"\} ([01])\n', metrics.text())
    assert {name: int(value) for name, value in found} == samples


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"A": ["192.0.2.9"]}, 1),
        ({"AAAA": ["2001:db8::9"]}, 1),
        ({}, 0),
        (dns.resolver.NoNameservers, 0),
    ],
    ids=["IPv4", "IPv6", "name gone", "bogus signature"],
)
def test_next_hop_without_an_address_is_told(
    collector: Any,
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[str, list[str]] | type[Exception],
    expected: int,
) -> None:
    def texts(name: str, kind: str) -> list[str]:
        if isinstance(answers, type):
            raise answers()
        return answers.get(kind, [])

    published = collector("published")
    monkeypatch.setattr(published, "_texts", texts)
    metrics = collector("metrics").Metrics()
    config = {"blockLists": [], "nextHops": ["a"], "addresses": [], "domains": [], "policies": {}}
    published.collect(metrics, config | {"hostname": "mx1"})
    assert f'mx_next_hop_has_address{{name="a"}} {expected}\n' in metrics.text()


def test_dkim_records_are_compared_by_their_key(collector: Any) -> None:
    key = collector("dkim").key
    assert key("v=DKIM1; k=rsa; p=MIIB IjAN\tBg==") == "MIIBIjANBg=="
    assert key("p=MIIBIjANBg==; v=DKIM1") == "MIIBIjANBg=="
    assert key("v=DKIM1; p=") == ""
    assert key("v=spf1 -all") == ""


def test_no_change_of_a_file_reloads_the_exporter() -> None:
    values = mapping() | {
        "monitoring": {"networks": ["192.0.2.0/28"]},
        "firewall": {"sshNetworks": ["192.0.2.0/28"]},
    }
    made = monitoring.manifest(from_mapping(values), "mx1", "mx/lab", [])
    assert made.files
    for path, file in made.files.items():
        assert monitoring.EXPORTER in file.restart, f"{path}: a reload ends the exporter"


FORGED = {
    "a quoted local part that looks like a result": (
        "smtpd",
        "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 "
        '<"x status=bounced y"@example.test>: unknown; to=<"x status=deferred y"@example.test>',
        {"reject_5": 1},
    ),
    "a name after EHLO": (
        "smtpd",
        "lost connection after EHLO from x[192.0.2.1]: reject: RCPT from x: 450 status=sent",
        {},
    ),
    "a quoted recipient that tells a delivery of its own": (
        "smtp",
        '4Fx1: to=<"a>, relay=x, delay=1, dsn=2.0.0, status=sent (y"@b.test>, relay=b[192.0.2.2]:25'
        ", delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host b said: 550 status=sent)",
        {"delivery_bounced": 1},
    ),
    "a reply of the next hop that looks like a result": (
        "lmtp",
        "4Fx1: to=<a@b.test>, orig_to=<c@b.test>, relay=b[192.0.2.2]:24, delay=0.1, "
        "delays=0/0/0/0.1, dsn=4.0.0, status=deferred (host b said: 450 status=bounced)",
        {"delivery_deferred": 1},
    ),
    "a subject that a policy warns about": (
        "cleanup",
        "4Fx1: warning: header Subject: status=bounced panic: x from y[192.0.2.1]",
        {"log_warning": 1},
    ),
}


@pytest.mark.parametrize("state", FORGED)
def test_a_stranger_forges_no_count(state: str, collector: Any) -> None:
    service, line, expected = FORGED[state]
    counts = collector("mail_log").Counts()
    counts.line(service, line, 1.0)
    assert {name: value for name, value in counts.values.items() if value} == expected


def entry(message: object, number: int, service: str = "smtpd") -> bytes:
    told = {
        "__CURSOR": f"s={number}",
        "__REALTIME_TIMESTAMP": "1000000",
        "SYSLOG_IDENTIFIER": f"postfix/{service}",
        "MESSAGE": message,
    }
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def test_separators_in_what_a_client_says_stop_no_metric(collector: Any) -> None:
    """U+2028 and its like, which Postfix logs as they are, end no entry."""
    separators = "\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e\r"
    told = entry(f"4Fx1: client=a{separators}b", 1) + entry("4Fx2: client=c", 2)
    for number in (1, 2):
        queued = f"4Fx{number}: from=<a{separators}b>, size=1, nrcpt=1 (queue active)"
        told += entry(queued, 2 + number, "qmgr")
    counts = collector("mail_log").Counts()
    assert collector("mail_log").read(told, counts) == "s=4"
    assert counts.values["accepted"] == 2
    assert counts.values["unreadable"] == 0


def test_an_entry_that_cannot_be_read_is_left_out_once(collector: Any) -> None:
    told = entry("4Fx1: client=a", 1) + b'{"half\n\xff\xfe\n[]\n{}\n' + entry(list(b"\xff x"), 3)
    counts = collector("mail_log").Counts()
    assert collector("mail_log").read(told, counts) == "s=3"
    assert counts.opened == ["4Fx1"]
    assert counts.values["unreadable"] == 4


def test_an_address_with_separators_does_not_hide_the_queue(collector: Any) -> None:
    message = {
        "queue_name": "deferred",
        "arrival_time": 1,
        "sender": "a\u2028b@sender.test",
        "recipients": [{"address": "x@b\u2028\ud800.test"}],
    }
    printed = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    whole = json.dumps({**message, "recipients": [{"address": "x@c\u2028.test"}]})
    messages, unreadable = collector("mail_queue").read(printed + b"\n{\n" + whole.encode() + b"\n")
    assert (len(messages), unreadable) == (2, 1)
    metrics = collector("metrics").Metrics()
    collector("mail_queue").measure(metrics, messages, now=2.0)
    assert 'mx_queue_messages{queue="deferred"} 2\n' in metrics.text()


def test_metrics_are_not_written_through_a_link(collector: Any, tmp_path: Path) -> None:
    """Neither where the file is to be nor where its predecessor used to be prepared."""
    victim = tmp_path / "victim"
    victim.write_text("secret")
    victim.chmod(0o600)
    place = tmp_path / "textfile"
    place.mkdir()
    for name in ("mx.prom", "mx.prom.new"):
        (place / name).symlink_to(victim)
    metrics = collector("metrics").Metrics()
    metrics.add("mx_test", "A name that is no UTF-8.", 1, destination="\ud800")
    metrics.write(place / "mx.prom")
    assert victim.read_text() == "secret"
    assert victim.stat().st_mode & 0o777 == 0o600
    assert not (place / "mx.prom").is_symlink()
    assert (place / "mx.prom").stat().st_mode & 0o777 == 0o644
    assert 'mx_test{destination="?"} 1\n' in (place / "mx.prom").read_text()
    assert sorted(each.name for each in place.iterdir()) == ["mx.prom", "mx.prom.new"]
