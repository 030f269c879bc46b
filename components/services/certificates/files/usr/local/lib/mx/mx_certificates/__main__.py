"""mx-certificates: gets, renews and shows the certificates of this host."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import dns.version

from . import STATE, Trouble, config, openssl, renewal, rollover, served, tokens

STATUS = STATE / "status.json"
LONGEST_ERROR = 500
LOCK = STATE / "lock"
LOCK_PATIENCE_SECONDS = 1200.0


def main() -> int:
    """Run one verb."""
    parser = argparse.ArgumentParser(prog="mx-certificates", description=__doc__)
    parser.add_argument("verb", choices=["check", "issue", "renew", "keys", "status"])
    parser.add_argument(
        "--json", action="store_true", help="print status as JSON at a terminal too"
    )
    arguments = parser.parse_args()
    verb = arguments.verb
    try:
        stack = config()
        if verb == "check":
            check(stack)
        elif verb == "keys":
            print(json.dumps(keys(stack), sort_keys=True))
        elif verb == "status":
            found = status(stack)
            people = sys.stdout.isatty() and not arguments.json
            print(status_text(found) if people else json.dumps(found, indent=1, sort_keys=True))
        else:
            STATE.mkdir(parents=True, exist_ok=True)
            with LOCK.open("w") as lock:
                _wait(lock)
                work(stack, stop_at_first=verb == "issue")
    except Trouble as trouble:
        print(f"mx-certificates: {trouble}", file=sys.stderr)
        return 1
    return 0


def check(stack: dict[str, Any]) -> None:
    """Whether the configuration can be used. Raises Trouble."""
    if stack["challenge"] == "dns-01":
        print(f"dnspython {dns.version.version}")
        for zone in stack["zones"]:
            if zone not in tokens():
                raise Trouble(f"there is no token for the zone {zone}")


def work(stack: dict[str, Any], stop_at_first: bool) -> None:
    """Get what is due, install it, reload what uses it, see that it is served.

    A certificate that fails does not keep the others from being renewed. Raises Trouble.
    """
    wanted, troubles, changed = stack["certificates"], [], []
    _forget_others({certificate["alias"] for certificate in wanted})
    renewed = []
    registered = False
    for certificate in wanted:
        alias = certificate["alias"]
        try:
            rollover.roll(certificate, stack)
            why = renewal.due(certificate, stack)
            if why:
                print(f"{alias}: asked for, because {why}", flush=True)
                if not registered:
                    renewal.register()
                    registered = True
                renewal.issue(certificate, stack)
            if renewal.install(certificate):
                changed.append(certificate)
                print(f"{alias}: installed", flush=True)
            rollover.next_key(certificate, stack)
            renewed.append(certificate)
        except (Trouble, OSError) as trouble:
            troubles.append(str(trouble))
            _note(alias, str(trouble), renewal_failed=not stop_at_first)
            if stop_at_first:
                break
    _watch(stack)
    try:
        served.reload({service for one in changed for service in served.users(one)})
        served.verify([one for one in wanted if served.chain_file(one).exists()])
        unserved = {}
    except Trouble as trouble:
        troubles.append(str(trouble))
        unserved = {one["alias"]: "; ".join(served.differences(one)) for one in renewed}
    for one in renewed:
        _note(one["alias"], unserved.get(one["alias"], ""), renewal_failed=not stop_at_first)
    if troubles:
        raise Trouble("; ".join(troubles))


def _watch(stack: dict[str, Any]) -> None:
    """Note which next keys DNS announces; what cannot be seen now is no trouble of this run."""
    for certificate in stack["certificates"]:
        if certificate["name"] == stack["mx"] and served.chain_file(certificate).exists():
            with contextlib.suppress(Trouble):
                rollover.watch(certificate, stack)


def keys(stack: dict[str, Any]) -> dict[str, Any]:
    """Digests of the keys that TLSA records announce, and the ACME account. Raises Trouble."""
    found: dict[str, Any] = {"account": None, "keys": {}, "slots": {}}
    for certificate in stack["certificates"]:
        if certificate["name"] == stack["mx"]:
            found["keys"][certificate["algorithm"]] = rollover.keys(certificate, stack)
            found["slots"][certificate["algorithm"]] = rollover.slotted(certificate, stack)
    account = renewal.account_directory(stack) / "account_id.json"
    if account.exists():
        found["account"] = json.loads(account.read_text())["url"]
    return found


def status(stack: dict[str, Any]) -> dict[str, Any]:
    """What is on disk, what is served, and how the last attempts went."""
    noted = _noted()
    found: dict[str, Any] = {}
    for certificate in stack["certificates"]:
        entry: dict[str, Any] = dict(noted.get(certificate["alias"], {}))
        path = served.chain_file(certificate)
        if path.exists():
            ends = openssl.read(path).not_after
            entry["notAfter"] = ends.isoformat()
            entry["daysLeft"] = round((ends - datetime.now(UTC)).total_seconds() / 86400, 2)
            entry["servedBy"] = served.users(certificate)
            entry["notServed"] = served.differences(certificate)
        found[certificate["alias"]] = entry
    return found


def status_text(found: dict[str, Any]) -> str:
    """Return what `status` found for a person at a terminal: a line a certificate."""
    lines = []
    width = max((len(alias) for alias in found), default=0)
    for alias, entry in found.items():
        days = entry.get("daysLeft")
        left = "no certificate yet" if days is None else f"{days:.1f} days left"
        wrong = list(entry.get("notServed", []))
        if entry.get("error"):
            since = entry.get("failingSince")
            wrong.append(f"{f'fails since {since}' if since else 'failed'}: {entry['error']}")
        by = ", ".join(entry.get("servedBy", []))
        well = f"served by {by}" if by else "no running service has it"
        state = "; ".join(wrong) or ("" if days is None else well)
        lines.append(f"{alias.ljust(width)}  {left}  {state}".rstrip())
    text = "\n".join(lines) or "no certificates are wanted here"
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _note(alias: str, error: str, renewal_failed: bool = True) -> None:
    """Remember how an attempt went; `failingSince` is the first failure since the last success.

    Where `up` asked, it fails itself and says why: that begins no series of failed renewals.
    One line and readable by all: every run of the stack's program reads it, without root.
    """
    noted = _noted()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    since = noted.get(alias, {}).get("failingSince") or (now if renewal_failed else "")
    error = " ".join(error.split())[:LONGEST_ERROR]
    noted[alias] = {"lastAttempt": now, "error": error}
    if error and since:
        noted[alias]["failingSince"] = since
    _write(noted)


def _forget_others(aliases: set[str]) -> None:
    """A name that left the settings fails no more."""
    noted = _noted()
    if set(noted) - aliases:
        _write({alias: note for alias, note in noted.items() if alias in aliases})


def _noted() -> dict[str, dict[str, str]]:
    return dict(json.loads(STATUS.read_text())) if STATUS.exists() else {}


def _write(noted: dict[str, dict[str, str]]) -> None:
    openssl.replace(STATUS, json.dumps(noted, sort_keys=True).encode(), 0o644)


def _wait(lock: Any) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Trouble("another run has not ended") from None
            time.sleep(0.5)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
