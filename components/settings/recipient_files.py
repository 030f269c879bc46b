"""Recipients that stand in a file of their own, beside the stack file: one local part a line.

Only their number and digest go into a manifest; the file itself is uploaded as it is, so that the
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


def read(settings: Settings) -> dict[str, RecipientFile]:
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
                raise SettingsError(f"{file.path}: {local} also stands in domains.{name}")
            if set(settings.postfix.recipient_delimiter) & set(local):
                raise SettingsError(f"{file.path}: {local} has the recipient delimiter in it")
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
    data = given_files.read(name)
    found = given_files.lines(path, data, "#", _fault)
    rows: dict[str, int] = {}
    faults = []
    for number, local in found:
        if local in rows:
            faults.append(f"{path}:{number}: {local} stands in line {rows[local]} already")
        rows.setdefault(local, number)
    if not rows:
        # An export that failed must not refuse all mail of a domain.
        faults.append(f"{path}: no local part in it; a domain that shall have none has no such key")
    given_files.refuse(path, faults)
    return RecipientFile(path, hashlib.sha256(data).hexdigest(), tuple(rows))


def _fault(line: str) -> str | None:
    try:
        _LOCAL_PART.validate_python(line)
    except ValidationError:
        # The words of the type quote the value, which may be a line of a file named by mistake.
        return "not the local part of an address, in lower case"
    return None
