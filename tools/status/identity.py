"""Certificates and TLSA records at each address of an MX host, for each algorithm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.status import transport
from tools.status.certificate import DAY_SECONDS, Certificate, chain
from tools.status.check import Address, Check, Host
from tools.status.smtp import Offer
from tools.status.world import World

_TLSA = re.compile(r"(\d+) (\d+) (\d+) ([0-9a-fA-F ]+)")
_LENGTHS = {"1": 64, "2": 128}


def _tlsa(world: World, host: str) -> list[tuple[str, str, str, str]]:
    """Usage, selector, matching type and data of each TLSA record of port 25."""
    values = world.names.ask(f"_25._tcp.{host}", "TLSA").values
    matches = [match for value in values if (match := _TLSA.fullmatch(value))]
    return [(m[1], m[2], m[3], m[4].replace(" ", "")) for m in matches]


def _usable(record: tuple[str, str, str, str]) -> bool:
    usage, selector, matching, data = record
    length = _LENGTHS.get(matching)
    return (
        usage in ("2", "3")
        and selector in ("0", "1")
        and matching in ("0", "1", "2")
        and (length is None or len(data) == length)
    )


def _expired(world: World, address: Address) -> Iterator[str]:
    for algorithm, each in transport.certificates(world, address).items():
        if each.seconds_left < 0:
            days = -each.seconds_left / DAY_SECONDS
            yield f"its {algorithm} certificate expired {days:.0f} days ago"


def _soon(world: World, address: Address) -> Iterator[str]:
    for algorithm, each in transport.certificates(world, address).items():
        if each.seconds_left >= 0 and ends_soon(world, each):
            days = each.seconds_left / DAY_SECONDS
            yield f"its {algorithm} certificate has {days:.0f} days left"


def ends_soon(world: World, certificate: Certificate) -> bool:
    """Whether less is left than `days`, or than a quarter of a shorter lifetime."""
    quarter = certificate.lifetime_seconds / 4
    return certificate.seconds_left < min(world.days * DAY_SECONDS, quarter)


def _name(world: World, address: Address) -> Iterator[str]:
    for algorithm, each in transport.certificates(world, address).items():
        if not each.is_for(address.host):
            names = ", ".join(each.names) or "nobody"
            yield f"its {algorithm} certificate is for {names}"


def _untrusted(world: World, address: Address) -> Iterator[str]:
    served = transport.certificates(world, address)
    for algorithm, each in served.items():
        plain = transport.ALGORITHMS.get(algorithm, Offer())
        done = transport.shake(world, address, Offer(plain.ciphers, plain.least, plain.most, True))
        if done is None or done.error is None or each.seconds_left < 0:
            continue
        if each.is_for(address.host):
            yield f"its {algorithm} certificate: {done.error}"


def _key(world: World, address: Address) -> Iterator[str]:
    for algorithm, each in transport.certificates(world, address).items():
        weak = each.weak_key()
        if weak is not None:
            yield f"its {algorithm} certificate has a key of {weak}"


def _signature(world: World, address: Address) -> Iterator[str]:
    for algorithm, each in transport.certificates(world, address).items():
        weak = each.weak_signature()
        if weak is not None and not each.self_issued:
            yield f"its {algorithm} certificate is signed with {weak}"


def _mismatch(world: World, address: Address) -> Iterator[str]:
    if not world.names.ask(f"_25._tcp.{address.host}", "TLSA").secure:
        return
    usable = [record for record in _tlsa(world, address.host) if _usable(record)]
    if not usable:
        return
    for algorithm, leaf in transport.certificates(world, address).items():
        served = {"3": [leaf], "2": _chain(world, address, algorithm, usable)}
        if not any(
            each.matches(selector, matching, data)
            for usage, selector, matching, data in usable
            for each in served[usage]
        ):
            yield f"no TLSA record matches its {algorithm} certificate"


def _chain(
    world: World, address: Address, algorithm: str, usable: list[tuple[str, str, str, str]]
) -> list[Certificate]:
    """The chain that is sent for an algorithm; asked for only where a record has usage 2."""
    if not any(record[0] == "2" for record in usable):
        return []
    plain = transport.ALGORITHMS.get(algorithm)
    options = ("-tls1_2", "-cipher", plain.ciphers) if plain is not None else ()
    return chain(world.smtp.transcript(address.host, address.address, *options))


def _dane_missing(world: World, host: Host) -> Iterator[str]:
    if not _tlsa(world, host.name) and world.names.ask(host.name, "A").secure:
        yield f"there is no TLSA record at _25._tcp.{host.name}"


def _dane_insecure(world: World, host: Host) -> Iterator[str]:
    answer = world.names.ask(f"_25._tcp.{host.name}", "TLSA")
    if answer.values and not answer.secure:
        yield f"the TLSA records at _25._tcp.{host.name} are not signed"


def _dane_bogus(world: World, host: Host) -> Iterator[str]:
    if world.names.ask(f"_25._tcp.{host.name}", "TLSA").outcome in ("bogus", "failed"):
        yield f"the question for _25._tcp.{host.name} TLSA is not answered, or its answer is bogus"


def _dane_parameters(world: World, host: Host) -> Iterator[str]:
    for record in _tlsa(world, host.name):
        if record[0] in ("0", "1"):
            yield f"usage {record[0]} is none of SMTP (TLSA {' '.join(record[:3])})"
        elif not _usable(record):
            yield f"TLSA {' '.join(record[:3])} with {len(record[3])} hex digits is not usable"


def _dane_rollover(world: World, host: Host) -> Iterator[str]:
    usable = [record for record in _tlsa(world, host.name) if _usable(record)]
    if len(usable) == 1:
        yield "there is one TLSA record only"


ADDRESS = (
    Check(
        "certificate-expired",
        "fault",
        "Senders that verify do not deliver: MTA-STS in mode enforce, and DANE with usage 2.",
        "Renew it. Find out why the renewal failed and why nobody noticed.",
        _expired,
    ),
    Check("certificate-soon", "warning", "The renewal is late.", "Look at its log.", _soon),
    Check(
        "certificate-name",
        "warning",
        "Senders that verify by MTA-STS do not deliver.",
        "Get a certificate for the name in the MX record.",
        _name,
    ),
    Check(
        "certificate-trust",
        "warning",
        "Senders that verify by MTA-STS do not deliver.",
        "Get it from a public authority, and send the intermediate certificates too.",
        _untrusted,
    ),
    Check("certificate-key", "notice", "The key is short.", "RSA 3072 or ECDSA P-256.", _key),
    Check(
        "certificate-signature",
        "warning",
        "The digest can be forged.",
        "Get a new one with SHA-256.",
        _signature,
    ),
    Check(
        "dane-mismatch",
        "fault",
        "Senders with DANE do not deliver to this host.",
        "Publish TLSA 3 1 1 of the served key at once; next time before the key changes.",
        _mismatch,
    ),
)
HOST = (
    Check(
        "dane-missing",
        "warning",
        "Senders cannot tell the host from an impostor, though its zone is signed.",
        "Publish TLSA 3 1 1 of each key.",
        _dane_missing,
    ),
    Check(
        "dane-insecure",
        "warning",
        "Senders ignore them (RFC 7672 section 2.2).",
        "Sign the zone, or delete the records.",
        _dane_insecure,
    ),
    Check(
        "dane-bogus",
        "fault",
        "Senders with DANE do not deliver to this host (RFC 7672 section 2.1.1).",
        "Repair the signatures, or the name server that drops questions for TLSA.",
        _dane_bogus,
    ),
    Check(
        "dane-parameters",
        "warning",
        "Senders ignore the record (RFC 7672 section 3.1.3).",
        "Use 3 1 1, or 2 1 1 with the issuer in the chain.",
        _dane_parameters,
    ),
    Check(
        "dane-rollover",
        "notice",
        "The key cannot change without a gap.",
        "Publish the next key beside it, two TTLs before the change.",
        _dane_rollover,
    ),
)
