"""Alerts on the host: its services, its stack, its disk, clock and updates."""

from __future__ import annotations

from components import mail_exchanger
from tools.monitoring.alert import CRITICAL, WARNING, Alert

SERVICES = "|".join(
    dict.fromkeys(
        unit.removesuffix(".service")
        for service in mail_exchanger.SERVICES
        for unit in service.UNITS
        if unit.endswith(".service") and unit not in service.UNWATCHED
    )
)
# Of a file system's room and of its inodes.
DISK_FREE = 0.1


def alerts() -> list[Alert]:
    """These alerts, in the order of the runbooks' index."""
    return [
        Alert(
            "MxServiceDown",
            "max without (state, type) (node_systemd_unit_state"
            f'{{name=~"({SERVICES})[.]service",state="active"}}) == 0 or mx_service_answers == 0',
            120,
            CRITICAL,
            "{{ $labels.host }}: {{ $labels.name }} is not active or does not answer.",
        ),
        Alert(
            "MxRenewalFailing",
            'node_systemd_unit_state{name="mx-certificates.service",state="failed"} == 1',
            600,
            WARNING,
            "{{ $labels.host }}: the last renewal of certificates failed.",
        ),
        Alert(
            "MxDiskFilling",
            f"mx_disk_free_ratio < {DISK_FREE} or mx_disk_inodes_free_ratio < {DISK_FREE}",
            300,
            CRITICAL,
            "{{ $labels.host }}: {{ $labels.path }} has {{ $value | humanizePercentage }} left.",
        ),
        Alert(
            "MxClockOff",
            'abs(node_time_seconds{job="mx-node"} '
            '- timestamp(node_time_seconds{job="mx-node"})) > 60',
            120,
            CRITICAL,
            "{{ $labels.host }}: the clock is {{ $value }} s off.",
        ),
        *_kept_up(),
    ]


def _kept_up() -> list[Alert]:
    """The host as the stack applied it, in good standing and up to date."""
    return [
        Alert(
            "MxDrift",
            "mx_agent_drift > 0",
            900,
            WARNING,
            "{{ $labels.host }}: {{ $labels.bundle }} differs from what was applied.",
        ),
        Alert(
            "MxApplyFailed",
            "mx_agent_failed == 1 or mx_agent_unfinished == 1",
            600,
            WARNING,
            "{{ $labels.host }}: the last change of {{ $labels.bundle }} failed.",
        ),
        Alert(
            "MxBlockListed",
            "mx_block_list_listed == 1",
            600,
            CRITICAL,
            "{{ $labels.host }} is listed by {{ $labels.list }} ({{ $labels.family }}).",
        ),
        Alert(
            "MxBlockListRefuses",
            "mx_block_list_refuses == 1",
            3600,
            WARNING,
            "{{ $labels.list }} does not answer the resolver of {{ $labels.host }}.",
        ),
        Alert(
            "MxFirewallMissing",
            "mx_firewall_loaded == 0",
            300,
            CRITICAL,
            "{{ $labels.host }}: the table inet mx is not loaded.",
        ),
        Alert(
            "MxFilterStuck",
            "increase(mx_filter_stuck_total[15m]) > 0",
            0,
            WARNING,
            "{{ $labels.host }}: one message kept a process of the spam filter busy for seconds.",
        ),
        Alert(
            "MxUpdatesWaiting",
            "time() - mx_updates_waiting_since_timestamp_seconds > 259200 "
            "or time() - mx_updates_known_timestamp_seconds > 259200",
            600,
            WARNING,
            "{{ $labels.host }}: {{ $labels.kind }} waiting for {{ $value | humanizeDuration "
            "}} (security updates, restarts or a reboot; with lists or time, nothing newer "
            "is known).",
        ),
        Alert(
            "MxCollectorFailing",
            "mx_collector_success == 0",
            900,
            WARNING,
            "{{ $labels.host }}: {{ $labels.part }} cannot be measured.",
        ),
        Alert(
            "MxCollectorStale",
            "time() - mx_collector_last_run_timestamp_seconds > 900",
            300,
            WARNING,
            "{{ $labels.host }}: the collector does not run.",
        ),
    ]
