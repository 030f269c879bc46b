"""What others say of an address: PTR and block lists."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from tools.status.check import Address, Check
from tools.status.world import World

BLOCKLISTS = {
    "zen.spamhaus.org": "https://check.spamhaus.org/",
    "b.barracudacentral.org": "https://www.barracudacentral.org/lookups",
    "bl.spamcop.net": "https://www.spamcop.net/bl.shtml",
}
"""Lists that large receivers use, and where one asks them for the reason."""
_REFUSED = ip_address("127.255.255.0")
_LISTED = ip_address("127.0.0.0")


def _ptr_missing(world: World, address: Address) -> Iterator[str]:
    if not world.names.pointer(address.address).values:
        yield "it has no PTR record"


def _ptr_mismatch(world: World, address: Address) -> Iterator[str]:
    names = world.names.pointer(address.address).values
    if names and not any(address.address in world.addresses(name) for name in names):
        yield f"its PTR record names {', '.join(names)}, but that name does not have this address"


def _ptr_other(world: World, address: Address) -> Iterator[str]:
    names = world.names.pointer(address.address).values
    confirmed = [name for name in names if address.address in world.addresses(name)]
    if confirmed and address.host not in confirmed:
        yield f"its PTR says {', '.join(confirmed)}"


def _listed_name(text: str, zone: str) -> str:
    address = ip_address(text)
    if address.version == 4:
        return f"{'.'.join(reversed(text.split('.')))}.{zone}"
    return f"{'.'.join(reversed(address.exploded.replace(':', '')))}.{zone}"


def _answers(world: World, text: str, zone: str) -> tuple[list[str], list[str]]:
    """Codes that say listed, and codes that say that the list did not answer us.

    127.255.255.x is a refusal (wrong name, public resolver, too many questions), and so is
    everything outside 127.0.0.0/8, which a parked list or a helpful resolver gives (RFC 5782).
    """
    listed, refused = [], []
    for value in world.names.ask(_listed_name(text, zone), "A").values:
        code = int(ip_address(value))
        if code >> 8 == int(_REFUSED) >> 8 or code >> 24 != int(_LISTED) >> 24:
            refused.append(value)
        else:
            listed.append(value)
    return listed, refused


def _listed(world: World, address: Address) -> Iterator[str]:
    for zone, page in world.blocklists.items():
        listed, _ = _answers(world, address.address, zone)
        if listed:
            hint = f"; ask {page}" if page else ""
            yield f"{zone} lists it ({', '.join(listed)}){hint}"


def _not_asked(world: World, address: Address) -> Iterator[str]:
    for zone in world.blocklists:
        _, refused = _answers(world, address.address, zone)
        if refused:
            yield (
                f"{zone} refuses to answer this resolver ({', '.join(refused)}), so it is not "
                "known whether the address is listed"
            )


_WHY_PTR = "Many receivers refuse mail from an address whose PTR name does not lead back to it."
_CURE_PTR = "Have the owner of the network set the PTR record to the host's name."
ADDRESS = (
    Check("ptr-missing", "fault", _WHY_PTR, _CURE_PTR, _ptr_missing),
    Check("ptr-mismatch", "fault", _WHY_PTR, _CURE_PTR, _ptr_mismatch),
    Check(
        "ptr-other",
        "notice",
        "Some receivers distrust a PTR name that differs from the name in EHLO.",
        _CURE_PTR,
        _ptr_other,
    ),
    Check(
        "blocklisted",
        "fault",
        "Receivers that use the list refuse mail from this address.",
        "Read the list's reason, remove the cause, then ask for removal from the list.",
        _listed,
    ),
    Check(
        "blocklist-refused",
        "notice",
        "Most block lists refuse questions from public resolvers.",
        "Use a resolver of your own: --resolver.",
        _not_asked,
    ),
)
