"""Exporters on the hosts: numbers of the right host, on the right address, without any address."""

from __future__ import annotations

import re
import shlex
import urllib.request
import uuid

import pytest

from .conftest import MX1, Ssh

pytestmark = pytest.mark.host

FETCH = (
    'python3 -c "import urllib.request as u; '
    f"print(u.urlopen('http://{MX1}:9100/metrics').read().decode())\""
)
POLICY = "mta-sts.example.test"
DEFAULTS = "/etc/default/prometheus-node-exporter"


def metrics(ssh: Ssh) -> str:
    ssh("mx1", "systemctl start mx-collect.service")
    return ssh("mx1", FETCH)


def test_every_part_of_the_collector_measures(ssh: Ssh) -> None:
    text = metrics(ssh)
    parts = dict(re.findall(r'mx_collector_success\{part="(\w+)"\} (\d)', text))
    assert parts == dict.fromkeys(
        (
            "host",
            "queue",
            "log",
            "agent",
            "services",
            "updates",
            "certificates",
            "dkim",
            "published",
        ),
        "1",
    ), ssh("mx1", "journalctl -o cat -u mx-collect.service | tail -20")
    for unit in ("unbound", "mariadb", "redis-server", "rspamd", "nginx"):
        assert f'mx_service_answers{{name="{unit}.service"}} 1\n' in text
    for unit in ("postfix", "mariadb", "unbound", "rspamd", "mx-firewall"):
        active = rf'node_systemd_unit_state{{name="{unit}[.]service",state="active",type="\w*"}} 1'
        assert re.search(active, text), unit
    assert 'mx_agent_drift{bundle="postfix"} 0' in text
    assert "mx_firewall_loaded 1" in text
    found = re.search(r"mx_nginx_requests_total (\d+)\n", text)
    assert found
    # It counts what is asked of it, from wherever.
    ssh(
        "mx1",
        f"curl --silent --fail --insecure --resolve {POLICY}:443:127.0.0.1 https://{POLICY}/.well-known/mta-sts.txt",
    )
    again = re.search(r"mx_nginx_requests_total (\d+)\n", metrics(ssh))
    assert again
    assert int(again[1]) >= int(found[1]) + 2
    assert "127.0.0.1:8480" in ssh("mx1", "ss -ltnH 'sport = 8480'")


def test_metrics_have_no_address_and_no_subject(ssh: Ssh) -> None:
    unique = uuid.uuid4().hex
    addresses = (f"from-{unique}@sender.test", f"to-{unique}@void.invalid")
    message = f"Subject: private-{unique}\nMessage-ID: <id-{unique}@sender.test>\n\nbody-{unique}\n"
    # One that smtpd refuses, one that cannot be delivered, one that is delivered.
    dialogue = (
        "import smtplib; s = smtplib.SMTP('127.0.0.1'); s.ehlo(); "
        f"s.mail('{addresses[0]}'); print(s.rcpt('no-{unique}@example.test')[0]); s.quit()"
    )
    assert ssh("mx1", f"python3 -c {shlex.quote(dialogue)}") == "550\n"
    for recipient in (addresses[1], "alice@example.test"):
        send = f"sendmail -i -f {addresses[0]} {recipient}"
        ssh("mx1", f"printf '%s' {shlex.quote(message)} | {send}")
    text = metrics(ssh)
    log = ssh("mx1", "journalctl -q -o cat SYSLOG_FACILITY=2 --since=-5min")
    ssh("mx1", "postsuper -d ALL")
    assert unique in log, "the messages were seen by what the collector reads"
    assert unique not in text
    text = text.replace('name="postfix@-.service"', "")
    assert not re.search(r"[A-Za-z0-9._+-]+@[a-z0-9-]+\.[a-z]", text)


def test_exporters_answer_the_monitoring_network_only(ssh: Ssh) -> None:
    assert f"{MX1}:9100" in ssh("mx1", "ss -ltnH 'sport = 9100'")
    with pytest.raises(OSError, match="timed out"):
        urllib.request.urlopen(f"http://{MX1}:9100/metrics", timeout=3)


def test_drift_shows(ssh: Ssh) -> None:
    ssh("mx1", f"cp {DEFAULTS} /run/keep && echo '# by hand' >> {DEFAULTS}")
    try:
        assert 'mx_agent_drift{bundle="monitoring"} 1' in metrics(ssh)
    finally:
        ssh("mx1", f"cat /run/keep > {DEFAULTS}")
    assert 'mx_agent_drift{bundle="monitoring"} 0' in metrics(ssh)
