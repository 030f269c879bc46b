"""A whole configuration: main.cf, master.cf and the text tables at hand."""

from __future__ import annotations

from collections.abc import Mapping

from components.audit import judge, master
from components.audit.model import Finding, MainCf
from components.audit.services import on_port_25, parse, referred


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
        return judge(main)
    services, faults = parse(master_cf)
    main = MainCf(
        main_cf,
        version,
        files=files,
        elsewhere=referred(services),
        port_25=on_port_25(services),
    )
    found = {*judge(main), *faults, *master.findings(main, services)}
    return sorted(found, key=lambda one: one.order)
