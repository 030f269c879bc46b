"""Judges whether a machine can be an MX host, from its own facts and from DNS."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from components.host import facts
from components.host.checks import CHECKS, POINTER, PORT, Asked
from components.host.clock import Between
from components.host.facts import NAMELESS, POSTFIX
from components.services.postfix import units
from components.settings.environment import Settings
from tools.status.names import Answer, Names

from . import hosts, ssh_keys
from .explain import CHECK_LOGIN, NO_LOGIN, NO_SUDO, explain

Level = Literal["ok", "notice", "fault"]


@dataclass(frozen=True)
class Line:
    """One thing that was looked at; `cure` is what to do, empty when nothing is wrong."""

    level: Level
    subject: str
    what: str
    cure: str = ""


def ask(settings: Settings, outbound: Sequence[str]) -> dict[str, tuple[int, str, str]]:
    """The answers of all hosts; the script runs as root where the login must use sudo."""
    mailboxes = dict.fromkeys(facts.mailbox(settings, domain) for domain in settings.domains)
    call = facts.call(settings, [*mailboxes, *outbound])
    return hosts.run(settings, settings.hosts, call, facts.SCRIPT.read_text())


def look_at_hosts(
    settings: Settings, names: Names, outbound: Sequence[str], owner: str
) -> Iterator[Line]:
    """Everything that can be told of the hosts of a stack. `owner`: how hosts name the stack."""
    began = time.time()
    answers = ask(settings, outbound)
    here = (began, time.time())
    own = [str(at) for each in settings.hosts.values() for at in (each.ipv4, each.ipv6) if at]
    with ThreadPoolExecutor(len(own)) as pool:
        # `names` keeps the answers: a silent resolver is waited for once.
        list(pool.map(names.pointer, own))
    for key, answer in answers.items():
        yield from judge_answer(settings, key, answer, names, outbound, owner, here)


def judge_answer(
    settings: Settings,
    key: str,
    answer: tuple[int, str, str],
    names: Names,
    outbound: Sequence[str],
    owner: str = "",
    here: Between | None = None,
) -> Iterator[Line]:
    """Everything that can be told of one host.

    `owner`: how a host names the stack. `here`: when this machine asked.
    """
    code, out, err = answer
    host = settings.hosts[key]
    if code != 0:
        yield unreachable(settings, key, code, err)
        return
    yield Line("ok", key, f"reached over SSH as {settings.ssh.user}")
    told, _ = facts.take(out)
    unproven = {PORT} if told.postfix and not told.smtp else set()
    for address in map(str, filter(None, (host.ipv4, host.ipv6))):
        pointer = names.pointer(address)
        if pointer.outcome in ("failed", "bogus"):
            unproven.add(POINTER)
            yield Line("notice", key, *_unread(address, pointer, names))
        else:
            told.ptr[address] = ", ".join(pointer.values)
    reached = frozenset({str(host.ipv4)} if host.ssh_address is None else ())
    domains = tuple(settings.domains_of(key))
    # A host that has Postfix has the packages, too.
    bare = not any(program.startswith(POSTFIX) for program in told.smtp)
    asked = Asked(settings, key, told, domains, bare, here, reached, owner=owner)
    for row in CHECKS:
        wrong = list(row.find(asked))
        level: Level = "notice" if row.stops == "told" else "fault"
        for each in wrong:
            yield Line(level, key, each.what, each.cure)
        if not wrong and row.name not in unproven:
            yield Line("ok", key, row.well)
    if PORT in unproven:
        unit = units.UNITS[host.debian]
        cure = f"on the host: systemctl status {unit}; `mx drift` names what else stopped"
        yield Line("fault", key, "Postfix does not run: nothing listens on port 25", cure)
    for place in outbound:
        if told.reach.get(place, "").startswith("220"):
            yield Line("ok", key, f"reaches {place}")
        elif told.reach.get(place) == NAMELESS:
            what = f"finds no address of {place.rpartition(':')[0]}"
            yield Line("fault", key, what, "repair the name resolution of the host")
        else:
            what = f"does not reach {place}: port 25 outward seems to be blocked"
            yield Line("fault", key, what, "ask the provider to open it: bounces and mail need it")


def _unread(address: str, pointer: Answer, names: Names) -> tuple[str, str]:
    """What to say of a PTR record that DNS does not tell: nobody knows whether it is missing."""
    if pointer.outcome == "bogus":
        return (
            f"PTR of {address} fails the validation of DNSSEC",
            "ask the provider: the signatures of the reverse zone are wrong",
        )
    return (
        f"PTR of {address} was not read: the resolver {names.server}, is silent or fails",
        "--resolver IP asks another one. If others fail, too, the reverse zone is broken: tell the "
        "provider",
    )


def unreachable(settings: Settings, key: str, code: int, err: str) -> Line:
    """Why a host was not reached; a wrong host key with both fingerprints."""
    host = settings.hosts[key]
    address = host.ssh_address or str(host.ipv4)
    if "HOST IDENTIFICATION HAS CHANGED" in err or "Host key verification failed" in err:
        return Line("fault", key, *wrong_key(settings, key))
    user = settings.ssh.user
    if NO_SUDO in err:
        what = f"the login {user}@{address} works, but sudo asks for a password"
        cure = f"as root on the host, write `{user} ALL=(ALL) NOPASSWD: ALL` to /etc/sudoers.d/mx"
        return Line("fault", key, what, cure)
    if NO_LOGIN.search(err):
        what = f"the host at {address} refuses the SSH login {user}: no key is accepted"
        return Line("fault", key, what, CHECK_LOGIN)
    words = explain(err, "") or f"exit code {code}"
    place = f"hosts.{key}.{'sshAddress' if host.ssh_address else 'ipv4'}"
    cure = (
        f"is {place} right, and does the host run? Try it: "
        f"ssh -p {settings.ssh.port} {user}@{address}"
    )
    return Line("fault", key, f"not reached over SSH at {address} ({place}): {words}", cure)


def wrong_key(settings: Settings, key: str) -> tuple[str, str]:
    """What the stack file pins for a host and what the host shows, and what to do."""
    host = settings.hosts[key]
    address = host.ssh_address or str(host.ipv4)
    kind = (host.host_key or "").partition(" ")[0]
    shown = ssh_keys.scan(address, settings.ssh.port)
    seen = f"{kind} {shown[kind]}" if kind in shown else ssh_keys.best(shown)
    expected = ssh_keys.fingerprint(host.host_key) if host.host_key else "in ssh.knownHostsFile"
    what = (
        f"the host at {address} has another SSH host key. hosts.{key}.hostKey: {expected}; "
        f"the host shows: {ssh_keys.fingerprint(seen) if seen else 'none'}"
    )
    for other, its in settings.hosts.items():
        if seen and its.host_key == seen:
            return f"{what}. The stack file pins that key for {other}", (
                f"are the addresses, or the keys, of hosts.{key} and hosts.{other} interchanged?"
            )
    cure = (
        "compare on its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. If the host was "
        f"set up anew, write this line to hosts.{key}; else somebody may be in between:\n"
        f"        hostKey: {seen}"
    )
    return what, cure
