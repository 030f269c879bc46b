"""Rules about results in access tables: what smtpd(8) cannot make sense of, or must not be told.

Sources: access(5), check_table_result() and forbid_allowlist() in src/smtpd/smtpd_check.c.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.audit.actions import action
from components.audit.model import Finding, MainCf
from components.postconf.restrictions import DEFAULT_TABLE, RESTRICTIONS
from components.postconf.syntax import latin, logical_lines, shown


def _fault(main: MainCf, word: str, text: str) -> tuple[str, str] | None:
    """What is wrong with a result, and the remedy; None when nothing is."""
    first = next(iter(text.split(None, 1)), "").rstrip(",")
    what = action(text)
    if what == "ok" and not RESTRICTIONS[word].permits:
        return (
            f"{word} must not answer OK: mail that meets it is deferred (451)",
            "Write DUNNO to make an exception.",
        )
    known = first.lower() in RESTRICTIONS or first in main.classes or ":" in first
    if what is not None or known or not first:
        return None
    return (
        f"{shown(first[:60])!r} is neither an action of access(5) nor a restriction: mail"
        " that meets it is deferred (451)",
        "Write OK, REJECT, DUNNO, or a restriction.",
    )


def results(main: MainCf) -> Iterable[Finding]:
    """Results of each table at hand, in main.cf itself or in a file."""
    seen = set()
    for name, step in main.restrictions():
        word = step.name or DEFAULT_TABLE.get(name, "check_recipient_access")
        one = RESTRICTIONS.get(word)
        if one is None or one.argument != "table" or step.fault or (word, step.argument) in seen:
            continue
        seen.add((word, step.argument))
        table = main.table(step.argument)
        path = step.argument.partition(":")[2]
        if table.known and path in main.files:
            yield from _in_file(main, word, path)
            continue
        always = table.strangers("client") if table.kind == "static" else []
        for result in dict.fromkeys(table.results()):
            found = _fault(main, word, result)
            if found is not None:
                yield main.finding(name, "dangerous", *found, "critical" if always else "high")


def _in_file(main: MainCf, word: str, path: str) -> Iterable[Finding]:
    for pieces in logical_lines(latin(main.files[path])):
        parts = "".join(piece for _, piece in pieces).split(None, 1)
        if len(parts) < 2 or parts[0].startswith(("/", "!/")) or parts[0].lower() in _BLOCKS:
            continue
        found = _fault(main, word, parts[1])
        if found is not None:
            file = path.rsplit("/", 1)[-1]
            line = pieces[0][0]
            yield Finding(line, shown(parts[0][:80]), "dangerous", *found, "high", file)


_BLOCKS = ("if", "endif")
RULES = (results,)
