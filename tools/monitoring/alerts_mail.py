"""Alerts on mail that waits or does not come."""

from __future__ import annotations

from components.stack.outputs import Thresholds
from tools.monitoring.alert import CRITICAL, WARNING, Alert


def alerts(thresholds: Thresholds) -> list[Alert]:
    """These alerts, in the order of the runbooks' index."""
    return [
        Alert(
            "MxQueueOld",
            'max by (stack, host) (mx_queue_oldest_seconds{queue=~"active|deferred|incoming"}) '
            f"> {thresholds.queue_age_seconds}",
            300,
            CRITICAL,
            (
                "{{ $labels.host }}: the oldest message has waited for {{ $value | "
                "humanizeDuration }}."
            ),
        ),
        Alert(
            "MxQueueForeignFile",
            "mx_queue_foreign_file == 1",
            60,
            CRITICAL,
            (
                "{{ $labels.host }}: the queue file {{ $labels.file }} does not belong to the user "
                "postfix. Such a file ends qmgr(8), and then no mail leaves the host."
            ),
        ),
        Alert(
            "MxQueueGrowing",
            # A host of which nothing is known half an hour ago counts as one that was empty.
            "mx:queue_messages:sum > 50 unless mx:queue_messages:sum <= "
            "2 * (mx:queue_messages:sum offset 30m)",
            600,
            WARNING,
            "{{ $labels.host }}: {{ $value }} messages, twice as many as half an hour ago.",
        ),
        Alert(
            "MxDestinationDeferred",
            "mx_queue_destination_messages >= 10 and mx_queue_destination_oldest_seconds > 900",
            300,
            WARNING,
            "{{ $labels.host }}: {{ $value }} messages wait for {{ $labels.destination }}.",
        ),
        Alert(
            "MxNextHopWithoutAddress",
            "mx_next_hop_has_address == 0",
            120,
            CRITICAL,
            (
                "{{ $labels.host }}: DNS has no address of {{ $labels.name }}; mail for {{ "
                "$labels.name }} waits."
            ),
        ),
        Alert(
            "MxNoMailAccepted",
            "time() - max by (stack) (mx_postfix_last_accepted_timestamp_seconds) "
            f"> {thresholds.silence_seconds}",
            300,
            WARNING,
            (
                "{{ $labels.stack }}: no MX host has accepted a message for {{ $value | "
                "humanizeDuration }}."
            ),
        ),
    ]
