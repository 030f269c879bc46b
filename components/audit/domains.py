"""Rules about networks, address classes and recipients.

Sources: ADDRESS_CLASS_README, BACKSCATTER_README, LOCAL_RECIPIENT_README, trivial-rewrite(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.evaluate import RECIPIENTS, everybody, swallowed
from components.audit.model import UNKNOWN_HOST, Finding, MainCf
from components.postconf.syntax import references, shown, words

CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")
"""In the order in which trivial-rewrite(8) looks at them."""
# Names without a dot that are no domains of the public DNS.
_PRIVATE = frozenset(
    (
        *("localhost", "localdomain", "local", "lan", "home", "internal", "intranet", "corp"),
        *("private", "test", "example", "invalid", "host", "mail"),
    )
)


# Suffixes below which other people's domains are (publicsuffix.org).
_SUFFIX = re.compile(
    r"(co|org|net|ac|gov|me|ltd|plc)\.uk|(com|net|org|edu|gov|id)\.au|(co|net|org|ac|govt)\.nz"
    r"|(co|ne|or|ac|go|ad|ed|gr|lg)\.jp|(co|or|re|go|ac)\.kr|(co|org|net|ac|gov)\.(za|in|il)"
    r"|(com|net|org|gov|edu)\.(br|tr|mx|ar|cn|tw|hk|sg|my|ua|pl|co|pe|ph|pk|eg|sa|vn)"
    r"|(co|in|ac|go|or|net)\.th|(co|or|web|ac|go)\.id|(co|or|ac|gv)\.at"
)


def everything(main: MainCf) -> Iterable[Finding]:
    """Domain lists that match every domain, or a whole top-level domain."""
    for name in CLASSES:
        # The default of virtual_alias_domains is $virtual_alias_maps.
        set_by = "virtual_alias_maps" if name == "virtual_alias_domains" else name
        shown_at = name if name in main else set_by
        if shown_at not in main:
            continue
        found = everybody(main, name)
        if found and not (name == "relay_domains" and _is_mydestination(main)):
            maps = RECIPIENTS.get(name, "")
            refuses = maps != "" and main.value(maps) != "" and not everybody(main, maps)
            if name == "relay_domains" and refuses:
                effect = "an open relay, but for what relay_recipient_maps does not list"
            elif name == "relay_domains":
                effect = "mail from strangers to every domain is accepted: an open relay"
            elif refuses:
                effect = "mail of this host to other domains reaches nobody"
            else:
                effect = (
                    "every domain of the world counts as one of this host's own: its mail is"
                    " accepted from strangers, an open relay or a sink"
                )
            yield main.finding(
                shown_at,
                "dangerous",
                f"{found} matches every domain; {effect}",
                "List the domains of this host."
                if shown_at == name
                else "Set virtual_alias_domains, or list the addresses in the table.",
                "high" if refuses else "critical",
            )
        for word in main.words(name):
            if word == "*":
                yield main.finding(
                    name,
                    "contradictory",
                    "* is not a pattern here: it matches nothing",
                    "List the domains, or remove the word.",
                )
    yield from _suffixes(main)


def _suffixes(main: MainCf) -> Iterable[Finding]:
    """Words of relay_domains below which other people's domains are."""
    parents = words(main.value("parent_domain_matches_subdomains"))
    listed = main.value("relay_recipient_maps") != "" and not everybody(
        main, "relay_recipient_maps"
    )
    for word in main.words("relay_domains") if not swallowed(main) else ():
        whole = word.lower().lstrip(".")
        single = re.fullmatch(r"[a-z][a-z0-9-]*", whole) and whole not in _PRIVATE
        suffix = single or _SUFFIX.fullmatch(whole)
        if suffix and ("relay_domains" in parents or word.startswith(".")):
            yield main.finding(
                "relay_domains",
                "dangerous",
                f"{word} accepts mail from strangers for every domain that ends in .{whole}: "
                "an open relay"
                + (", but for what relay_recipient_maps does not list" if listed else ""),
                "List the domains with their full names.",
                "high" if listed else "critical",
            )


def _is_mydestination(main: MainCf) -> bool:
    raw = main.raw("relay_domains") or ""
    return re.fullmatch(r"\$(mydestination|\{mydestination\}|\(mydestination\))", raw) is not None


def _verified(main: MainCf) -> bool:
    """Tell whether recipients are asked for at their mailbox host."""
    return any(step.name == "reject_unverified_recipient" for _, step in main.restrictions())


def unlisted(main: MainCf) -> Iterable[Finding]:
    """Own domains without a list of their recipients."""
    if _verified(main):
        return
    for domains, maps in (
        ("relay_domains", "relay_recipient_maps"),
        ("virtual_mailbox_domains", "virtual_mailbox_maps"),
    ):
        listed_domains = [word for word in main.words(domains) if word != "*"]
        all_known = everybody(main, maps)
        if not listed_domains or everybody(main, domains):
            continue
        if main.value(maps) and not all_known:
            continue
        if domains == "relay_domains" and _is_mydestination(main):
            continue
        yield main.finding(
            domains,
            "dangerous",
            f"{all_known} knows every address: unknown recipients are accepted and bounced:"
            " backscatter"
            if all_known
            else f"without {maps} unknown recipients are accepted and bounced: backscatter",
            f"Set {maps} to the addresses that exist.",
        )
    name = "local_recipient_maps"
    accepts = main.value("mydestination") and not main.value("local_transport").startswith("error:")
    if name in main and not main.value(name) and accepts:
        yield main.finding(
            name,
            "dangerous",
            "is empty: unknown recipients in mydestination are accepted and "
            + (
                "given to luser_relay: spam for any name, and backscatter where that is refused"
                if main.own("luser_relay")
                else "bounced: backscatter"
            ),
            "Remove the line, or set it to the addresses that exist.",
        )
    name = "smtpd_reject_unlisted_recipient"
    listed = {"reject_unlisted_recipient", "check_recipient_maps"}
    checked = any(step.name in listed for _, step in main.restrictions())
    own = any(main.value(one) for one in CLASSES)
    if name in main and main.value(name).lower() == "no" and own and not checked:
        yield main.finding(
            name,
            "dangerous",
            "unknown recipients are accepted and bounced: backscatter",
            "Remove the line.",
            replacement="",
        )
    for code in ("local_recipient", "relay_recipient", "virtual_alias", "virtual_mailbox"):
        name = f"unknown_{code}_reject_code"
        if name in main and main.value(name).startswith("4"):
            yield main.finding(
                name,
                "dangerous",
                "senders to a wrong address try again for days and learn of it late",
                "Remove the line: the default is 550.",
                "medium",
                "",
            )


def _listed(main: MainCf, name: str) -> Iterable[str]:
    """Domains of a class, those of tables at hand included."""
    for word in words(main.value(name)):
        table = main.table(word) if ":" in word else None
        if table is not None and table.known and table.kind not in ("static", "pcre", "regexp"):
            keys = [key for key, _ in table.entries]
            yield from (key for key in keys if "@" not in key and "." in key)
        else:
            yield word


def catch_all(main: MainCf) -> Iterable[Finding]:
    """Domains whose every address is rewritten to the same address of another domain."""
    for word in main.words("virtual_alias_maps"):
        table = main.table(word) if ":" in word else None
        for key, result in table.entries if table is not None and table.known else ():
            if key.startswith("@") and re.fullmatch(r"@[^@,\s]+", result.strip()):
                yield main.finding(
                    "virtual_alias_maps",
                    "dangerous",
                    f"{shown(key[:60])} to {shown(result[:60])}: every address of that domain is"
                    " accepted, and unknown ones are bounced: backscatter",
                    "List the addresses that exist.",
                )


def overlaps(main: MainCf) -> Iterable[Finding]:
    """Domains in two address classes, defaults included: the first class gets the mail."""
    seen: dict[str, str] = {}
    for name in CLASSES:
        if name == "relay_domains" and (name not in main or _is_mydestination(main)):
            continue
        again = words(main.value("mydestination")) if name == "relay_domains" else []
        again = again if "mydestination" in references(main.raw(name) or "") else []
        for listed in dict.fromkeys(_listed(main, name)):
            word = listed.lower()
            if listed in again:  # $mydestination, which was the default once
                continue
            if ":" in word or "/" in word or "$" in word or UNKNOWN_HOST in word or "{" in word:
                continue
            first = seen.setdefault(word, name)
            if first == name or (first not in main and name not in main):
                continue
            where = name if name in main else first
            other = first if where == name else name
            default = "" if other in main else " by its default"
            yield main.finding(
                where,
                "contradictory",
                f"{word} is in {other}{default} too; a domain belongs to one address class:"
                f" {first} gets its mail",
                "Keep it in one of them; mydestination = localhost is enough on many hosts."
                if "mydestination" in (first, name)
                else "Keep it in one of them.",
                "high",
            )


RULES = (everything, unlisted, catch_all, overlaps)
