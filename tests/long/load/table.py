"""The measurements as text."""

from __future__ import annotations

from collections.abc import Iterable

from .processor import Use, shares
from .run import NORMAL_SECONDS, Overload, Step
from .verdict import Verdict

_HEAD = f"{'':>18}{'messages/s':^22}{'reply, s (95 %)':^16}{'processor, ms a message':^24}\n" + (
    f"{'octets':>8}{'sessions':>10}{'MX':>7}{'plain':>7}{'ratio':>8}{'MX':>8}{'plain':>8}"
    f"{'MX':>8}{'plain':>8}{'ratio':>8}"
)


def pairs(steps: Iterable[Step]) -> list[tuple[Step, Step]]:
    """MX and plain Postfix at the same size and number of sessions."""
    by = {(each.size, each.sessions, each.server): each for each in steps}
    return [
        (each, by[size, sessions, "plain"])
        for (size, sessions, server), each in by.items()
        if server == "mx" and (size, sessions, "plain") in by
    ]


def limit(steps: Iterable[Step], server: str, size: int) -> Step:
    """The step with the most messages a second. Raises ValueError without a step."""
    return max(
        (each for each in steps if (each.server, each.size) == (server, size)),
        key=lambda each: each.verdict.rate,
    )


def limits(steps: list[Step]) -> str:
    """A row for each pair; then the most of each size, and who used the processors."""
    lines = [_HEAD]
    for ours, plain in pairs(steps):
        lines.append(
            f"{ours.size:>8}{ours.sessions:>10}"
            f"{ours.verdict.rate:>7.1f}{plain.verdict.rate:>7.1f}"
            f"{_ratio(ours.verdict.rate, plain.verdict.rate):>8}"
            f"{ours.verdict.waits.most:>8.2f}{plain.verdict.waits.most:>8.2f}"
            f"{ours.milliseconds:>8.1f}{plain.milliseconds:>8.1f}"
            f"{_ratio(ours.milliseconds, plain.milliseconds):>8}"
        )
    lines.append("")
    for size in dict.fromkeys(each.size for each in steps):
        ours, plain = (limit(steps, server, size) for server in ("mx", "plain"))
        lines.append(
            f"limit at {size} octets: MX {ours.verdict.rate:.1f}/s with {ours.sessions} sessions, "
            f"plain Postfix {plain.verdict.rate:.1f}/s with {plain.sessions}, "
            f"ratio {_ratio(ours.verdict.rate, plain.verdict.rate)}"
        )
        lines += [f"  {each.server}: {processors(each.use)}" for each in (ours, plain)]
    for each in steps:
        name = f"{each.server}, {each.size} octets, {each.sessions} sessions"
        lines += [f"{name}: {line}" for line in _replies(each.verdict) if "250 " not in line]
        lines += [f"{name}: {line}" for line in _wrong(each.verdict)]
    return "\n".join(lines)


def overload(found: Overload) -> str:
    """What clients saw, what became of the mail, and how soon all was normal."""
    verdict = found.verdict
    rows = [
        ("offered, messages a second", f"{found.rate:.1f}"),
        ("for, s", f"{found.seconds:.0f}"),
        ("messages offered", verdict.offered),
        ("accepted", verdict.accepted),
        ("stored, messages a second", f"{verdict.rate:.1f}"),
        ("refused with 4xx", verdict.refused("4")),
        ("refused with 5xx", verdict.refused("5")),
        ("no final reply", verdict.offered - verdict.accepted - sum(map(verdict.refused, "45"))),
        ("copies stored", verdict.copies),
        ("lost", len(verdict.lost)),
        ("doubled", len(verdict.doubled)),
        ("damaged", len(verdict.damaged)),
        ("not filtered", len(verdict.unfiltered)),
        ("stored though refused", len(verdict.stored_though_refused)),
        ("wait for 250: half, s", f"{verdict.waits.median:.2f}"),
        ("wait for 250: 95 of 100, s", f"{verdict.waits.most:.2f}"),
        ("wait for 250: longest, s", f"{verdict.waits.longest:.2f}"),
        (f"normal again after, s (at most {NORMAL_SECONDS:.0f})", f"{found.normal:.1f}"),
        ("queue empty at the end", "yes" if found.queue_empty else "no"),
        ("held", "yes" if found.held else "no"),
    ]
    lines = [f"{name:36}{value}" for name, value in rows]
    lines += ["", *_replies(verdict), f"processor: {processors(found.use)}", *_wrong(verdict)]
    return "\n".join(lines)


def processors(use: Use) -> str:
    """How many processors worked, and whose programs they ran."""
    programs = ", ".join(f"{name} {share:.0%}" for name, share in shares(use.by_program))
    each = (part / max(use.seconds, 0.001) for part in (use.host, use.tools, use.others))
    return "host {:.2f} processors, client and mailbox {:.2f}, others {:.2f}; ".format(*each) + (
        f"of the host: {programs}"
    )


def _ratio(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other else "-"


def _replies(verdict: Verdict) -> list[str]:
    """How often which last reply came, with the words of its first one."""
    return [
        f"{count:7} x {name if name[0] != '0' else f'no reply{name[1:]}'}: {verdict.examples[name]}"
        for name, count in verdict.replies.most_common()
    ]


def _wrong(verdict: Verdict) -> list[str]:
    """The first ten serials of each kind that must not be."""
    kinds = {
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "damaged": verdict.damaged,
        "not filtered": verdict.unfiltered,
        "stored though refused": verdict.stored_though_refused,
    }
    return [f"{kind}: {', '.join(found[:10])}" for kind, found in kinds.items() if found]
