"""Rules about master.cf: services that are missing or open, and their -o overrides.

Sources: master(5), postconf(5), SASL_README, TLS_README.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from components.audit import access, networks, tls
from components.audit.evaluate import AT_RECIPIENT
from components.audit.model import Finding, MainCf, Severity
from components.audit.services import Service
from components.audit.values import judged
from components.postconf.names import known
from components.postconf.parameters import ALL_VERSIONS
from components.postconf.syntax import SPACE, shown, words

_CORE = ("pickup", "cleanup", "qmgr", "rewrite", "bounce", "defer")
_NOT_IN_CHROOT = ("local", "pipe", "virtual", "spawn", "proxymap")


def _at(
    service: Service, kind: str, reason: str, remedy: str, severity: Severity = "high"
) -> Finding:
    return Finding(
        service.line,
        shown(service.name),
        "contradictory" if kind == "contradictory" else "dangerous",
        reason,
        remedy,
        severity,
        "master.cf",
    )


def _fields(service: Service) -> Iterable[Finding]:
    if service.chroot == "y" and service.command in _NOT_IN_CHROOT:
        yield _at(
            service,
            "dangerous",
            f"{service.command}(8) cannot work in a chroot",
            "Write n in the fifth field.",
            "critical",
        )


def _words(service: Service) -> Iterable[Finding]:
    """Words after the overrides, which programs other than pipe(8) and spawn(8) do not take."""
    if service.strange and service.command not in ("pipe", "spawn"):
        yield _at(
            service,
            "dangerous",
            f"{shown(service.strange[:60])!r} is no override: {service.command}(8) dies at it",
            "Write -o name=value without blanks, or -o { name = value }.",
            "critical",
        )


def _loops(main: MainCf, services: list[Service]) -> Iterable[Finding]:
    """Mail that a filter gives back and that goes to the filter again."""
    for name in ("content_filter", "smtpd_proxy_filter"):
        if not main.own(name):
            continue
        for service in services:
            back = service.type == "inet" and not service.outside and service.command == "smtpd"
            if back and main.of_service(service.overrides).value(name):
                yield _at(
                    service,
                    "dangerous",
                    f"mail that a filter gives back here goes to {name} again: a loop, then a"
                    " bounce",
                    f"Add -o {name}=.",
                )


def _options(main: MainCf, service: Service) -> Iterable[Finding]:
    """Overrides with unknown names or values of the wrong type."""
    here = main.of_service(service.overrides)
    referred_here = main.refers
    for entry in service.overrides.values():
        user = re.fullmatch(r"[a-z0-9_]*", entry.name) is None or entry.name in main
        used = entry.name in referred_here
        if not user and not used and not any(known(entry.name, one) for one in ALL_VERSIONS):
            yield _at(
                service,
                "contradictory",
                f"-o {shown(entry.name[:60])}: no parameter of Postfix, nothing refers to it",
                "Spell it as postconf(5) does.",
                "medium",
            )
        found = judged(here, entry)
        if found is not None:
            reason = f"service {service.name}: {found.reason.split(': no mail at all')[0]}"
            yield replace(found, reason=reason)


def _tls(main: MainCf, service: Service) -> Iterable[Finding]:
    """Ports that clients expect to be with TLS, and passwords without it."""
    here = main.of_service(service.overrides)
    wrapped = here.is_on("smtpd_tls_wrappermode")
    if service.port in ("465", "smtps", "submissions") and not wrapped:
        yield _at(
            service,
            "contradictory",
            "clients begin with TLS on port 465, this service waits for plain SMTP",
            "Add -o smtpd_tls_wrappermode=yes.",
        )
    if service.port in ("25", "smtp", "587", "submission") and wrapped:
        yield _at(
            service,
            "dangerous",
            f"clients begin with plain SMTP on port {service.port}, this service waits for TLS",
            "Remove smtpd_tls_wrappermode; it belongs to port 465.",
            "critical",
        )
    level = here.value("smtpd_tls_security_level").lower()
    covered = wrapped or level not in ("", "none", "may") or here.is_on("smtpd_tls_auth_only")
    options = here.value("smtpd_sasl_security_options")
    plain = here.is_on("smtpd_sasl_auth_enable") and not covered and "noplaintext" not in options
    if plain and "smtpd_sasl_auth_enable" in service.overrides:
        yield _at(
            service,
            "dangerous",
            "passwords are accepted without TLS",
            "Add -o smtpd_tls_security_level=encrypt.",
        )


def _reach(main: MainCf, service: Service) -> Iterable[Finding]:
    """Whom a service lets in that does not restrict as main.cf does."""
    here = main.of_service(service.overrides)
    changed = any(
        name.endswith("_restrictions") or name == "mynetworks" for name in service.overrides
    )
    if changed:
        for one in access.starts(here):
            yield replace(one, line=service.line, file="master.cf", parameter=service.name)
        if service.outside:
            for one in (*access.relay(here), *networks.networks(here)):
                yield replace(one, line=service.line, file="master.cf", parameter=service.name)
    submission = service.port in ("587", "submission", "465", "smtps", "submissions")
    if submission and service.outside:
        lists = (here.value(name) for name in AT_RECIPIENT)
        if not any(word.lower() == "reject" for value in lists for word in words(value)):
            yield _at(
                service,
                "contradictory",
                "nothing here refuses clients without a password: it is a second port 25",
                "Add -o smtpd_client_restrictions=permit_sasl_authenticated,reject.",
                "medium",
            )


def _missing(main: MainCf, services: list[Service]) -> Iterable[Finding]:
    """Services that others need, and transports that are none."""
    names = {service.name for service in services}
    needed = dict.fromkeys(_CORE, "without it no mail is accepted or delivered")
    if any("proxy:" in entry.value for entry in main.entries):
        needed["proxymap"] = "main.cf has proxy: tables, every look-up in them fails"
    if any(
        main.own(f"{side}_tls_security_level") not in ("", "none") for side in ("smtp", "smtpd")
    ):
        needed["tlsmgr"] = "without it there is no TLS"
    if main.own("maillog_file"):
        needed["postlog"] = "maillog_file needs it, nothing is logged"
    postscreen = any(service.command == "postscreen" for service in services)
    if postscreen and not any(
        service.type == "pass" and service.command == "smtpd" for service in services
    ):
        needed["smtpd (pass)"] = "postscreen(8) has no smtpd(8) to hand clients on to"
    for name, effect in needed.items():
        if name not in names:
            yield Finding(
                0,
                name,
                "dangerous",
                f"no service {name}: {effect}",
                "Add it as in the master.cf of the distribution.",
                "critical",
                "master.cf",
            )
    for parameter in ("local", "virtual", "relay", "default", "mailbox", "fallback"):
        yield from _transport(main, f"{parameter}_transport", names)
    yield from _transport(main, "content_filter", names)
    for entry in main.entries:
        if entry.name.endswith("_service_name") and known(entry.name, ALL_VERSIONS[-1]):
            yield from _transport(main, entry.name, names)


def _transport(main: MainCf, parameter: str, names: set[str]) -> Iterable[Finding]:
    value = main.value(parameter)
    transport = value.partition(":")[0].strip(SPACE)
    if transport and "$" not in transport and transport not in names:
        yield main.finding(
            parameter,
            "dangerous",
            f"master.cf has no service {shown(transport[:60])}: mail to it is deferred",
            "Name a service of master.cf, or add it there.",
            "critical",
        )


def findings(main: MainCf, services: list[Service]) -> Iterable[Finding]:
    """What is wrong in master.cf, and in main.cf as its services use it."""
    yield from _missing(main, services)
    yield from _loops(main, services)
    for service in services:
        yield from _fields(service)
        yield from _words(service)
        yield from _options(main, service)
        if service.command == "smtpd":
            here = main.of_service(service.overrides)
            yield from (*tls.certificate(here), *tls.anonymous(here))
            if service.overrides is not main.port_25:
                yield from _reach(main, service)
            if service.type == "inet":
                yield from _tls(main, service)
