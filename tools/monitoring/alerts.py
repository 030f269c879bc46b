"""The alerts: what must wake somebody, as data. Each has a page in docs/runbooks."""

from __future__ import annotations

from dataclasses import dataclass

from components.stack.outputs import Thresholds
from tools.monitoring.promql import narrowed

# On Debian 12 postfix.service says nothing of its instance; there MxSmtpDown does.
SERVICES = (
    "postfix|mariadb|redis-server|rspamd|unbound|nginx|mx-tls-policy|postfix-mta-sts-resolver"
    "|mx-mime-limit|mx-tlsrpt-collectd|mx-tlsrpt-reportd"
)


@dataclass(frozen=True)
class Alert:
    """One alert: it fires once `expr` has been true for `hold` seconds."""

    name: str
    expr: str
    hold: int
    severity: str
    summary: str


def alerts(thresholds: Thresholds) -> list[Alert]:
    """All alerts, in the order of the runbooks' index."""
    critical, warning = "critical", "warning"
    days = thresholds.certificate_warning_days
    return [
        Alert(
            "MxHostDown",
            'up{job="mx-node"} == 0',
            120,
            critical,
            "{{ $labels.host }}: the exporter does not answer.",
        ),
        Alert(
            "MxSmtpDown",
            'probe_success{job="mx-smtp"} == 0',
            120,
            critical,
            "{{ $labels.instance }} ({{ $labels.host }}) gives no SMTP banner.",
        ),
        Alert(
            "MxStartTlsBroken",
            'probe_success{job="mx-starttls"} == 0 and on (stack, instance) '
            'probe_success{job="mx-smtp"} == 1',
            300,
            critical,
            "{{ $labels.instance }} ({{ $labels.host }}): STARTTLS or its certificate fails.",
        ),
        Alert(
            "MxCertificateExpiring",
            # Renewal is due at a third of the lifetime, which is days for short-lived ones.
            f"mx:certificate_left:seconds < clamp_max(mx:certificate_lifetime:seconds / 5, "
            f"{days * 86400})",
            3600,
            critical,
            "{{ $labels.name }} ({{ $labels.algorithm }}, {{ $labels.source }}) ends in "
            "{{ $value | humanizeDuration }}.",
        ),
        Alert(
            "MxCertificateStale",
            "mx_certificate_served_is_disk == 0",
            900,
            critical,
            "{{ $labels.host }} serves another {{ $labels.algorithm }} certificate than on disk.",
        ),
        Alert(
            "MxTlsaMismatch",
            "mx_tlsa_matches == 0",
            300,
            critical,
            "{{ $labels.host }} serves a key that its TLSA records do not have.",
        ),
        Alert(
            "MxDkimMismatch",
            "mx_dkim_matches == 0",
            600,
            warning,
            "{{ $labels.host }} signs for {{ $labels.domain }} with a key that is not in DNS.",
        ),
        Alert(
            "MxPolicyUnreachable",
            'mx_policy_reachable == 0 or probe_success{job="mx-policy"} == 0',
            600,
            critical,
            "The MTA-STS policy of {{ $labels.domain }} cannot be fetched.",
        ),
        Alert(
            "MxPolicyDiffers",
            "mx_policy_covers_host == 0 or mx_policy_id_matches == 0",
            600,
            critical,
            "{{ $labels.host }}: the MTA-STS policy of {{ $labels.domain }} is not as applied.",
        ),
        Alert(
            "MxRecordsDiffer",
            'probe_success{job="mx-dns"} == 0',
            900,
            critical,
            "The MX records of {{ $labels.domain }} lack {{ $labels.hostname }}, name another "
            "host, or do not resolve.",
        ),
        Alert(
            "MxQueueOld",
            'max by (stack, host) (mx_queue_oldest_seconds{queue=~"active|deferred|incoming"}) '
            f"> {thresholds.queue_age_seconds}",
            300,
            critical,
            "{{ $labels.host }}: the oldest message waits for {{ $value | humanizeDuration }}.",
        ),
        Alert(
            "MxQueueGrowing",
            # A host of which nothing is known half an hour ago counts as one that was empty.
            "mx:queue_messages:sum > 50 unless mx:queue_messages:sum <= "
            "2 * (mx:queue_messages:sum offset 30m)",
            600,
            warning,
            "{{ $labels.host }}: {{ $value }} messages, twice as many as half an hour ago.",
        ),
        Alert(
            "MxDestinationDeferred",
            "mx_queue_destination_messages >= 10 and mx_queue_destination_oldest_seconds > 900",
            300,
            warning,
            "{{ $labels.host }}: {{ $value }} messages wait for {{ $labels.destination }}.",
        ),
        Alert(
            "MxNextHopWithoutAddress",
            "mx_next_hop_has_address == 0",
            120,
            critical,
            "{{ $labels.host }}: DNS has no address of {{ $labels.name }}; mail for it waits.",
        ),
        Alert(
            "MxNoMailAccepted",
            "time() - max by (stack) (mx_postfix_last_accepted_timestamp_seconds) "
            f"> {thresholds.silence_seconds}",
            300,
            warning,
            "{{ $labels.stack }}: no MX host took a message for {{ $value | humanizeDuration }}.",
        ),
        Alert(
            "MxServiceDown",
            "max without (state, type) (node_systemd_unit_state"
            f'{{name=~"({SERVICES})[.]service",state="active"}}) == 0 or mx_service_answers == 0',
            120,
            critical,
            "{{ $labels.host }}: {{ $labels.name }} is not active or does not answer.",
        ),
        Alert(
            "MxRenewalFailing",
            'node_systemd_unit_state{name="mx-certificates.service",state="failed"} == 1',
            600,
            warning,
            "{{ $labels.host }}: the last renewal of certificates failed.",
        ),
        Alert(
            "MxDiskFilling",
            "mx_disk_free_ratio < 0.1 or mx_disk_inodes_free_ratio < 0.1",
            300,
            critical,
            "{{ $labels.host }}: {{ $labels.path }} has {{ $value | humanizePercentage }} left.",
        ),
        Alert(
            "MxClockOff",
            'abs(node_time_seconds{job="mx-node"} '
            '- timestamp(node_time_seconds{job="mx-node"})) > 60',
            120,
            critical,
            "{{ $labels.host }}: the clock is {{ $value }} s off.",
        ),
        Alert(
            "MxDrift",
            "mx_agent_drift > 0",
            900,
            warning,
            "{{ $labels.host }}: {{ $labels.bundle }} differs from what was applied.",
        ),
        Alert(
            "MxApplyFailed",
            "mx_agent_failed == 1 or mx_agent_unfinished == 1",
            600,
            warning,
            "{{ $labels.host }}: the last change of {{ $labels.bundle }} failed.",
        ),
        Alert(
            "MxBlockListed",
            "mx_block_list_listed == 1",
            600,
            critical,
            "{{ $labels.host }} is listed by {{ $labels.list }} ({{ $labels.family }}).",
        ),
        Alert(
            "MxBlockListRefuses",
            "mx_block_list_refuses == 1",
            3600,
            warning,
            "{{ $labels.list }} does not answer the resolver of {{ $labels.host }}.",
        ),
        Alert(
            "MxFirewallMissing",
            "mx_firewall_loaded == 0",
            300,
            critical,
            "{{ $labels.host }}: the table inet mx is not loaded.",
        ),
        Alert(
            "MxFilterStuck",
            "increase(mx_filter_stuck_total[15m]) > 0",
            0,
            warning,
            "{{ $labels.host }}: a message kept a process of the spam filter busy for seconds.",
        ),
        Alert(
            "MxUpdatesWaiting",
            "time() - mx_updates_waiting_since_timestamp_seconds > 259200 "
            "or time() - mx_updates_known_timestamp_seconds > 259200",
            600,
            warning,
            "{{ $labels.host }}: {{ $labels.kind }} wait since {{ $value | humanizeDuration }} "
            "(security updates, restarts, a reboot; lists or time: nothing newer is known).",
        ),
        Alert(
            "MxCollectorFailing",
            "mx_collector_success == 0",
            900,
            warning,
            "{{ $labels.host }}: {{ $labels.part }} cannot be measured.",
        ),
        Alert(
            "MxCollectorStale",
            "time() - mx_collector_last_run_timestamp_seconds > 900",
            300,
            warning,
            "{{ $labels.host }}: the collector does not run.",
        ),
    ]


def rules(
    found: list[Alert], stack: str, runbooks: str | None, hold_factor: float = 1.0
) -> dict[str, object]:
    """A rule file of Prometheus for one stack: recording rules, then the alerts.

    No rule sees another stack, so rule files of several stacks stand side by side. `runbooks` is
    the address of docs/runbooks; without it alerts have no link. `hold_factor` shortens how long
    an expression must be true, for tests.
    """
    only = f'stack="{stack}"'
    recorded = [
        {"record": name, "expr": narrowed(expression, only)} for name, expression in _RECORDED
    ]
    alerting = [
        {
            "alert": each.name,
            "expr": narrowed(each.expr, only),
            "for": f"{round(each.hold * hold_factor)}s",
            "labels": {"severity": each.severity, "stack": stack},
            "annotations": {
                "summary": each.summary,
                **({"runbook_url": f"{runbooks.rstrip('/')}/{each.name}.md"} if runbooks else {}),
            },
        }
        for each in found
    ]
    return {
        "groups": [
            {"name": f"mx-{stack}-recorded", "rules": recorded},
            {"name": f"mx-{stack}-alerts", "rules": alerting},
        ]
    }


_RECORDED = (
    ("mx:queue_messages:sum", "sum by (stack, host) (mx_queue_messages)"),
    ("mx:certificate_left:seconds", "mx_certificate_not_after_timestamp_seconds - time()"),
    (
        "mx:certificate_lifetime:seconds",
        "mx_certificate_not_after_timestamp_seconds - mx_certificate_not_before_timestamp_seconds",
    ),
    ("mx:accepted:rate5m", "sum by (stack, host) (rate(mx_postfix_accepted_total[5m]))"),
)
