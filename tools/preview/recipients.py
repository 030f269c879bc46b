"""What a change of the rows in the database `mail` does to mail for recipients and aliases."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

CONTENT = "/etc/mx-database/content/"
_NAMED = 3
# Of recipient_delimiter; which of them are set, the rows do not say.
_DELIMITER = re.compile(r"[-+_=.]")

Tables = Mapping[str, str]
"""Name of a file below CONTENT to its text (components/services/database/rows.py)."""


def tables(manifest: Mapping[str, Any]) -> Tables:
    """The tables in a manifest; none when it has no files of that kind."""
    return {
        path.removeprefix(CONTENT): str(file.get("content", ""))
        for path, file in manifest.get("files", {}).items()
        if path.startswith(CONTENT)
    }


def risks(old: Tables, new: Tables, unknown: Collection[str]) -> Iterable[str]:
    """Whose mail is refused from then on, and aliases that lead to nobody that is known.

    Of a mail domain that goes itself no more than that. `unknown`: those whose MX records go.
    """
    domains, before = (
        {domain for (domain,) in _rows(side, "mail_domain", 1)} for side in (new, old)
    )
    was, now = _addresses(old), _addresses(new)
    counts, counts_now = _counts(old), _counts(new)
    gone: dict[str, list[str]] = {}
    for domain, local in sorted(was - now):
        if domain in domains:
            gone.setdefault(domain, []).append(local)
    for domain, locals_ in gone.items():
        grows = counts_now.get(domain, 0) > counts.get(domain, 0)
        whom = "the address" if len(locals_) == 1 else "these addresses"
        unless = f", unless the recipientsFile has {whom} now" if grows else ""
        yield f"Mail for {_names(domain, locals_)} is refused (550) once this is applied{unless}."
    for domain, count in counts.items():
        left = counts_now.get(domain, 0)
        if left < count and domain in domains:
            yield (
                f"The recipientsFile of {domain} has {left} local parts, and had {count}. Mail "
                "for the local parts that it lost is refused (550) once this is applied."
            )
    for domain, local, address in sorted({*_rows(new, "alias", 3)} - {*_rows(old, "alias", 3)}):
        to, _, at = address.rpartition("@")
        known = any((at, part) in now for part in _without_extension(to))
        if at in domains and not known and at not in counts_now:
            yield (
                f"Mail for {local}@{domain} goes to {address}, which is not a recipient in the "
                "stack file. If the mailbox host does not know that address either, the sender "
                "gets a bounce."
            )
    for domain in sorted(before - domains):
        late = (
            " Senders may use its MX records until their TTL ends: to lose no mail, list the hosts "
            "under leavingMx first."
        )
        yield (
            f"Mail for {domain} is refused (554) once this is applied."
            f"{late if domain in unknown else ''}"
        )


def _without_extension(local: str) -> list[str]:
    """The local part, and what is left of it before each delimiter that the settings may name."""
    return [local, *(local[: cut.start()] for cut in _DELIMITER.finditer(local, 1))]


def _rows(of: Tables, table: str, fields: int) -> Iterable[tuple[str, ...]]:
    rows = (tuple(line.split("\t")) for line in of.get(table, "").split("\n"))
    return [row for row in rows if len(row) == fields]


def _addresses(of: Tables) -> set[tuple[str, ...]]:
    """Domain and local part of all that is accepted, without those of recipientsFile."""
    return {*_rows(of, "recipient", 2)} | {row[:2] for row in _rows(of, "alias", 3)}


def _counts(of: Tables) -> dict[str, int]:
    """Mail domain to the number of local parts in its recipientsFile."""
    files = json.loads(of.get("recipient_files.json", "{}"))
    return {domain: int(file["rows"]) for domain, file in files.items()}


def _names(domain: str, locals_: list[str]) -> str:
    if len(locals_) <= _NAMED:
        return ", ".join(f"{local}@{domain}" for local in locals_)
    named = ", ".join(locals_[:_NAMED])
    return f"{len(locals_)} addresses of {domain} ({named} and {len(locals_) - _NAMED} more)"
