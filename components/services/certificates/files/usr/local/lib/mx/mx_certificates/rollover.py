"""The keys that TLSA records announce: which there are, their slots, and the switch to the next.

A slot, a or b, keeps its key until that is neither served nor the next one. So a rollover changes
one record of each algorithm and never the one of the key that is served (RFC 7672 section 8.1).
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import STATE, Trouble, authoritative, openssl, renewal, served

ANNOUNCED = STATE / "announced.json"


def slots(known: dict[str, str], current: str, following: str) -> dict[str, str]:
    """Slot to digest: each digest stays where it is, a new one takes the place of one that went."""
    found = {slot: each for slot, each in known.items() if each in (current, following)}
    for digest in (current, following):
        if digest not in found.values():
            found[min({"a", "b"} - set(found))] = digest
    return found


def keys(certificate: dict[str, Any], stack: dict[str, Any]) -> dict[str, str]:
    """Digests of the keys `current`, which is served or will be first, and `next`. Raises Trouble.

    After a switch whose certificate has not come yet the served key is the old one, and the next
    one that dehydrated uses already: no third key is made meanwhile.
    """
    used = openssl.spki_sha256(_used(certificate))
    chain = served.chain_file(certificate)
    current = openssl.spki_sha256(chain) if chain.exists() else used
    following = used if used != current else openssl.spki_sha256(next_key(certificate, stack))
    return {"current": current, "next": following}


def slotted(certificate: dict[str, Any], stack: dict[str, Any]) -> dict[str, str]:
    """The digests of `keys` by slot, remembered for the next time. Raises Trouble."""
    path = renewal.directory(certificate) / "slots.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    found = slots(known, **_as_arguments(keys(certificate, stack)))
    if found != known:
        openssl.replace(path, json.dumps(found, sort_keys=True).encode())
    return found


def next_key(certificate: dict[str, Any], stack: dict[str, Any]) -> Path:
    """The key that a rollover will switch to, made in advance.

    Not under dehydrated's own name for it: that one is deleted at each run unless keys are
    renewed (dehydrated issue 920 tells of the trap).
    """
    path = renewal.directory(certificate) / "next.pem"
    if not path.exists():
        openssl.make_key(path, certificate["algorithm"], stack["rsaBits"])
    return path


def roll(certificate: dict[str, Any], stack: dict[str, Any]) -> None:
    """Switch to the next key when the stack asks for it; the certificate is due then.

    Raises Trouble while DNS has not announced that key for two TTLs.
    """
    folder = renewal.directory(certificate)
    note = folder / "rollover"
    if not _used(certificate).exists():
        # A new host: its first keys are as new as any.
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(str(stack["rollover"]))
        return
    if stack["rollover"] <= (int(note.read_text()) if note.exists() else 0):
        return
    following = next_key(certificate, stack)
    if certificate["name"] == stack["mx"]:
        _announced(certificate, openssl.spki_sha256(following))
    # As dehydrated does: a file of its own for each key, and a link to the one in use.
    fresh, link = folder / f"privkey-{int(time.time())}.pem", folder / ".privkey.pem.new"
    openssl.replace(fresh, following.read_bytes())
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.rename(_used(certificate))
    following.unlink()
    note.write_text(str(stack["rollover"]))
    print(f"{certificate['alias']}: switched to the next key", flush=True)


def watch(certificate: dict[str, Any], stack: dict[str, Any]) -> None:
    """Note when DNS began to announce the next key; asks until it does. Raises Trouble."""
    digest = keys(certificate, stack)["next"]
    if digest not in _read() and digest in _published(certificate)[0]:
        _note(digest)


def _announced(certificate: dict[str, Any], digest: str) -> None:
    everywhere, anywhere, ttl = _published(certificate)
    if not anywhere:
        return  # Without TLSA records nobody goes by them.
    if digest not in everywhere:
        raise Trouble(
            f"TLSA: {certificate['alias']}: not every name server announces the next key; "
            "run `up` without the rollover first"
        )
    if digest not in _read():
        _note(digest)
    safe = datetime.fromisoformat(_read()[digest]).timestamp() + 2 * ttl
    if time.time() < safe:
        raise Trouble(
            f"TLSA: {certificate['alias']}: senders may have records without the next key until "
            f"{datetime.fromtimestamp(safe, UTC):%Y-%m-%d %H:%M:%S} UTC; run `up` again then"
        )


def _published(certificate: dict[str, Any]) -> tuple[set[str], set[str], int]:
    return authoritative.tlsa(certificate["zone"], f"_25._tcp.{certificate['name']}")


def _used(certificate: dict[str, Any]) -> Path:
    return renewal.directory(certificate) / "privkey.pem"


def _as_arguments(pair: dict[str, str]) -> dict[str, str]:
    return {"current": pair["current"], "following": pair["next"]}


def _read() -> dict[str, str]:
    return dict(json.loads(ANNOUNCED.read_text())) if ANNOUNCED.exists() else {}


def _note(digest: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    openssl.replace(ANNOUNCED, json.dumps(_read() | {digest: now}, sort_keys=True).encode())
