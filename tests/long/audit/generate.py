"""main.cf files for the agreement: right, wrong by type, mutated, and outside the audit's tables.

Nothing here knows what the audit says: a file has a name, a text and the kind of its making.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.postconf.parameters import parameters
from components.postconf.restrictions import RESTRICTIONS
from tests.long.audit.bases import BASES


@dataclass(frozen=True)
class Case:
    """One file. `kind` is table, mutated or outside."""

    name: str
    kind: str
    text: str


_LISTS = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
)
_VALUES = {
    "bool": ("yes", "no", "YES", "true", "1", "on", "ye s", "", "no # not"),
    "int": ("0", "1", "100", "-1", "1k", "ten", "99999999999", "10 0", ""),
    "long": ("0", "10240000", "50M", "10485760b", "-5", "1e6"),
    "time": ("1", "30s", "5m", "1h", "2d", "1w", "5 minutes", "5minutes", "1y", "-1s", "s", ""),
    "str": ("", "yes", "x", "a b", "inline:{x=y}", "/etc/postfix/x", "::1/128", "$nosuch"),
}
# Words that change who may send: each is put into a list at random.
_ARGUMENTS = {
    "table": (
        "inline:{x=OK}",
        "static:OK",
        "static:DUNNO",
        "inline:{a@b.example=OK}",
        "static:451 4.7.1 x",
    ),
    "policy": ("unix:private/none",),
    "domain": ("dnsbl.example.com=127.0.0.2",),
    "number": ("0", "x"),
}
_SLOW = ("reject_unverified_sender", "reject_unverified_recipient", "check_policy_service")
# What Postfix cannot be started without on the machine at hand, or what names files and programs.
_NOT_HERE = (
    *("_directory", "_path", "_file", "_files", "_socket_name", "_service_name", "_command"),
    *("_owner", "_group", "_privs", "_program", "_interfaces", "_class", "_prefixes", "_CApath"),
    *("mail_name", "mail_version", "_service", "_port", "_transport", "_environment", "_name"),
    *("process_id", "data_dir", "debugger", "_protocols", "_delay_reject", "bounce_size_limit"),
)


def _table(chance: random.Random, version: str) -> str:
    """A base with one parameter of the tables, right or wrong by its type."""
    known = sorted(
        name
        for name, one in parameters(version).items()
        if not name.endswith(_NOT_HERE)
        and {"all", "smtpd", "qmgr", "cleanup", "trivial-rewrite"} & set(one.programs)
    )
    name = chance.choice(known)
    kind = parameters(version)[name].kind
    values = _VALUES.get(kind.removeprefix("n"), _VALUES["str"])
    if name.endswith("_restrictions"):
        return _restrictions(chance)
    return f"{chance.choice(BASES)}{name} = {chance.choice(values)}\n"


def _restrictions(chance: random.Random) -> str:
    """A base with a list of restrictions in any order."""
    words = []
    names = sorted(set(RESTRICTIONS) - set(_SLOW))
    for _ in range(chance.randint(1, 4)):
        word = chance.choice(names)
        one = RESTRICTIONS[word]
        words.append(word)
        if one.argument and chance.random() < 0.9:
            words.append(chance.choice(_ARGUMENTS[one.argument]))
    if chance.random() < 0.4:
        words.append("reject_unauth_destination")
    text = chance.choice(BASES)
    name = chance.choice(_LISTS)
    if name == "smtpd_recipient_restrictions" and chance.random() < 0.5:
        text += "smtpd_relay_restrictions =\n"
    return f"{text}{name} = {', '.join(words)}\n"


def _letter(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text))
    return text[:at] + text[at + 1 :]


def _swap(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _line(chance: random.Random, text: str, change: Callable[[str], str]) -> str:
    lines = text.splitlines()
    at = chance.randrange(len(lines))
    return "\n".join([*lines[:at], change(lines[at]), *lines[at + 1 :]]) + "\n"


def _mutated(chance: random.Random, text: str) -> str:
    """One slip of a person who edits."""
    kind = chance.randrange(11)
    if kind == 0:
        return _letter(chance, text)
    if kind == 1:
        return _swap(chance, text)
    if kind == 2:
        return _line(chance, text, lambda line: " " + line)
    if kind == 3:
        return _line(chance, text, lambda line: line.strip())
    if kind == 4:
        return _line(chance, text, lambda line: line + " \\")
    if kind == 5:
        return _line(
            chance, text, lambda line: line.replace(", ", ",\u00a0").replace("= ", "=\u00a0")
        )
    if kind == 6:
        return _line(chance, text, lambda _: "")
    if kind == 7:
        return _line(chance, text, lambda line: line + " # changed")
    if kind == 8:
        return _line(chance, text, lambda line: line.replace("=", "", 1))
    if kind == 9:
        old, new = chance.choice(
            (
                *(("example.net", "net"), ("reject_unauth_destination", "permit")),
                *(("permit_mynetworks", "permit"), ("yes", "true"), ("300s", "300 s")),
                *(("$", "$$"), ("inline:{", "inline:{ "), ("}", "")),
                *(("127.0.0.0/8", "0.0.0.0/0"), ("smtpd_", "smtp_"), ("[::1]/128", "::1/128")),
            )
        )
        return text.replace(old, new, 1)
    return _line(
        chance, text, lambda line: f'{line.split("=")[0]}= "{line.split("=")[-1].strip()}"'
    )


def _outside(chance: random.Random, text: str) -> str:
    """Names and forms that are in no table: the operator's own, and free combinations."""
    pieces = (
        "my_limit = 5\nsmtpd_recipient_limit = $my_limit\n",
        "my_limit = 5x\nsmtpd_recipient_limit = $my_limit\n",
        "submission_smtpd_helo_required = true\n",
        "guard = reject_unauth_destination\nsmtpd_relay_restrictions = permit_mynetworks, $guard\n",
        "guard =\nsmtpd_relay_restrictions = permit_mynetworks, $guard\n"
        "smtpd_recipient_restrictions =\n",
        "smtpd_relay_restrictions = ${nosuch?permit:reject_unauth_destination}\n",
        "smtpd_relay_restrictions = ${{$compatibility_level} >=level {3} ? {reject} : {permit}}\n",
        "nets = 0.0.0.0/0\nmynetworks = $nets\n",
        "loop = $loop x\nmydestination = $loop\n",
        "a = $b\nb = $a\n",
        "relay_domains = static:all\n",
        "relay_domains = $mydestination\n",
        "relay_domains = org\nrelay_recipient_maps =\n",
        "amavis_destination_concurrency_limit = two\n",
        "slow_destination_rate_delay = 1 s\n",
        "smtpd_client_restrictions = permit_mynetworks, reject\n",
        "smtpd_sender_restrictions = static:REJECT\n",
        "smtpd_helo_restrictions = check_helo_access static:OK, reject\n",
        "smtpd_recipient_restrictions = check_sender_access inline:{client.example=OK},"
        " reject_unauth_destination\nsmtpd_relay_restrictions =\n",
        "smtpd_recipient_restrictions = permit\nsmtpd_relay_restrictions = permit\n",
        "smtpd_relay_restrictions = warn_if_reject reject_unauth_destination, permit\n",
        "virtual_alias_maps = static:root@example.net\n",
        "x y = 1\n",
        "no_equals_sign\n",
        "mydestination = pcre:{ {/./ x} }\n",
        "smtpd_relay_restrictions = defer_if_permit\n",
        "smtpd_relay_restrictions = defer_unauth_destination\n",
        "myorigin = a.example, b.example\n",
        "relayhost = $myhostname\n",
        "smtpd_client_restrictions = sleep\n",
        "smtpd_milters = inet:127.0.0.1:9\nmilter_default_action = accept\n",
        "mynetworks = !127.0.0.1, static:all\n",
        "header_checks = nosuch:/x\n",
    )
    return text + "".join(chance.sample(pieces, 1 + (chance.random() < 0.2)))


def cases(number: int, seed: int, version: str = "3.10") -> Iterator[Case]:
    """`number` files: a third of the tables, a third mutated, a third outside of them."""
    chance = random.Random(seed)
    for at in range(number):
        kind = ("table", "mutated", "outside")[at % 3]
        if kind == "table":
            text = _table(chance, version)
        elif kind == "mutated":
            text = _mutated(chance, chance.choice(BASES))
        else:
            text = _outside(chance, chance.choice(BASES))
        yield Case(f"{at:04d}", kind, text)
