"""The files of a monitoring server: checked by Prometheus' own tools, each alert made to fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings.environment import from_mapping
from components.stack.outputs import Outputs, Thresholds, outputs
from tests.host.breaks import LOCAL, OFF, PUBLISHED, SEEN
from tests.support.mapping import mapping
from tests.support.stacks import ROOT
from tools.monitoring import __main__ as monitoring_files
from tools.monitoring import alerts, dashboard, panels
from tools.monitoring.__main__ import files, write
from tools.monitoring.promql import narrowed

RUNBOOKS = ROOT / "docs" / "runbooks"
LIMITS = Thresholds(certificate_warning_days=14, queue_age_seconds=3600, silence_seconds=21600)
ALERTS = {each.name: each for each in alerts.alerts(LIMITS)}
DAY = 86400
# All hosts of the lab have the clock of this machine, and MxFilterStuck stays for a quarter of an
# hour: CASES alone makes them fire.
NOT_ON_A_HOST = {"MxClockOff", "MxFilterStuck"}

# Alert (and which of its reasons) to {series: (values when all is well, values that make it
# fire)}, a sample a minute.
CASES: dict[str, dict[str, tuple[str, str]]] = {
    "MxHostDown": {'up{job="mx-node",host="mx1"}': ("1x300", "0x300")},
    "MxSmtpDown": {'probe_success{job="mx-smtp",module="smtp_banner"}': ("1x300", "0x300")},
    "MxStartTlsBroken": {
        'probe_success{job="mx-starttls",instance="a:25"}': ("1x300", "0x300"),
        'probe_success{job="mx-smtp",module="smtp_banner",instance="a:25"}': ("1x300", "1x300"),
    },
    "MxCertificateExpiring": {
        'mx_certificate_not_after_timestamp_seconds{name="mx1",algorithm="rsa"}': (
            f"{20 * DAY}x300",
            f"{10 * DAY}x300",
        ),
        'mx_certificate_not_before_timestamp_seconds{name="mx1",algorithm="rsa"}': (
            f"{-70 * DAY}x300",
            f"{-80 * DAY}x300",
        ),
    },
    "MxCertificateExpiring/of six days": {
        'mx_certificate_not_after_timestamp_seconds{name="mx1",algorithm="rsa"}': (
            f"{2 * DAY}x300",
            f"{DAY}x300",
        ),
        'mx_certificate_not_before_timestamp_seconds{name="mx1",algorithm="rsa"}': (
            f"{-4 * DAY}x300",
            f"{-5 * DAY}x300",
        ),
    },
    "MxCertificateStale": {"mx_certificate_served_is_disk": ("1x300", "0x300")},
    "MxTlsaMismatch": {"mx_tlsa_matches": ("1x300", "0x300")},
    "MxDkimMismatch": {"mx_dkim_matches": ("1x300", "0x300")},
    "MxPolicyUnreachable": {"mx_policy_reachable": ("1x300", "0x300")},
    "MxPolicyDiffers": {"mx_policy_covers_host": ("1x300", "0x300")},
    "MxPolicyUnreachable/from outside": {
        'probe_success{job="mx-policy",domain="a"}': ("1x300", "0x300")
    },
    "MxPolicyDiffers/record": {"mx_policy_id_matches": ("1x300", "0x300")},
    "MxRecordsDiffer": {'probe_success{job="mx-dns",domain="a"}': ("1x300", "0x300")},
    "MxQueueOld": {'mx_queue_oldest_seconds{queue="deferred"}': ("60x300", "3601x300")},
    "MxQueueForeignFile": {'mx_queue_foreign_file{file="active/4F"}': ("0x300", "1x300")},
    "MxQueueGrowing": {'mx_queue_messages{queue="active"}': ("100x300", "1x75 100x300")},
    "MxQueueGrowing/nothing known before": {
        'mx_queue_messages{queue="active"}': ("40x300", "_x75 60x300")
    },
    "MxDestinationDeferred": {
        'mx_queue_destination_messages{destination="a"}': ("9x300", "10x300"),
        'mx_queue_destination_oldest_seconds{destination="a"}': ("901x300", "901x300"),
    },
    "MxNextHopWithoutAddress": {'mx_next_hop_has_address{name="a"}': ("1x300", "0x300")},
    "MxNoMailAccepted": {
        'mx_postfix_last_accepted_timestamp_seconds{host="mx1"}': ("0+60x400", "0x400"),
    },
    "MxServiceDown": {
        'node_systemd_unit_state{name="mariadb.service",state="active"}': ("1x300", "0x300")
    },
    "MxServiceDown/no answer": {'mx_service_answers{name="unbound.service"}': ("1x300", "0x300")},
    "MxRenewalFailing": {
        'node_systemd_unit_state{name="mx-certificates.service",state="failed"}': (
            "0x300",
            "1x300",
        )
    },
    "MxDiskFilling": {'mx_disk_free_ratio{path="/"}': ("0.5x300", "0.09x300")},
    "MxFilterStuck": {"mx_filter_stuck_total": ("7x300", "7x85 12x300")},
    "MxUpdatesWaiting": {
        'mx_updates_waiting_since_timestamp_seconds{kind="security"}': (
            f"{-2 * DAY}x300",
            f"{-4 * DAY}x300",
        )
    },
    "MxUpdatesWaiting/nobody knows": {
        'mx_updates_known_timestamp_seconds{kind="lists"}': (f"{-DAY}x300", f"{-4 * DAY}x300")
    },
    "MxClockOff": {'node_time_seconds{job="mx-node"}': ("0+60x300", "400+60x300")},
    "MxClockOff/behind": {'node_time_seconds{job="mx-node"}': ("20+60x300", "-400+60x300")},
    "MxDrift": {'mx_agent_drift{bundle="postfix"}': ("0x300", "1x300")},
    "MxApplyFailed": {'mx_agent_failed{bundle="postfix"}': ("0x300", "1x300")},
    "MxBlockListed": {"mx_block_list_listed": ("0x300", "1x300")},
    "MxBlockListRefuses": {"mx_block_list_refuses": ("0x300", "1x300")},
    "MxFirewallMissing": {"mx_firewall_loaded": ("1x300", "0x300")},
    "MxCollectorFailing": {'mx_collector_success{part="log"}': ("1x300", "0x300")},
    "MxCollectorStale": {"mx_collector_last_run_timestamp_seconds": ("0+60x300", "0x300")},
}


def tool(*command: str, cwd: Path) -> str:
    """Run promtool or amtool; both are packages of Debian that .ci/run installs."""
    assert shutil.which(command[0]), (
        f"{command[0]} is missing: apt-get install prometheus prometheus-alertmanager"
    )
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def of(stack: str, series: str) -> str:
    """The series as a target of this stack has it."""
    name, _, labels = series.rstrip("}").partition("{")
    return f'{name}{{stack="{stack}"{"," if labels else ""}{labels}}}'


def watched(**hosts: Any) -> Outputs:
    values = mapping() | {
        "monitoring": {"networks": ["192.0.2.0/28"]},
        "firewall": {"sshNetworks": ["192.0.2.0/28"]},
    }
    values["hosts"] |= hosts
    return outputs(from_mapping(values))


def with_policies(*domains: str) -> Outputs:
    """A stack whose domains have an MTA-STS policy."""
    values = mapping() | {
        "monitoring": {"networks": ["192.0.2.0/28"]},
        "firewall": {"sshNetworks": ["192.0.2.0/28"]},
        "certificates": {"acceptTerms": True},
    }
    domain = values["domains"]["example.test"] | {"mtaSts": {"mode": "testing"}}
    values["domains"] = dict.fromkeys(domains, domain)
    values["dns"]["zones"] = {each: f"{number:032}" for number, each in enumerate(domains)}
    return outputs(from_mapping(values))


def test_every_alert_has_a_case_and_a_runbook() -> None:
    differ = {name.partition("/")[0] for name in CASES} ^ set(ALERTS)
    assert not differ, f"an alert needs a row in CASES, and a row its alert: {sorted(differ)}"
    differ = {path.stem for path in RUNBOOKS.glob("Mx*.md")} ^ set(ALERTS)
    assert not differ, f"an alert needs docs/runbooks/NAME.md, and a page its alert: {differ}"
    index = re.findall(r"\]\((Mx\w+)\.md\)", (RUNBOOKS / "README.md").read_text())
    assert index == list(ALERTS), (
        f"docs/runbooks/README.md: one line each, in the order {[*ALERTS]}"
    )
    for name in ALERTS:
        text = (RUNBOOKS / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n")
        for heading in ("## What it means", "## How to see it", "## What to do"):
            assert heading in text, f"{name}: {heading}"


def test_every_alert_is_made_to_fire() -> None:
    fired = {labels["alertname"] for each in (*LOCAL, *SEEN) for labels in each.alerts}
    fired |= {labels["alertname"] for labels in (*OFF, *PUBLISHED)}
    missing = set(ALERTS) - fired - NOT_ON_A_HOST
    assert not missing, (
        f"tests/host/breaks.py needs what makes these fire: {sorted(missing)}; "
        "of one that no host can show, NOT_ON_A_HOST has the name and the reason"
    )
    assert fired | NOT_ON_A_HOST == set(ALERTS), "tests/host/breaks.py: alerts that are no more"


def test_prometheus_and_alertmanager_accept_the_files(tmp_path: Path) -> None:
    write(tmp_path, files(watched(), "lab", "https://example.test/runbooks"))
    assert "SUCCESS" in tool("promtool", "check", "config", "prometheus.yml", cwd=tmp_path)
    assert "SUCCESS" in tool("amtool", "check-config", "alertmanager.yml", cwd=tmp_path)


@pytest.mark.parametrize("healthy", [True, False], ids=["healthy", "broken"])
def test_alerts_fire_when_they_must_and_only_then(tmp_path: Path, healthy: bool) -> None:
    rules = alerts.rules(list(ALERTS.values()), "lab", None)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    tests = []
    for case, series in CASES.items():
        name = case.partition("/")[0]
        at = "400m" if name == "MxNoMailAccepted" else "95m"
        query = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
        tests.append(
            {
                "name": case,
                "interval": "1m",
                "input_series": [
                    {"series": of("lab", key), "values": values[0 if healthy else 1]}
                    for key, values in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": query,
                        "eval_time": at,
                        "exp_samples": [{"labels": "{}", "value": 0 if healthy else 1}],
                    }
                ],
            }
        )
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document))
    assert "SUCCESS" in tool("promtool", "test", "rules", "tests.yml", cwd=tmp_path)


def test_a_host_comes_and_goes_with_the_outputs(tmp_path: Path) -> None:
    key = mapping()["hosts"]["mx1"]["hostKey"]
    mx3 = {"hostname": "mx3.example.test", "ipv4": "198.18.77.13", "hostKey": key}

    def hosts() -> list[str]:
        groups = json.loads((tmp_path / "targets" / "node.json").read_text())
        return [group["labels"]["host"] for group in groups]

    write(tmp_path, files(watched(mx3=mx3), "lab"))
    assert hosts() == ["mx1", "mx2", "mx3"]
    changed = write(tmp_path, files(watched(), "lab"))
    assert hosts() == ["mx1", "mx2"]
    assert "rules.yml" not in changed
    assert write(tmp_path, files(watched(), "lab")) == []


def test_a_domain_comes_and_goes_with_the_outputs(tmp_path: Path) -> None:
    def urls() -> list[str]:
        groups = json.loads((tmp_path / "targets" / "policy.json").read_text())
        return [group["targets"][0] for group in groups]

    first = "https://mta-sts.example.test/.well-known/mta-sts.txt"
    second = "https://mta-sts.example2.test/.well-known/mta-sts.txt"
    with_both = with_policies("example.test", "example2.test")
    write(tmp_path, files(with_both, "lab"))
    assert urls() == [first, second]
    changed = write(tmp_path, files(with_policies("example.test"), "lab"))
    assert urls() == [first]
    assert changed == ["blackbox.yml", "targets/policy.json", "targets/dns.json"]


def test_nothing_is_written_for_a_stack_without_monitoring() -> None:
    with pytest.raises(ValueError, match="`monitoring`"):
        files(outputs(from_mapping(mapping())), "lab")


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    drawn = dashboard.dashboard(LIMITS)["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in drawn]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in drawn}) == len(drawn)
    assert len(places) == len(panels.graphs(LIMITS)) + len(panels.stats(LIMITS))
    for panel in drawn:
        assert 'stack=~"$stack"' in panel["targets"][0]["expr"]


def test_two_stacks_have_a_host_of_the_same_name(tmp_path: Path) -> None:
    """Each stack's rules see its own host: one is broken, and one alert fires."""
    for stack in ("production", "staging"):
        document = alerts.rules(list(ALERTS.values()), stack, None)
        (tmp_path / f"{stack}.yml").write_text(yaml.safe_dump(document))
    case = {
        "interval": "1m",
        "input_series": [
            {"series": of(stack, series), "values": values}
            for series, by_stack in {
                'mx_queue_oldest_seconds{host="mx1",queue="deferred"}': ("60x300", "7200x300"),
                'mx_queue_messages{host="mx1",queue="active"}': ("7x300", "5x300"),
            }.items()
            for stack, values in zip(("production", "staging"), by_stack, strict=True)
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (stack) (ALERTS{alertname="MxQueueOld",alertstate="firing"})',
                "eval_time": "95m",
                "exp_samples": [{"labels": '{stack="staging"}', "value": 1}],
            },
            {
                "expr": "mx:queue_messages:sum",
                "eval_time": "95m",
                "exp_samples": [
                    {"labels": f'mx:queue_messages:sum{{stack="{stack}",host="mx1"}}', "value": n}
                    for stack, n in (("production", 7), ("staging", 5))
                ],
            },
        ],
    }
    document = {
        "rule_files": ["production.yml", "staging.yml"],
        "evaluation_interval": "1m",
        "tests": [case],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document))
    assert "SUCCESS" in tool("promtool", "test", "rules", "tests.yml", cwd=tmp_path)


def test_files_stand_beside_those_of_others(tmp_path: Path) -> None:
    """Two stacks and a job of somebody else in one Prometheus, one blackbox exporter."""
    jobs: list[Any] = [{"job_name": "node"}]
    rule_files, modules = [], 0
    merged: dict[str, Any] = {"smtp_banner": {"prober": "tcp"}}
    for stack in ("production", "staging"):
        write(tmp_path / stack, files(watched(), stack))
        found = yaml.safe_load((tmp_path / stack / "scrape.yml").read_text())["scrape_configs"]
        jobs += found
        rule_files.append(f"{stack}/rules.yml")
        text = (tmp_path / stack / "blackbox.yml").read_text()
        assert "&id" not in text
        assert "*id" not in text
        mine = yaml.safe_load(text)["modules"]
        modules += len(mine)
        merged |= mine
    assert len(merged) == modules + 1
    document = {"scrape_configs": jobs, "rule_files": rule_files}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(document))
    assert "SUCCESS" in tool("promtool", "check", "config", "prometheus.yml", cwd=tmp_path)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('up{job="mx-node"} == 0', 'up{stack="a",job="mx-node"} == 0'),
        ("time() - max(mx_x)", 'time() - max(mx_x{stack="a"})'),
        ("rate(mx_y_total[5m])", 'rate(mx_y_total{stack="a"}[5m])'),
        ("mx:q:sum offset 30m", 'mx:q:sum{stack="a"} offset 30m'),
        ("node_memory_MemFree_bytes < 1", 'node_memory_MemFree_bytes{stack="a"} < 1'),
        ('mx_z{name=~"mx-b|up"}', 'mx_z{stack="a",name=~"mx-b|up"}'),
    ],
)
def test_every_metric_of_a_rule_is_of_one_stack(expression: str, expected: str) -> None:
    assert narrowed(expression, 'stack="a"') == expected


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/o/mx.git", "https://github.com/o/mx/blob/HEAD/docs/runbooks"),
        ("git@gitlab.example.org:o/g/mx.git", "https://gitlab.example.org/o/g/mx/blob/HEAD/docs"),
        ("/srv/git/mx", None),
    ],
)
def test_runbooks_are_where_the_clone_came_from(
    remote: str, expected: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", remote], check=True)
    monkeypatch.setattr(monitoring_files, "ROOT", tmp_path)
    found = monitoring_files.runbooks_of_the_forge()
    assert found == expected or (expected and found and found.startswith(expected))
