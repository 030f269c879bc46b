"""Rules about values: of the wrong type, not to be expanded, tables of no type.

Source: components/postconf, which has the types from Postfix's own sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.lookup import TYPES
from components.audit.mend import mended
from components.audit.model import Finding, MainCf, Severity
from components.audit.syntax import disturbed
from components.postconf import lists, networks
from components.postconf.parameters import Parameter, parameter
from components.postconf.restrictions import LISTS, RESTRICTIONS
from components.postconf.syntax import Entry, shown, words
from components.postconf.types import fault

_DIES = (
    ("all", "no program of Postfix starts: no mail at all"),
    ("smtpd", "smtpd(8) dies: port 25 does not greet"),
    ("qmgr", "qmgr(8) dies: mail is accepted and none is delivered"),
    ("cleanup", "cleanup(8) dies: no mail is accepted"),
    ("trivial-rewrite", "trivial-rewrite(8) dies: no mail is accepted"),
    ("tls", "every program with TLS dies"),
    ("postscreen", "postscreen(8) dies where master.cf uses it: port 25 does not greet"),
    ("smtp", "smtp(8) dies: no mail goes out"),
    ("local", "local(8) dies: no local mail is delivered"),
)
_MEANT = re.compile(r", (\w+) is meant: ")
_OF_SOME_MAIL = ("internal_mail_filter_classes", "smtputf8_autodetect_classes")
_TLS_OFF = re.compile(r"\w+_tls_(mandatory_)?(protocols|ciphers)")


def consequence(one: Parameter, wrong: str) -> tuple[str, Severity]:
    """What happens at a bad value, as the end of a sentence."""
    if "reads it as 0" in wrong:
        return "", "high"
    if one.name in LISTS:
        return "", "critical" if "deferred" in wrong else "high"
    if _TLS_OFF.fullmatch(one.name):
        return "; Postfix then switches TLS off", "high"
    if one.of_transport:
        return "; qmgr(8) dies as soon as mail takes that transport", "high"
    if one.name in ("smtpd_milters", "non_smtpd_milters"):
        return "; mail is then treated by milter_default_action: deferred or unfiltered", "critical"
    if one.name in networks.NETWORKS:
        return "; mail is deferred (451), or smtpd(8) dies", "critical"
    if one.name == "alias_database":
        return "; newaliases(1) fails", "medium"
    if one.name in _OF_SOME_MAIL:
        return "; the program dies that makes a bounce, a notice or forwarded mail", "high"
    for program, effect in _DIES:
        if program in one.programs:
            return f"; {effect}", "critical"
    return f"; {one.programs[0]}(8) dies", "high"


def _known(entry: Entry, main: MainCf) -> tuple[Parameter, str] | None:
    for version in main.asked:
        one = parameter(entry.name, version)
        if one is not None:
            return one, version
    return None


def judged(main: MainCf, entry: Entry) -> Finding | None:
    """What is wrong with the value of one entry, of main.cf or of master.cf."""
    found = _known(entry, main)
    if found is None:
        return None
    one, version = found
    value = main.value(entry.name)
    wrong = fault(entry.name, value, version, main.classes)
    if wrong is None:
        return None
    effect, severity = consequence(one, wrong)
    right = mended(entry.name, value, version, main.classes)
    remedy = "See postconf(5) for the values that it can have."
    if right is not None:
        remedy = f"Write {entry.name} = {shown(right[:200])}."
    elif (near := _MEANT.search(wrong)) is not None:
        remedy = (
            f"Write {near[1]} if that is what you want (postconf(5)); the present value never had "
            "this effect."
        )
    raw_is_plain = "$" not in entry.value
    return main.finding(
        entry.name,
        "dangerous",
        f"{wrong}{effect}",
        remedy,
        severity,
        right if raw_is_plain else None,
    )


def types(main: MainCf) -> Iterable[Finding]:
    """Values that a parameter cannot have, and values that cannot be expanded."""
    for entry in main.used.values():
        why = main.stops(entry)
        if why is not None:
            used = _known(entry, main) is not None
            yield main.finding(
                entry.name,
                "dangerous",
                f"Postfix stops {'at this value' if used else 'where this value is used'}: {why}",
                "Write the value out, without a reference that leads back to itself.",
                "critical" if used else "medium",
            )
        elif not disturbed(entry):
            found = judged(main, entry)
            if found is not None:
                yield found


def own_lists(main: MainCf) -> Iterable[Finding]:
    """Lists by names of the operator: classes, and those that master.cf refers to."""
    for entry in main.used.values():
        mine = entry.name in main.classes or entry.name.endswith("_restrictions")
        if not mine or entry.name in LISTS or disturbed(entry) or _known(entry, main):
            continue
        wrong = lists.fault("smtpd_recipient_restrictions", main.value(entry.name), main.classes)
        if wrong is not None:
            yield main.finding(
                entry.name,
                "dangerous",
                f"where this list is used: {wrong}",
                "Spell it as postconf(5) does.",
                "critical" if entry.name in main.classes else "high",
            )


def _tables(main: MainCf) -> Iterable[tuple[str, str]]:
    """Every table that the file names: parameter and "type:name"."""
    for name, entry in main.used.items():
        if disturbed(entry) or main.stops(entry):
            continue
        if lists.holds_tables(name) or name in networks.NETWORKS or name in lists.DOMAINS:
            for word in main.words(name):
                bare = word.lstrip("!")
                if ":" in bare and not bare.startswith(("[", "{")):
                    yield name, bare
    for name, step in main.restrictions():
        one = RESTRICTIONS.get(step.name)
        if main.stops(main.used[name]) if name in main.used else False:
            continue
        if not step.fault and (step.name == "" or (one and one.argument == "table")):
            yield name, step.argument


def table_types(main: MainCf) -> Iterable[Finding]:
    """Tables whose type no Postfix has: every look-up fails."""
    seen = set()
    for name, word in _tables(main):
        kind, _, rest = word.lstrip("{ ").partition(":")
        while kind == "proxy":
            kind, _, rest = rest.partition(":")
        address = networks.network(word) is not None
        if kind.lower() in TYPES or not kind or address or (name, kind) in seen:
            continue
        seen.add((name, kind))
        one = parameter(name, main.asked[0])
        at_smtp = one is None or {"all", "smtpd", "cleanup", "trivial-rewrite"} & {*one.programs}
        effect = "mail is deferred (451)" if at_smtp else "mail waits in the queue"
        yield main.finding(
            name,
            "dangerous",
            f"{shown(kind[:40])}: is not a type of table: every look-up fails and {effect}",
            "Write the type that was meant; postconf -m lists those of this host.",
            "critical" if at_smtp else "high",
        )


def _leads_to(main: MainCf, name: str) -> bool:
    """Tell whether a class names itself, by other classes too."""
    asked, seen = [name], set[str]()
    while asked:
        for word in words(main.classes[asked.pop()]):
            if word == name:
                return True
            if word in main.classes and word not in seen:
                seen.add(word)
                asked.append(word)
    return False


def combinations(main: MainCf) -> Iterable[Finding]:
    """Settings with which a program of Postfix refuses to run."""
    if (
        main.value("relayhost")
        and main.value("relayhost").lower() == main.value("myhostname").lower()
    ):
        yield main.finding(
            "relayhost",
            "dangerous",
            "is myhostname: Postfix does not start",
            "Name the next hop, or remove the line.",
            "critical",
        )
    if len(words(main.own("myorigin"))) > 1:
        yield main.finding(
            "myorigin",
            "dangerous",
            "has several values: Postfix does not start",
            "Keep one domain.",
            "critical",
        )
    for side in ("smtp", "lmtp"):
        enabled = f"{side}_sasl_auth_enable"
        if main.is_on(enabled) and not main.value(f"{side}_sasl_password_maps"):
            yield main.finding(
                enabled,
                "dangerous",
                f"without {side}_sasl_password_maps {side}(8) dies: no mail goes out",
                f"Set {side}_sasl_password_maps, or remove the line.",
                "critical",
            )
    for name in main.classes:
        if _leads_to(main, name):
            yield main.finding(
                name if name in main else "smtpd_restriction_classes",
                "dangerous",
                f"the class {shown(name[:60])} leads back to itself: smtpd(8) crashes at it",
                "Take it out of its own list.",
                "critical",
            )
        if not main.value(name):
            yield main.finding(
                "smtpd_restriction_classes",
                "dangerous",
                f"the class {shown(name[:60])} has no definition: smtpd(8) dies, port 25 is dead",
                f"Set {shown(name[:60])} to its restrictions, or remove it from the list.",
                "critical",
            )


RULES = (types, own_lists, table_types, combinations)
