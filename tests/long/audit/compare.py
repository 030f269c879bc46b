"""What the audit says of a file, beside what Postfix did with it."""

from __future__ import annotations

from collections.abc import Mapping

from components.audit import audit

_STOPS = (
    *("dies", "does not start", "is dead", "451", "stops at", "starts:", "switches TLS off"),
    *("does not begin a comment", "no continuation by backslash", "is part of the value"),
    "is not a blank",
    *("refuses to run", "begins with a blank", "never ends", "names hold", "no mail"),
)


def agreement(text: str, version: str, seen: Mapping[str, object]) -> tuple[str, str]:
    """agrees, stricter, missed or false, and why.

    Stricter: the audit warns of something that this dialogue does not try. A miss is trouble with
    no finding of critical or high severity, or an open relay that no finding calls so. False is a
    finding that says that Postfix stops, or is an open relay, where it is fine.
    """
    findings = audit(text, version)
    smuggling = [one for one in findings if "SMTP smuggling" in one.reason]
    named = [one for one in findings if "smuggle" in one.reason]
    if seen.get("smuggled") is False and smuggling:
        return "false", "no message was smuggled"
    if seen.get("smuggled") and not named:
        return "missed", "a message was smuggled"
    loud = [one for one in findings if one.severity in ("critical", "high")]
    # What the dialogue has shown to be true, or did not get to, explains nothing else.
    loud = [one for one in loud if one not in smuggling]
    said = [f"{one.parameter}: {one.reason}" for one in loud]
    relay = [one for one in said if "open relay" in one]
    verdict = seen["verdict"]
    if verdict == "open":
        return ("agrees", "") if relay else ("missed", f"open relay; the audit says {said}")
    if verdict in ("dead", "deferring", "refusing"):
        return ("agrees", "") if loud else ("missed", f"{verdict}; the audit says {findings}")
    if verdict == "elsewhere":
        return "agrees", ""
    critical = [f"{one.parameter}: {one.reason}" for one in loud if one.severity == "critical"]
    wrong = [one for one in critical if any(word in one for word in _STOPS)]
    if wrong:
        return "false", f"Postfix is fine; the audit says {wrong}"
    if relay and any(one in critical for one in relay) and seen["verdict"] == "fine":
        return "false", f"no relay for this client; the audit says {relay}"
    if relay:
        return "stricter", f"no relay for this client; the audit says {relay}"
    return ("stricter", str(said)) if loud else ("agrees", "")
