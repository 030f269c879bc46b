"""What became of each message, by what the client was told and what the mailbox double stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypedDict

from .client import Attempt


class Copy(TypedDict):
    """A stored message, once for each recipient. `at`: of time.time()."""

    serial: str
    recipient: str
    whole: bool
    filtered: bool
    at: float


@dataclass(frozen=True)
class Waits:
    """Seconds from the begin of a session to its last reply, over the accepted messages."""

    median: float
    most: float
    """95 of 100 waited no longer."""
    longest: float


@dataclass(frozen=True)
class Verdict:
    """One load. `replies`: `CODE at PHASE` to how often; code 0 is no reply within the patience.

    `lost`: accepted, and a copy is missing. `stored_though_refused`: the client had 4xx or 5xx, so
    it would come again. The lists have serials.
    """

    offered: int
    accepted: int
    copies: int
    replies: Counter[str]
    examples: dict[str, str]
    waits: Waits
    rate: float
    """Messages a second, from the first begin until the last accepted message was stored."""
    lost: list[str]
    doubled: list[str]
    damaged: list[str]
    unfiltered: list[str]
    stored_though_refused: list[str]

    def refused(self, first: str) -> int:
        """How many had a final reply that begins with this digit; 0 for none at all."""
        return sum(count for reply, count in self.replies.items() if reply.startswith(first))

    @property
    def held(self) -> bool:
        """Whether nothing was lost, doubled, damaged, not filtered or refused for good."""
        wrong = (self.lost, self.doubled, self.damaged, self.unfiltered)
        return not (any(wrong) or self.stored_though_refused or self.refused("5"))


def judge(
    attempts: Iterable[Attempt],
    stored: Iterable[Copy],
    wanted: Mapping[str, tuple[str, ...]],
    *,
    filtered: bool = True,
) -> Verdict:
    """Compare. `wanted`: recipient of a message to those that must have one copy each.

    `filtered`: whether the server has a spam filter. Copies of other serials do not count.
    """
    attempts = list(attempts)
    serials = {each["serial"] for each in attempts}
    stored = [each for each in stored if each["serial"] in serials]
    place: dict[str, list[Copy]] = defaultdict(list)
    for copy in stored:
        place[copy["serial"]].append(copy)
    accepted = [each for each in attempts if _accepted(each)]
    refused = {each["serial"] for each in attempts if each["code"] >= 400}
    replies, examples = Counter[str](), dict[str, str]()
    for each in attempts:
        name = f"{each['code']} at {each['phase']}"
        replies[name] += 1
        examples.setdefault(name, each["words"])
    return Verdict(
        len(attempts),
        len(accepted),
        len(stored),
        replies,
        examples,
        _waits([each["end"] - each["begin"] for each in accepted]),
        _rate(attempts, accepted, place),
        [
            each["serial"]
            for each in accepted
            if set(wanted[each["recipient"]])
            - {copy["recipient"] for copy in place[each["serial"]]}
        ],
        [
            serial
            for serial, copies in place.items()
            if len({copy["recipient"] for copy in copies}) < len(copies)
        ],
        [each["serial"] for each in stored if not each["whole"]],
        [each["serial"] for each in stored if filtered and not each["filtered"]],
        sorted(refused & set(place)),
    )


def complete(
    attempts: Iterable[Attempt], stored: Iterable[Copy], wanted: Mapping[str, tuple[str, ...]]
) -> bool:
    """Whether all copies of what was accepted are stored."""
    there = {(copy["serial"], copy["recipient"]) for copy in stored}
    return all(
        (each["serial"], recipient) in there
        for each in attempts
        if _accepted(each)
        for recipient in wanted[each["recipient"]]
    )


def _accepted(attempt: Attempt) -> bool:
    return attempt["code"] == 250 and attempt["phase"] == "end"


def _waits(seconds: list[float]) -> Waits:
    if not seconds:
        return Waits(0.0, 0.0, 0.0)
    most = quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    return Waits(median(seconds), min(most, max(seconds)), max(seconds))


def _rate(
    attempts: list[Attempt], accepted: list[Attempt], place: Mapping[str, list[Copy]]
) -> float:
    last = max(
        (copy["at"] for each in accepted for copy in place.get(each["serial"], [])), default=0.0
    )
    begun = min((each["begin"] for each in attempts), default=last)
    return len(accepted) / (last - begun) if last > begun else 0.0
