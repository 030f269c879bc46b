"""What a stack publishes, against what DNS answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from components.dns.records import Record
from components.dns.types import TYPES, rdata
from tools.status.check import Check, Domain
from tools.status.world import World


def check(records: list[Record], hostnames: Collection[str]) -> Check:
    """A check that each record of a table that is known beforehand is answered.

    An MX record that names one of `hostnames`, the MX hosts of the stack, is in the table too.
    """

    def run(world: World, domain: Domain) -> Iterator[str]:
        for record in records:
            if _belongs(record.name, domain.name):
                wanted = _value(record)
                got = world.names.ask(record.name, record.type).values
                if wanted not in got:
                    said = ", ".join(got) or "nothing"
                    yield f"{record.name} {record.type} is {said}, not {wanted}"
        known = {each.content for each in records if each.name == domain.name}
        for value in world.names.ask(domain.name, "MX").values:
            target = value.partition(" ")[2].rstrip(".").lower()
            if target in hostnames and target not in known:
                yield (
                    f"{domain.name} MX is {value}; the stack publishes no MX record of the domain "
                    "for this host"
                )

    return Check(
        "stack-record",
        "fault",
        "DNS does not say what the stack file says.",
        "`mx drift STACK` shows the difference, and `mx up STACK` corrects the stack's records. "
        "`mx preview STACK` tells of those that are not the stack's.",
        run,
    )


def beside(records: list[Record], hostnames: Collection[str]) -> Check:
    """A check that a domain with MX records of the stack has no others.

    Those that name one of `hostnames` are a matter of `check`.
    """

    def run(world: World, domain: Domain) -> Iterator[str]:
        ours = [each for each in records if each.name == domain.name and each.type == "MX"]
        known = {*hostnames, *(str(each.content).rstrip(".") for each in ours)}
        for value in world.names.ask(domain.name, "MX").values if ours else ():
            if value.partition(" ")[2].rstrip(".").lower() not in known:
                yield f"{domain.name} MX is {value} too, which is not the stack's"

    return Check(
        "other-mx",
        "notice",
        "Senders use each MX record of a domain, whoever made it.",
        "While the domain moves, the record may stay. Afterwards remove it by hand "
        "(docs/moving-a-domain.md, step 6).",
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
