"""Alerts on what senders see: SMTP, certificates, records and policies."""

from __future__ import annotations

from components.stack.outputs import Thresholds
from tools.monitoring.alert import CRITICAL, WARNING, Alert


def soon(thresholds: Thresholds) -> str:
    """The seconds that a certificate must have left.

    Renewal is due at a third of the lifetime, which is days for short-lived ones.
    """
    days = thresholds.certificate_warning_days
    return f"clamp_max(mx:certificate_lifetime:seconds / 5, {days * 86400})"


def alerts(thresholds: Thresholds) -> list[Alert]:
    """These alerts, in the order of the runbooks' index."""
    return [
        Alert(
            "MxHostDown",
            'up{job="mx-node"} == 0',
            120,
            CRITICAL,
            "{{ $labels.host }}: the exporter does not answer.",
        ),
        Alert(
            "MxSmtpDown",
            'probe_success{job="mx-smtp"} == 0',
            120,
            CRITICAL,
            "{{ $labels.instance }} ({{ $labels.host }}) gives no SMTP banner.",
        ),
        Alert(
            "MxStartTlsBroken",
            'probe_success{job="mx-starttls"} == 0 and on (stack, instance) '
            'probe_success{job="mx-smtp"} == 1',
            300,
            CRITICAL,
            "{{ $labels.instance }} ({{ $labels.host }}): STARTTLS or its certificate fails.",
        ),
        Alert(
            "MxCertificateExpiring",
            f"mx:certificate_left:seconds < {soon(thresholds)}",
            3600,
            CRITICAL,
            "{{ $labels.name }} ({{ $labels.algorithm }}, {{ $labels.source }}) expires in "
            "{{ $value | humanizeDuration }}.",
        ),
        Alert(
            "MxCertificateStale",
            "mx_certificate_served_is_disk == 0",
            900,
            CRITICAL,
            "{{ $labels.host }} serves a {{ $labels.algorithm }} certificate that is not on disk.",
        ),
        *_in_dns(),
    ]


def _in_dns() -> list[Alert]:
    """What DNS and the policy host say of the hosts."""
    return [
        Alert(
            "MxTlsaMismatch",
            "mx_tlsa_matches == 0",
            300,
            CRITICAL,
            "{{ $labels.host }} serves a key that is in none of its TLSA records.",
        ),
        Alert(
            "MxDkimMismatch",
            "mx_dkim_matches == 0",
            600,
            WARNING,
            "{{ $labels.host }} signs for {{ $labels.domain }} with a key that is not in DNS.",
        ),
        Alert(
            "MxPolicyUnreachable",
            'mx_policy_reachable == 0 or probe_success{job="mx-policy"} == 0',
            600,
            CRITICAL,
            "The MTA-STS policy of {{ $labels.domain }} cannot be fetched.",
        ),
        Alert(
            "MxPolicyDiffers",
            "mx_policy_covers_host == 0 or mx_policy_id_matches == 0",
            600,
            CRITICAL,
            "{{ $labels.host }}: the MTA-STS policy of {{ $labels.domain }} is not as applied.",
        ),
        Alert(
            "MxRecordsDiffer",
            'probe_success{job="mx-dns"} == 0',
            900,
            CRITICAL,
            "The MX records of {{ $labels.domain }} lack {{ $labels.hostname }}, name another "
            "host, or do not resolve.",
        ),
    ]
