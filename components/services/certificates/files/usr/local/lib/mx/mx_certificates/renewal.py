"""When a certificate is due, and how dehydrated is asked for it."""

from __future__ import annotations

import base64
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from . import DEHYDRATED, Trouble, cloudflare, hook, openssl, reasons, served

DEHYDRATED_TIMEOUT_SECONDS = 900
CACHED_SECONDS = cloudflare.TTL_SECONDS + 5
# What authorities say when they looked and saw another record, or none.
_OTHER_RECORD = ("unauthorized", "incorrectResponse", "dns")


class UnknownAccount(Trouble):
    """The authority does not know the account."""


class WrongAnswer(Trouble):
    """The authority saw another dns-01 record than the one that all servers have."""


def directory(certificate: dict[str, Any]) -> Path:
    """Where dehydrated keeps a certificate."""
    return DEHYDRATED / "certs" / str(certificate["alias"])


def due(certificate: dict[str, Any], stack: dict[str, Any]) -> str:
    """Why a certificate must be asked for now; empty when it need not.

    A third of the lifetime is left, or `renewDays` when that is less: lifetimes shrink.
    """
    path = directory(certificate) / "cert.pem"
    if not path.exists():
        return "there is none"
    found = openssl.read(path)
    if found.names != {certificate["name"]}:
        return "it has other names"
    if not openssl.belongs(directory(certificate) / "privkey.pem", path):
        return "it is not of its key"
    marker = directory(certificate) / "authority"
    if not marker.exists() or marker.read_text() != authority(stack):
        return "it is of another authority or profile"
    third = (found.not_after - found.not_before) / 3
    if found.not_after - datetime.now(UTC) < min(timedelta(days=stack["renewDays"]), third):
        return f"it ends {found.not_after:%Y-%m-%d %H:%M} UTC"
    return ""


def authority(stack: dict[str, Any]) -> str:
    """What a certificate must be asked for anew when it changes."""
    return f"{stack['ca']} {stack['profile'] or ''}".strip()


def account_directory(stack: dict[str, Any]) -> Path:
    """Where dehydrated keeps the account at the authority, named by the URL with its newline."""
    name = base64.urlsafe_b64encode(f"{stack['ca']}\n".encode()).decode().rstrip("=")
    return DEHYDRATED / "accounts" / name


def register() -> None:
    """Make the account unless there is one. Raises Trouble."""
    _dehydrated("account", "--register", "--accept-terms")


def issue(certificate: dict[str, Any], stack: dict[str, Any]) -> None:
    """Get one certificate; the key stays the one that is there. Raises Trouble with the reason."""
    alias, name = str(certificate["alias"]), str(certificate["name"])
    request = (f"certificate {alias}", "--cron", "--force", "-d", name, "--alias", alias)
    try:
        try:
            _dehydrated(*request)
        except UnknownAccount as trouble:
            # A new account, once: the authority has forgotten ours.
            print(f"{trouble}; a new account is made", flush=True)
            old = account_directory(stack)
            old.rename(old.with_name(f"{old.name}.unknown-{int(time.time())}"))
            register()
            _dehydrated(*request)
        except WrongAnswer as trouble:
            # Another host had a challenge at this name, which the authority's resolver may keep
            # as long as the record said. Once more, for failed validations are limited.
            print(f"{trouble}; once more after {CACHED_SECONDS} s", flush=True)
            time.sleep(CACHED_SECONDS)
            _dehydrated(*request)
    finally:
        for words in hook.clean_leftovers():
            print(f"warning: a challenge stays in DNS until the next run: {words}", flush=True)
    (directory(certificate) / "authority").write_text(authority(stack))


def _dehydrated(what: str, *arguments: str) -> None:
    # Our own lock guards all runs; dehydrated's would stay for ever after a killed one.
    command = ["dehydrated", *arguments, "--no-lock"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            output = process.communicate(timeout=DEHYDRATED_TIMEOUT_SECONDS)[0].decode()
        except subprocess.TimeoutExpired:
            process.kill()
            raise Trouble(f"{what}: no end after {DEHYDRATED_TIMEOUT_SECONDS} s") from None
    if process.returncode != 0:
        text = f"{what}: {reasons.reason(output)}"
        if "acme:error:accountDoesNotExist" in output:
            raise UnknownAccount(text)
        if "Challenge is invalid" in output and reasons.kind(output) in _OTHER_RECORD:
            raise WrongAnswer(text)
        raise Trouble(text)


def install(certificate: dict[str, Any]) -> bool:
    """Put key and chain together where services read them; tell whether that changed anything."""
    key = directory(certificate) / "privkey.pem"
    chain = directory(certificate) / "fullchain.pem"
    if not openssl.belongs(key, chain):
        raise Trouble(f"certificate {certificate['alias']}: it is not of its key")
    target, content = served.chain_file(certificate), key.read_bytes() + chain.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return False
    openssl.replace(target, content)
    return True
