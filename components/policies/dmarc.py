"""DMARC (RFC 9989, which replaces RFC 7489): what is wrong with a record."""

from __future__ import annotations

import difflib

from components.policies import tags

VERSION = "DMARC1"
POLICIES = ("none", "quarantine", "reject")
_VALUES = {
    **dict.fromkeys(("p", "sp", "np"), POLICIES),
    **dict.fromkeys(("adkim", "aspf"), ("r", "s")),
    "t": ("y", "n"),
    "psd": ("y", "n", "u"),
}
_TAGS = ("v", *_VALUES, "fo", "rua", "ruf")
# RFC 9989 appendix C: receivers ignore these.
_REMOVED = {
    "pct": (
        "receivers apply the policy to all mail, so leave it out; t=y asks for a milder "
        "policy while you test"
    ),
    "rf": "leave it out",
    "ri": "leave it out; reports come once a day",
}


def faults(text: str) -> list[str]:
    """What makes receivers ignore the record, a part of it, or its reports; empty: nothing."""
    found, wrong = tags.faults(text, VERSION)
    if not found:
        return wrong
    if "p" not in found and not found.get("rua"):
        # Section 4.7: without p= it is p=none, and only when somebody gets reports.
        wrong.append("p= is missing, and without rua= receivers then ignore the record")
    for name, known in _VALUES.items():
        if name in found and found[name].lower() not in known:
            wrong.append(f"{name}={found[name]}: must be one of {', '.join(known)}")
    options = [option.strip().lower() for option in found.get("fo", "0").split(":")]
    if not {*options} <= {"0", "1", "d", "s"}:
        wrong.append(f"fo={found['fo']} may have only 0, 1, d and s, separated by `:`")
    for name, instead in _REMOVED.items():
        if name in found:
            wrong.append(f"{name}= was removed by RFC 9989: {instead}")
    for name in found:
        if name not in _TAGS and name not in _REMOVED:
            close = difflib.get_close_matches(name, _TAGS, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]}=?" if close else ""
            wrong.append(f"there is no tag {name}=, and receivers ignore it{hint}")
    for name in ("rua", "ruf"):
        if name in found:
            wrong += tags.report_addresses(found[name], ("mailto",))[1]
    return wrong


def report_domains(text: str) -> list[str]:
    """The domains that get aggregate or failure reports, sorted."""
    found, _ = tags.faults(text, VERSION)
    uris = [uri for name in ("rua", "ruf") for uri in found.get(name, "").split(",") if uri.strip()]
    return sorted({uri.split("!")[0].rpartition("@")[2].strip().lower() for uri in uris})


def external(domain: str, report_domain: str) -> bool:
    """Whether a report domain must say that it takes the domain's reports (RFC 9990 section 4).

    Without a list of public suffixes: other than the domain, not above and not below it.
    """
    return not (
        domain == report_domain
        or domain.endswith("." + report_domain)
        or report_domain.endswith("." + domain)
    )
