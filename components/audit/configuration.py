"""A whole configuration: main.cf, master.cf and the text tables at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.audit import judge, master
from components.audit.evaluate import action
from components.audit.lookup import table
from components.audit.model import Finding, MainCf
from components.audit.services import on_port_25, parse, referred
from components.postconf.restrictions import RESTRICTIONS
from components.postconf.syntax import latin, logical_lines, shown


def configuration(
    main_cf: str | bytes,
    master_cf: str | bytes | None,
    files: Mapping[str, bytes],
    version: str | None = None,
) -> list[Finding]:
    """Findings of a configuration, the most dangerous first.

    `files` are text tables by path, as main.cf names them; `version` is as for audit().
    """
    if master_cf is None:
        main = MainCf(main_cf, version, files=files)
        return sorted({*judge(main), *_access_tables(main)}, key=lambda one: one.order)
    services, faults = parse(master_cf)
    main = MainCf(
        main_cf,
        version,
        files=files,
        elsewhere=referred(services),
        port_25=on_port_25(services),
    )
    found = {*judge(main), *faults, *master.findings(main, services), *_access_tables(main)}
    return sorted(found, key=lambda one: one.order)


def _access_tables(main: MainCf) -> Iterable[Finding]:
    """Results in access tables that are no action and no restriction: 451."""
    seen = set()
    for _, step in main.restrictions():
        one = RESTRICTIONS.get(step.name)
        if (one is None or one.argument != "table") and step.name != "":
            continue
        path = step.argument.partition(":")[2]
        if path not in main.files or path in seen or not table(step.argument, main.files).known:
            continue
        seen.add(path)
        yield from _results(main, path)


def _results(main: MainCf, path: str) -> Iterable[Finding]:
    for pieces in logical_lines(latin(main.files[path])):
        parts = "".join(piece for _, piece in pieces).split(None, 1)
        if len(parts) < 2 or parts[0].startswith("/") or parts[0].lower() in ("if", "endif"):
            continue
        first = parts[1].split(None, 1)[0].rstrip(",")
        known = first.lower() in RESTRICTIONS or first in main.classes or ":" in first
        if action(parts[1]) is None and not known and first.lower() != "warn_if_reject":
            yield Finding(
                pieces[0][0],
                shown(parts[0][:80]),
                "dangerous",
                f"{shown(first[:60])!r} is neither an action of access(5) nor a restriction: mail"
                " that meets it is deferred (451)",
                "Write OK, REJECT, DUNNO, or a restriction.",
                "high",
                path.rsplit("/", 1)[-1],
            )
