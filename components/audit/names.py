"""Rules about names: unknown, misspelled, obsolete, set twice."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from components.audit.model import Finding, MainCf
from components.postconf import FACTS, fault, known, suggestion
from components.postconf.parameters import ALL_VERSIONS, parameter, since
from components.postconf.syntax import Entry, references, shown

# The master.cf of Postfix itself refers to $mua_client_restrictions and its like.
_OF_MASTER_CF = re.compile(r"mua_(client|helo|sender|relay|recipient|data)_restrictions")
# Tables whose settings stand in main.cf as NAME_server_host and so on (ldap_table(5) and others).
_LEGACY_TABLE = re.compile(r"\b(?:ldap|mysql|pgsql|sqlite|memcache|mongodb):([A-Za-z0-9_]+)")
_MOST_GUESSES = 40
"""Unknown names of a file for which the one that was meant is searched: a search is slow."""


def _refers(entry: Entry) -> set[str]:
    """Names that Postfix looks up for a value; raw parameters are expanded by programs later."""
    one = parameter(entry.name, "3.10")
    return set() if one is not None and one.kind == "raw" else references(entry.value)


def _is_known(name: str, main: MainCf) -> bool:
    if main.version is None:
        return any(known(name, version) for version in ALL_VERSIONS)
    return known(name, main.version)


def _misspelled(name: str, version: str) -> str | None:
    """The parameter that was meant; None for a name of the operator's own.

    `submission_client_restrictions` is smtpd_client_restrictions for one service, not a slip: names
    that differ in their first part as a whole are the operator's.
    """
    plain = name.lower().replace("-", "_")
    if plain != name and known(plain, version):
        return plain
    meant = suggestion(name, version)
    if meant is None:
        return None
    swapped = {name.partition("_")[0], meant.partition("_")[0]} == {"smtp", "smtpd"}
    first, _, rest = name.partition("_")
    other, _, others = meant.partition("_")
    if (
        not swapped
        and rest == others
        and difflib.SequenceMatcher(None, first, other).ratio() < 0.75
    ):
        return None
    close = difflib.SequenceMatcher(None, name, meant).ratio() >= 0.9
    return meant if swapped or close else None


def unknown(main: MainCf) -> Iterable[Finding]:
    """Parameters that Postfix does not have; it reads past them without a word in the log."""
    own = set(main.elsewhere).union(*(_refers(entry) for entry in main.entries), main.classes)
    tables = {
        name
        for entry in main.entries
        if ":" in entry.value
        for name in _LEGACY_TABLE.findall(entry.value)
    }
    guesses = _MOST_GUESSES
    for entry in main.used.values():
        obsolete = FACTS.get(entry.name)
        if _is_known(entry.name, main) or (obsolete and obsolete.obsolete) or entry.name in own:
            continue
        if _OF_MASTER_CF.fullmatch(entry.name) or not re.fullmatch(r"[\w.-]+", entry.name):
            continue
        if any(entry.name.startswith(f"{table}_") for table in tables):
            continue
        guesses -= 1
        meant = _misspelled(entry.name, main.asked[0]) if guesses >= 0 else None
        if meant is not None:
            yield main.finding(
                entry.name,
                "misspelled",
                "Postfix has no parameter of this name: the line does nothing",
                f"Probably {meant} is meant. Read what {meant} does before you use it.",
            )
        else:
            came = since(entry.name) or (obsolete.since if obsolete else None)
            asked = main.asked[0]
            wrong = (
                f"Postfix {asked} does not have it; it came with {came}"
                if came
                else f"Postfix {asked} has no such parameter"
            )
            yield main.finding(
                entry.name,
                "unknown",
                f"{wrong}, and nothing in this file refers to it",
                f"Remove it, unless master.cf uses it as ${entry.name}.",
                "low",
            )
    for entry in main.used.values():
        for name in sorted(_refers(entry)):
            if name not in main and not _is_known(name, main) and name not in FACTS:
                if re.search(rf"\$[{{(]\s*{name}\s*[?:]", entry.value):
                    continue  # ${name?...} asks whether it is set
                yield main.finding(
                    entry.name,
                    "unknown",
                    f"refers to ${name}, which nothing sets: the reference is empty",
                    f"Set {name}, or correct the spelling.",
                )


def obsolete(main: MainCf) -> Iterable[Finding]:
    """Parameters that were renamed, that do nothing any more or will go."""
    for entry in main.used.values():
        fact = FACTS.get(entry.name)
        if fact is None or fact.obsolete is None:
            continue
        wrong = fault(entry.name, main.asked[0])
        if wrong is None or not wrong.startswith("obsolete"):
            continue
        reason, _, remedy = wrong.partition("; ")
        if entry.name.endswith(("_use_tls", "_enforce_tls")) and entry.value.lower() == "no":
            remedy = "remove the line: no is the default of what replaces it"
        yield main.finding(
            entry.name,
            "obsolete",
            reason,
            f"{remedy[0].upper()}{remedy[1:]}.",
            replacement="" if remedy.startswith(("leave it unset", "remove")) else None,
        )


def twice(main: MainCf) -> Iterable[Finding]:
    """Parameters that are set again further down: only the last counts."""
    for entry in main.entries:
        last = main.used[entry.name]
        if last is not entry:
            same = last.value == entry.value
            what = "the same" if same else "another value"
            yield Finding(
                entry.line,
                shown(entry.name),
                "contradictory",
                f"line {last.line} sets it again, to {what}; this line has no effect",
                "Keep one of them.",
                "low" if same else "medium",
            )


RULES = (unknown, obsolete, twice)
