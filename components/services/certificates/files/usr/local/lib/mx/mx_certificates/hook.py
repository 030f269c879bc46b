"""dehydrated's hook: the dns-01 challenge into DNS, and out again whatever happens.

What is put into DNS is noted before, so that a killed run's record goes with the next one.
"""

from __future__ import annotations

import json
import sys

from . import STATE, Trouble, authoritative, config, tokens
from .cloudflare import Zone

NOTES = STATE / "challenges.json"
Note = list[str]


def main(arguments: list[str]) -> int:
    """Do what dehydrated asks for; unknown hooks are none of our business."""
    verb, rest = (arguments or [""])[0], arguments[1:]
    try:
        if verb == "deploy_challenge":
            deploy(rest[0], rest[2])
        elif verb == "clean_challenge":
            clean(rest[0], rest[2])
    except Trouble as trouble:
        print(f"hook: {trouble}", file=sys.stderr)
        return 1
    return 0


def deploy(domain: str, text: str) -> None:
    """Publish a challenge and wait until it is seen everywhere. Raises Trouble."""
    stack = config()
    if stack["challenge"] != "dns-01":
        return
    zone, name = zone_of(domain), f"_acme-challenge.{domain}"
    _write([*_read(), [zone, name, text]])
    try:
        _api(zone).add(name, text)
        authoritative.wait_for_txt(zone, name, text, stack["propagationTimeoutSeconds"])
    except Trouble:
        clean(domain, text)
        raise


def clean(domain: str, text: str) -> None:
    """Take a challenge out of DNS. Raises Trouble."""
    for note in _read():
        if note[1:] == [f"_acme-challenge.{domain}", text]:
            _remove(note)


def clean_leftovers() -> list[str]:
    """Take everything noted out of DNS; return what went wrong."""
    troubles = []
    for note in _read():
        try:
            _remove(note)
        except Trouble as trouble:
            troubles.append(str(trouble))
    return troubles


def zone_of(domain: str) -> str:
    """The zone that holds a name. Raises Trouble."""
    for certificate in config()["certificates"]:
        if certificate["name"] == domain:
            return str(certificate["zone"])
    raise Trouble(f"{domain} is none of this host's names")


def _api(zone: str) -> Zone:
    stack, known = config(), tokens()
    if zone not in known:
        raise Trouble(f"DNS API: there is no token for the zone {zone}")
    return Zone(stack["api"], stack["zones"][zone], known[zone])


def _remove(note: Note) -> None:
    _api(note[0]).remove(note[1], note[2])
    _write([other for other in _read() if other != note])


def _read() -> list[Note]:
    return list(json.loads(NOTES.read_text())) if NOTES.exists() else []


def _write(notes: list[Note]) -> None:
    fresh = NOTES.with_suffix(".new")
    fresh.write_text(json.dumps(notes))
    fresh.rename(NOTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
