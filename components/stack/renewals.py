"""Renewals of certificates that fail, as the hosts report when the program begins.

A host keeps the old certificate until it ends, so nothing else shows for weeks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi

from components.host import Seen
from components.services.certificates import dehydrated
from components.settings.environment import Settings
from components.stack.outputs import RenewalFailure

LONGEST_REASON = 500
WAY_OUT = (
    "The present certificate stays in use until it expires. Remove the cause, then run on "
    "the host: systemctl start mx-certificates.service (docs/runbooks/MxRenewalFailing.md)."
)


def failures(settings: Settings, seen: Mapping[str, Seen]) -> list[RenewalFailure]:
    """Failing renewals of the names in the settings; a host that was not read has none."""
    if settings.certificates is None:
        return []
    return [
        RenewalFailure(
            host=key,
            name=name,
            algorithm=algorithm,
            since=note["failingSince"],
            reason=" ".join(note["error"].split())[:LONGEST_REASON],
        )
        for key in settings.hosts
        for name in dehydrated.names(settings, key)
        for algorithm in dehydrated.ALGORITHMS
        if "failingSince" in (note := seen[key].renewals.get(dehydrated.alias(name, algorithm), {}))
    ]


def warn(found: Iterable[RenewalFailure]) -> None:
    """Warn in previews and in `up`, once a host."""
    for text in warnings(found):
        pulumi.log.warn(text)


def warnings(found: Iterable[RenewalFailure]) -> list[str]:
    """A text for each host: its certificates with the reasons, then what to do."""
    lines: dict[str, list[str]] = {}
    for each in found:
        text = f"{each.name} ({each.algorithm}) since {each.since}: {each.reason}"
        lines.setdefault(each.host, []).append(text)
    return [
        "\n".join([f"renewal fails on {host}:", *texts, WAY_OUT]) for host, texts in lines.items()
    ]
