"""What a stranger reaches: the restriction lists in smtpd(8)'s own order.

Source: smtpd_check_rcpt() and generic_checks() in src/smtpd/smtpd_check.c. A stranger is a client
from anywhere, without a password and without a certificate, who may say what suits it in HELO, MAIL
FROM and RCPT TO. A list ends at the first OK or refusal; the recipient is accepted when no list of
client, helo, sender, relay and recipient refuses. The content of a table may be unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from components.audit.actions import Answer, action
from components.audit.lookup import Asked
from components.audit.model import MainCf
from components.postconf.lists import Step, steps
from components.postconf.networks import NETWORKS
from components.postconf.restrictions import DEFAULT_TABLE, GUARDS, RESTRICTIONS
from components.postconf.syntax import words

AT_RECIPIENT = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
)
Target = Literal["foreign", "own"]
RECIPIENTS = {
    "mydestination": "local_recipient_maps",
    "relay_domains": "relay_recipient_maps",
    "virtual_mailbox_domains": "virtual_mailbox_maps",
}
"""Domains of an address class: the table of its recipients."""
_REMOVED_IN_3_9 = ("check_relay_domains", "reject_maps_rbl", "permit_naked_ip_address")


@dataclass
class Walk:
    """What one list does.

    `answer` is what surely happens when no unknown table interferes; `openings` are the words at
    which a stranger may get an OK before a refusal; `deferred` is set by defer_if_permit.
    """

    answer: Answer = "dunno"
    at: str = ""
    """The word that gave the answer."""
    openings: list[str] = field(default_factory=list)
    deferred: bool = False


def _asked(word: str) -> Asked:
    """What check_SUBJECT_access asks a table for; with _a, _mx and _ns for servers."""
    subject = word.removeprefix("check_").removesuffix("_access")
    if subject.endswith(("_a", "_mx", "_ns")):
        return "server"
    return (
        "address"
        if subject in ("sender", "recipient")
        else ("domain" if subject in ("helo", "etrn") else "client")
    )


class _Walker:
    def __init__(self, main: MainCf, target: Target) -> None:
        self.main = main
        self.target = target
        self.walk = Walk()
        self.budget = 2000

    def through(self, name: str, value: str, depth: int = 0) -> Answer:
        """Walk through a list; the walk's openings are filled on the way."""
        for step in steps(name, value, self.main.classes):
            self.budget -= 1
            if depth > 20 or self.budget < 0:
                return "broken"
            answer = self.step(name, step, depth)
            if answer in ("refuse", "defer") and step.warned:
                continue
            if answer != "dunno":
                self.walk.at = self.walk.at or (step.name or step.argument)
                return answer
        return "dunno"

    def step(self, name: str, step: Step, depth: int) -> Answer:
        """What one restriction answers to the stranger."""
        if step.fault:
            return "broken"
        word = step.name or DEFAULT_TABLE[name]
        if word in self.main.classes:
            return self.through(name, self.main.classes[word], depth + 1)
        plain = self._plain(word)
        if plain is not None:
            return plain
        one = RESTRICTIONS[word]
        if one.argument == "table":
            return self._table(name, word, step.argument, depth)
        if one.claimed or one.argument == "policy":
            self._opening(f"{word} {step.argument}".strip())
        return "dunno"

    def _plain(self, word: str) -> Answer | None:
        foreign = self.target == "foreign"
        if word in _REMOVED_IN_3_9 and self.main.version is not None:
            if self.main.at_least("3.9"):
                return "broken"
            if word == "permit_naked_ip_address":
                self._opening(word)
        if word == "permit":
            return "ok"
        if word == "reject_plaintext_session":
            level = self.main.value("smtpd_tls_security_level").lower()
            without = level in ("", "none") and not self.main.is_on("smtpd_use_tls")
            return "refuse" if without else "dunno"
        if word == "reject":
            return "refuse"
        if word == "defer":
            return "defer"
        if word == "reject_unauth_destination":
            return "refuse" if foreign else "dunno"
        if word == "defer_unauth_destination":
            return "defer" if foreign else "dunno"
        if word == "check_relay_domains":
            return "refuse" if foreign else "ok"
        if word == "permit_auth_destination":
            return "dunno" if foreign else "ok"
        if word == "permit_mynetworks":
            return "ok" if everybody(self.main, "mynetworks") else "dunno"
        if word == "defer_if_permit":
            self.walk.deferred = True
            return "dunno"
        return None

    def _table(self, name: str, word: str, argument: str, depth: int) -> Answer:
        one = RESTRICTIONS[word]
        table = self.main.table(argument)
        # A stranger has no certificate and no login for these two.
        if word in ("check_ccert_access", "check_sasl_access"):
            return "dunno"
        if one.claimed and (not table.known or self._may_permit(table.results())):
            self._opening(f"{word} {argument}")
        answers = [self._result(name, result, depth) for result in table.strangers(_asked(word))]
        if self.target == "own" and one.looks_at == "recipient" and len(table.entries) > 1:
            answers = []  # entries before the one for everybody may be for the own addresses
        if not one.permits:  # smtpd(8) answers 451 where these say OK (forbid_allowlist())
            answers = ["broken" if answer == "ok" else answer for answer in answers]
        if "ok" in answers and self.target == "foreign":
            return "ok"
        return answers[0] if answers else "dunno"

    def _result(self, name: str, text: str, depth: int) -> Answer:
        found = action(text)
        if found is None:
            return self.through(name, text, depth + 1)
        if text.upper().startswith("DEFER_IF_PERMIT"):
            self.walk.deferred = True
            return "dunno"
        return found

    def _may_permit(self, results: list[str]) -> bool:
        # A result may be a class of the operator, which is not looked into: it may permit.
        return any(
            action(text) == "ok" or (action(text) is None and "reject" not in text.lower())
            for text in results
        )

    def _opening(self, word: str) -> None:
        if word not in self.walk.openings:
            self.walk.openings.append(word)


def walk(main: MainCf, name: str, target: Target) -> Walk:
    """What a list does with a stranger's mail to a foreign or to an own address."""
    walker = _Walker(main, target)
    walker.walk.answer = walker.through(name, main.value(name))
    return walker.walk


def relays(main: MainCf) -> bool:
    """Tell whether a stranger's mail to strangers surely passes every list."""
    walks = [walk(main, name, "foreign") for name in AT_RECIPIENT]
    return guarded(main) and all(
        one.answer in ("ok", "dunno") and not one.deferred for one in walks
    )


def everybody(main: MainCf, name: str) -> str:
    """The word of a list of networks or domains that matches every one; "" when none does."""
    for word in words(main.value(name)):
        if word.startswith("!"):
            continue
        if ":" in word and not word.startswith("["):
            table = main.table(word)
            if table.strangers("client" if name in NETWORKS else "domain"):
                return word
        elif name in NETWORKS and re.fullmatch(r"0\.0\.0\.0/0|\[::\]/0", word):
            return word
    return ""


def swallowed(main: MainCf) -> bool:
    """Tell whether an address class takes every domain, but not every recipient."""
    return any(
        everybody(main, domains) != "" and main.value(maps) != "" and not everybody(main, maps)
        for domains, maps in RECIPIENTS.items()
    )


def guarded(main: MainCf) -> bool:
    """Tell whether smtpd(8) starts: has_required() of smtpd_check.c, by which it decides."""
    return any(
        _has_guard(main, main.value(name), set())
        for name in ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
    )


def _has_guard(main: MainCf, value: str, seen: set[str]) -> bool:
    listed = words(value)
    at = 0
    while at < len(listed):
        word = listed[at]
        lower = word.lower()
        if lower == "warn_if_reject" and at + 1 < len(listed):
            at += 2
            continue
        if lower == "permit":
            return False
        if lower in GUARDS:
            return True
        if word in main.classes and word not in seen:
            seen.add(word)
            if _has_guard(main, main.classes[word], seen):
                return True
        at += 1
    return False
