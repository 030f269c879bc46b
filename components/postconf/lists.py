"""Lists of restrictions, domains and tables: what stops Postfix, or makes it defer all mail."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from components.postconf import dnslists, networks
from components.postconf.restrictions import LISTS, RESTRICTIONS
from components.postconf.syntax import shown, words

_DOMAIN = re.compile(
    r"(?=[^=]{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?"
)
_PART = r"(\d+|\[\d+(\.\.\d+)?(;\d+(\.\.\d+)?)*\])"
_ANSWERS = re.compile(rf"{_PART}\.{_PART}\.{_PART}\.{_PART}")
_TABLES = re.compile(
    r"\w+_(maps|checks|database|map|command_filter|delivery_status_filter|reply_filter)"
    r"|relay_clientcerts|(smtp|lmtp)_tls_per_site"
)
# These name tables that programs may ask for; a word that is no table is passed over.
_NO_TABLES = frozenset(("proxy_read_maps", "proxy_write_maps"))
DOMAINS = frozenset(
    (
        *("mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains"),
        *("fast_flush_domains", "masquerade_exceptions"),
        *("parent_domain_matches_subdomains", "smtp_connection_cache_destinations"),
        *("lmtp_connection_cache_destinations", "use_srv_lookup", "smtpd_noop_commands"),
        *("smtpd_forbidden_commands", "postscreen_forbidden_commands"),
        "smtpd_log_access_permit_actions",
    )
)
"""Lists of domains or other words, in which type:name is a table (match_list.c)."""


@dataclass(frozen=True)
class Step:
    """One restriction as it is evaluated, with its argument ("" without)."""

    name: str
    argument: str = ""
    warned: bool = False
    """Whether warn_if_reject comes right before it: a refusal is then only logged."""
    fault: str = ""
    """Why smtpd(8) answers 451 at it; "" when it does not."""


def meant(word: str) -> str | None:
    """The restriction whose name is nearest to a word."""
    if len(word) > 60:
        return None
    close = difflib.get_close_matches(word.lower(), RESTRICTIONS, n=1, cutoff=0.75)
    return close[0] if close else None


def _unknown(word: str) -> str:
    if word == "\\":
        return "a backslash: main.cf has no continuation by backslash, the next line needs a blank"
    odd = re.search(r"[^\x21-\x7e]+", word)
    if odd:
        return (
            f"{shown(word[:60])!r} has a character that is neither a blank nor part of a name "
            f"({shown(odd[0][:8])!r}; often copied from a web page)"
        )
    return f"unknown restriction {word[:60]!r}"


def steps(name: str, value: str, classes: Collection[str] = frozenset()) -> Iterable[Step]:
    """The restrictions of a list in order, with what smtpd(8) cannot make sense of."""
    listed = words(value)
    at = 0
    warned = False
    while at < len(listed):
        word = listed[at]
        at += 1
        lower = word.lower()
        if lower == "warn_if_reject":
            warned = True
            continue
        step, used = _step(name, listed, at, warned, classes)
        yield step
        at += used
        warned = False


def table(word: str) -> str | None:
    """Why a table cannot be opened, by its name alone; None when it can (dict_inline.c)."""
    text = word[1:-1].strip() if word.startswith("{") and word.endswith("}") else word
    kind, _, name = next(iter(words(text)), "").partition(":")
    while kind == "proxy":
        kind, _, name = name.partition(":")
    inside = name.startswith("{")
    if inside and (not name.endswith("}") or name.count("{") != name.count("}")):
        return f"{shown(word[:60])!r} has a {{ or }} too many"
    if kind == "inline":
        entries = words(name[1:-1]) if inside else []
        if not entries or any("=" not in one.strip("{} ")[1:] for one in entries):
            return (
                f"{shown(word[:60])!r} is not an inline table, which has the form "
                "inline:{key=value, ...}"
            )
    patterns = words(name[1:-1]) if kind in ("cidr", "pcre", "regexp") and inside else []
    if any(not (one.startswith("{") and one.endswith("}")) for one in patterns):
        return f"{shown(word[:60])!r}: each entry is {{pattern result}}"
    return None


def _step(
    name: str, listed: list[str], at: int, warned: bool, classes: Collection[str]
) -> tuple[Step, int]:
    """The restriction before position `at`, and how many words after it are its argument."""
    word = listed[at - 1]
    lower = word.lower()
    if ":" in word:
        late = name in ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions")
        wrong = f"{shown(word[:60])!r} needs check_..._access before it" if late else ""
        return Step("", word, warned, wrong or table(word) or ""), 0
    one = RESTRICTIONS.get(lower)
    if one is None:
        return Step(word, "", warned, "" if word in classes else _unknown(word)), 0
    argument = listed[at] if one.argument and at < len(listed) else ""
    wrong = ""
    if one.argument in ("table", "policy") and ":" not in argument:
        form = "type:name" if one.argument == "table" else "transport:server"
        wrong = f"{lower} needs {form} after it, not {shown(argument[:60])!r}"
    elif one.argument == "table":
        wrong = table(argument) or ""
    elif one.argument == "number" and not argument.isdigit():
        wrong = f"{lower} needs a number after it, not {shown(argument[:60])!r}"
    # A malformed argument of a table is used up, of the others it is the next restriction.
    used = bool(one.argument) and (not wrong or one.argument == "table")
    return Step(lower, argument, warned, wrong), int(used)


def _restrictions(name: str, value: str, classes: Collection[str]) -> str | None:
    for step in steps(name, value, classes):
        if step.fault:
            near = meant(step.name) if step.fault.startswith("unknown") else None
            hint = f", {near} is meant" if near else ""
            return f"{step.fault}{hint}: every mail that gets that far is deferred (451)"
        one = RESTRICTIONS.get(step.name)
        if one is not None and one.argument == "domain":
            domain, equals, codes = step.argument.partition("=")
            if domain.lower() in RESTRICTIONS:
                return (
                    f"{step.name} reads {domain} as the name of its list, so neither of the two "
                    "works"
                )
            if not dnslists.NAME.fullmatch(domain):
                return (
                    f"{step.name} needs the name of a DNS list after it; without one it does "
                    "nothing"
                )
            if equals and (wrong := dnslists.answers(codes)) is not None:
                return f"{step.name}: {wrong}; smtpd(8) dies at each client that is listed"
    return None


def _tables(value: str) -> str | None:
    for word in words(value):
        kind, colon, rest = word.partition(":")
        if not colon or not kind or not rest:
            return (
                f"{shown(word[:60])!r} is not a table, which has the form type:name, for "
                "example lmdb:/etc/postfix/x"
            )
        if table(word) is not None:
            return f"{table(word)}: every look-up fails and mail is deferred (451)"
    return None


def _milters(value: str) -> str | None:
    for word in words(value):
        socket = next(iter(words(word[1:-1])), "") if word.startswith("{") else word
        kind, _, rest = socket.partition(":")
        if kind.lower() not in ("unix", "local", "inet") or not rest:
            return (
                f"{shown(word[:60])!r} is not the socket of a filter, which has the form unix:PATH "
                "or inet:HOST:PORT"
            )
    return None


def holds_tables(name: str) -> bool:
    """Tell whether a parameter is a list of tables and of nothing else."""
    return _TABLES.fullmatch(name) is not None and name not in _NO_TABLES


def fault(name: str, value: str, classes: Collection[str]) -> str | None:
    """Why a version of Postfix cannot work with a list; None when it can, or it is none."""
    if name in LISTS:
        return _restrictions(name, value, classes)
    if name in networks.NETWORKS:
        return networks.fault(value)
    if name in ("smtpd_milters", "non_smtpd_milters"):
        return _milters(value)
    if name == "postscreen_dnsbl_sites":
        return dnslists.sites(value)
    if name in DOMAINS:
        for word in words(value):
            if word.lstrip("!") == "" or (":" in word and not all(word.split(":", 1))):
                return (
                    f"{shown(word[:60])!r} is neither a word of this list nor a table (type:name)"
                )
            if ":" in word and table(word.lstrip("!")) is not None:
                return table(word.lstrip("!"))
        return None
    if holds_tables(name):
        return _tables(value)
    return None
