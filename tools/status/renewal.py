"""Renewals of our own certificates: late as seen from outside, failing as the stack was told."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from components.stack.outputs import Outputs
from tools.status import identity, transport
from tools.status.certificate import DAY_SECONDS, Certificate
from tools.status.check import Address, Check, Finding
from tools.status.world import World

_WHY = (
    "The present certificate stays in use until it expires. After that, senders that verify it "
    "do not deliver."
)


def late(hostnames: Collection[str], renew_days: int) -> Check:
    """A check of addresses: whether what a host of ours serves is past its renewal.

    What ends so soon that any domain is warned of it is left to that check.
    """

    def run(world: World, address: Address) -> Iterator[str]:
        if address.host not in hostnames:
            return
        for algorithm, each in transport.certificates(world, address).items():
            over = overdue_seconds(each, renew_days)
            if over > 0 and not identity.ends_soon(world, each):
                yield (
                    f"its {algorithm} certificate has {each.seconds_left / DAY_SECONDS:.0f} days "
                    f"left; its renewal is due for {over / DAY_SECONDS:.0f} days"
                )

    return Check(
        "renewal-late",
        "warning",
        _WHY,
        "`mx-certificates status` on the host has the reason, and so has the next `pulumi "
        "preview`; see docs/runbooks/MxRenewalFailing.md.",
        run,
    )


def overdue_seconds(certificate: Certificate, renew_days: int) -> float:
    """How long a renewal is due, or 0 while a day of runs that failed would explain it.

    Due is what mx-certificates(8) says: a third of the lifetime left, at most `renew_days`.
    """
    span = min(renew_days * DAY_SECONDS, certificate.lifetime_seconds / 3)
    over = span - certificate.seconds_left
    return over if over > min(DAY_SECONDS, span / 4) else 0


def told(outputs: Outputs) -> list[Finding]:
    """What hosts told of failing renewals when the last `up` began, policy hosts' names too."""
    return [
        Finding(
            "renewal-failing",
            "warning",
            outputs.mx_hosts[each.host].hostname,
            f"the {each.algorithm} certificate of {each.name} could not be renewed since "
            f"{each.since}: {each.reason}",
            _WHY,
            "Remove the cause, then run on the host: systemctl start mx-certificates.service "
            "(docs/runbooks/MxRenewalFailing.md). `mx up STACK` asks the host again.",
        )
        for each in outputs.renewal_failures
    ]
