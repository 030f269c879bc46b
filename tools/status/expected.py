"""What a stack publishes, against what DNS answers."""

from __future__ import annotations

from collections.abc import Iterator

from components.dns.records import Record
from components.dns.types import TYPES, rdata
from tools.status.check import Check, Domain
from tools.status.world import World


def check(records: list[Record]) -> Check:
    """A check that each record of a table that is known beforehand is answered."""

    def run(world: World, domain: Domain) -> Iterator[str]:
        for record in records:
            if _belongs(record.name, domain.name):
                wanted = _value(record)
                got = world.names.ask(record.name, record.type).values
                if wanted not in got:
                    said = ", ".join(got) or "nothing"
                    yield f"{record.name} {record.type} is {said}, not {wanted}"

    return Check(
        "stack-record",
        "fault",
        "DNS does not say what the stack file says.",
        "`mx drift STACK` shows the difference, and `mx up STACK` corrects the records.",
        run,
    )


def _belongs(name: str, domain: str) -> bool:
    return name == domain or name.endswith("." + domain)


def _value(record: Record) -> str:
    """The record in the form of `names.Answer.values`."""
    if record.type == "TXT":
        parts = str(record.content)[1:-1].split('" "')
        return "".join(parts).replace('\\"', '"').replace("\\\\", "\\")
    text = rdata(record.type, record.content, record.data, record.priority)
    return text.lower() if TYPES[record.type].upper else text
