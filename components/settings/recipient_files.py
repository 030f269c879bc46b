"""Recipients in a file of their own, which has one local part a line.

A manifest has only their number and digest. The file itself is uploaded unchanged, so that the
engine's state does not grow with it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from components.settings import aliases as settings_aliases
from components.settings import given_files
from components.settings import names as settings_names
from components.settings.environment import Settings, SettingsError
from components.settings.types import LocalPart

_LOCAL_PART: TypeAdapter[str] = TypeAdapter(LocalPart)


@dataclass(frozen=True)
class RecipientFile:
    """A checked file; `rows` has its local parts in the order of the file."""

    path: str
    sha256: str
    rows: tuple[str, ...]


def read_recipients(settings: Settings) -> dict[str, RecipientFile]:
    """Mail domain to its file. Raises SettingsError: file, line and what is wrong, line by line."""
    found = {}
    for name, domain in settings.domains.items():
        if domain.recipients_file is None:
            continue
        file = found[name] = _parse(
            given_files.shown(domain.recipients_file), domain.recipients_file
        )
        known = {*domain.recipients, *domain.aliases}
        for local in file.rows:
            if local in known:
                raise SettingsError(
                    f"{file.path}: {local} is also in recipients or aliases of domains.{name}; "
                    "take it off one of the two"
                )
            if set(settings.postfix.recipient_delimiter) & set(local):
                raise SettingsError(
                    f"{file.path}: {local} contains the recipient delimiter "
                    "(postfix.recipientDelimiter); take this line out"
                )
    if found and (faults := _dead_ends(settings, found)):
        raise SettingsError("\n".join(faults))
    return found


def _dead_ends(settings: Settings, files: Mapping[str, RecipientFile]) -> list[str]:
    """Aliases to a domain with such a file that lead to nobody, which only the file can tell."""
    known = settings_names.addresses(settings)
    rows = {name: [*settings.domains[name].recipients, *file.rows] for name, file in files.items()}
    complete = replace(known, recipients={**known.recipients, **rows})
    return list(settings_aliases.contradictions(complete))


@functools.cache
def _parse(path: str, name: str) -> RecipientFile:
    data = given_files.read_given(name)
    found = given_files.lines(path, data, "#", _fault)
    rows: dict[str, int] = {}
    faults = []
    for number, local in found:
        if local in rows:
            faults.append(f"{path}:{number}: {local} is already in line {rows[local]}")
        rows.setdefault(local, number)
    if not rows:
        # An export that failed must not refuse all mail of a domain.
        faults.append(
            f"{path}: the file has no local part, so all mail of the domain would be refused; if "
            "that is intended, use an empty recipients list instead of recipientsFile"
        )
    given_files.refuse(path, faults)
    return RecipientFile(path, hashlib.sha256(data).hexdigest(), tuple(rows))


def _fault(line: str) -> str | None:
    try:
        _LOCAL_PART.validate_python(line)
    except ValidationError:
        # The words of the type quote the value, which may be a line of a file named by mistake.
        return "not a local part of an address in lower case"
    return None
