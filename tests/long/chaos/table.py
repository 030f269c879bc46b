"""The end of a run as text, and whether everything held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .evidence import Event, Verdict
from .sender import Message


@dataclass(frozen=True)
class Result:
    """All that a run found."""

    seed: int
    messages: list[Message]
    verdict: Verdict
    events: list[Event]
    broken: list[str]
    converged: bool
    queues_empty: bool

    @property
    def held(self) -> bool:
        """Whether each message arrived whole and filtered, and twice only with a reason."""
        verdict = self.verdict
        wrong = (
            verdict.lost,
            verdict.bounced,
            verdict.damaged,
            verdict.unfiltered,
            verdict.without_reason,
        )
        accepted = all(each.accepted for each in self.messages)
        return accepted and self.converged and self.queues_empty and not (any(wrong) or self.broken)


def refusing(messages: list[Message]) -> float:
    """Seconds of the longest time in which both hosts were asked and neither accepted a message."""
    tries = sorted(
        (each for message in messages for each in message.tries), key=lambda each: each.end
    )
    begun = min((each.begin for each in tries), default=0.0)
    longest, since, asked = 0.0, begun, set[str]()
    for each in tries:
        if each.outcome == "accepted":
            if len(asked) == 2:
                longest = max(longest, each.end - since)
            since, asked = each.end, set()
        else:
            asked.add(each.server)
    return longest


def table(result: Result) -> str:
    """The table, then each thing that is not as it must be."""
    messages, verdict = result.messages, result.verdict
    tries = Counter(each.outcome for message in messages for each in message.tries)
    rows = [
        ("seed", result.seed),
        ("faults made", len(result.events)),
        ("messages sent", len(messages)),
        ("accepted", sum(each.accepted is not None for each in messages)),
        ("refused with 4xx", tries["deferred"]),
        ("refused with 5xx", tries["refused"]),
        ("no session, or cut off", tries["failed"]),
        ("no final reply", tries["uncertain"]),
        ("copies delivered", verdict.copies),
        ("doubled, with a reason", len(verdict.doubled)),
        ("doubled, without", len(verdict.without_reason)),
        ("lost", len(verdict.lost)),
        ("bounced", len(verdict.bounced)),
        ("damaged", len(verdict.damaged)),
        ("not filtered", len(verdict.unfiltered)),
        ("longest delay, s", f"{verdict.longest_delay:.0f}"),
        ("longest time both refused, s", f"{refusing(messages):.0f}"),
        ("queues empty at the end", "yes" if result.queues_empty else "no"),
        ("one up converges, preview empty", "yes" if result.converged else "no"),
    ]
    lines = [f"{name:34}{value}" for name, value in rows]
    lines += ["", "faults: " + ", ".join(f"{n} x {name}" for name, n in _counted(result.events))]
    refused = [each for message in messages for each in message.tries if each.outcome == "refused"]
    for title, found in (
        (
            "refused for good",
            [f"{each.serial} by {each.server} at {each.phase}: {each.words}" for each in refused],
        ),
        ("lost", verdict.lost),
        ("bounced", verdict.bounced),
        ("damaged", verdict.damaged),
        ("not filtered", verdict.unfiltered),
        ("doubled without a reason", verdict.without_reason),
        ("fault not made or not mended", result.broken),
        ("doubled", [f"{what}: {why}" for what, why in verdict.doubled]),
    ):
        lines += [f"{title}: {each}" for each in found]
    return "\n".join(lines)


def _counted(events: list[Event]) -> list[tuple[str, int]]:
    return sorted(Counter(event.name.partition(":")[0] for event in events).items())
