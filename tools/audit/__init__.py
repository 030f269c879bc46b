"""Audit of a main.cf, a stranger's too: what is unknown, obsolete, dangerous, contradictory.

Pure: reads text, needs no network, no engine and no Postfix.
"""

from __future__ import annotations

from tools.audit import access, mail, names, tls
from tools.audit.model import Finding, MainCf

__all__ = ["Finding", "audit"]

RULES = (
    *(names.syntax, names.unknown, names.obsolete, names.twice),
    *(*tls.RULES, *access.RULES, *mail.RULES),
)


def audit(text: str, version: str | None = None) -> list[Finding]:
    """Findings in the order of the file.

    `version` is that of the Postfix which reads the file, "3.7" or "3.10"; None reports what is
    wrong for either.
    """
    main = MainCf(text, version)
    return sorted({finding for rule in RULES for finding in rule(main)})
