"""What a stack publishes, against what DNS answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.dns.records import Record
from tools.status.check import Check, Domain
from tools.status.world import World

_COMPARED = ("A", "AAAA", "MX", "TXT", "CNAME", "CAA")


def check(records: list[Record]) -> Check:
    """A check that each record of a table that is known beforehand is answered."""

    def run(world: World, domain: Domain) -> Iterator[str]:
        for record in records:
            if record.type in _COMPARED and _belongs(record.name, domain.name):
                wanted = _value(record)
                got = world.names.ask(record.name, record.type).values
                if wanted not in got:
                    said = ", ".join(got) or "nothing"
                    yield f"{record.name} {record.type} is {said}, not {wanted}"

    return Check(
        "stack-record",
        "fault",
        "DNS does not say what the stack file says.",
        "pulumi preview --refresh; then pulumi up.",
        run,
    )


def _belongs(name: str, domain: str) -> bool:
    return name == domain or name.endswith("." + domain)


def _value(record: Record) -> str:
    """The record in the form of `names.Answer.values`."""
    if record.data is not None:
        data: Mapping[str, object] = record.data
        return f'{data["flags"]} {data["tag"]} "{data["value"]}"'
    content = record.content or ""
    if record.type == "TXT":
        parts = content[1:-1].split('" "')
        return "".join(parts).replace('\\"', '"').replace("\\\\", "\\")
    return f"{record.priority} {content}" if record.type == "MX" else content
