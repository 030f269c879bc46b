"""Audit of a Postfix configuration, a stranger's too: what is unknown, obsolete, dangerous.

Pure: reads text, needs no network, no engine and no Postfix.
"""

from __future__ import annotations

from components.audit import (
    access,
    ciphers,
    delivery,
    dnslists,
    domains,
    mail,
    names,
    networks,
    restrictions,
    results,
    syntax,
    tls,
    values,
)
from components.audit.model import Finding, MainCf

__all__ = ["Finding", "audit", "judge"]

OF_THE_FILE = (*syntax.RULES, *names.RULES, *values.RULES, *mail.RULES)
OF_PORT_25 = (
    *access.RULES,
    *restrictions.RULES,
    *results.RULES,
    *delivery.RULES,
    *networks.RULES,
    *domains.RULES,
    *dnslists.RULES,
    *ciphers.RULES,
    *tls.RULES,
)


def judge(main: MainCf) -> list[Finding]:
    """Findings about main.cf, the most dangerous first."""
    here = main.of_service(main.port_25) if main.port_25 else main
    found = {one for rule in OF_THE_FILE for one in rule(main)}
    found.update(one for rule in OF_PORT_25 for one in rule(here))
    return sorted(found, key=lambda one: one.order)


def audit(text: str | bytes, version: str | None = None) -> list[Finding]:
    """Findings about the text of a main.cf, the most dangerous first.

    `version` is that of the Postfix which reads the file, "3.4" to "3.11"; None reports what is
    wrong for 3.7 or for 3.10.
    """
    return judge(MainCf(text, version))
