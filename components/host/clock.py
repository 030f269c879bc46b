"""Whether a host's clock is right, from an answer that took a while."""

from __future__ import annotations

CLOCK_OFF = 60
"""Seconds by which a host's clock may differ from that of this machine."""

Between = tuple[float, float]
"""Seconds since 1970 on this machine when hosts were asked, and when the last one had answered."""


def fault(there: float | None, asked: Between | None) -> tuple[str, str] | None:
    """What is wrong with a host's clock and what to do; None when it is right or not compared.

    The host read its clock, `there` in seconds since 1970, at some moment between the two of
    `asked`: a slow host, or a slow neighbour of it, has no wrong clock.
    """
    if there is None or asked is None:
        return None
    off = there - min(max(there, asked[0]), asked[1])
    if abs(off) <= CLOCK_OFF:
        return None
    which = "ahead of" if off > 0 else "behind"
    return (
        f"{abs(off):.0f} s {which} this machine's; with a wrong clock certificates fail, and "
        "Postfix returns queued mail too early",
        "repair its time service (timedatectl status)",
    )
