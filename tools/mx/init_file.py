"""The stack file that `mx init` writes, from answers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

import yaml

from .console import program

_HEAD = """\
# yaml-language-server: $schema=schema.json
# The settings of this environment. docs/settings.md explains every key.
"""


_LEAVING = """\
        # The domain has mail today. These hosts serve it, and no MX record names them until you
        # remove leavingMx (docs/moving-a-domain.md, step 5).
"""


@dataclass
class Host:
    """One MX host, as the user described it and as SSH shows it."""

    hostname: str
    ipv4: str
    ipv6: str = ""
    host_key: str = ""
    debian: int = 13

    @property
    def key(self) -> str:
        """The key of the host in the stack file: the first label of its name."""
        return self.hostname.partition(".")[0]


@dataclass
class Answers:
    """Everything that the stack file of a new environment needs."""

    hosts: list[Host] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    mailbox_host: str = ""
    mailbox_port: int = 25
    mynetworks: list[str] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)
    ssh_user: str = "root"
    ssh_key: str = ""
    ssh_port: int = 22
    certificates: bool = False
    backend: str = ""
    # Domains that have mail: no MX record of ours comes until a person says so.
    live: list[str] = field(default_factory=list)


def mail(answers: Answers) -> dict[str, Any]:
    """The value of `mx:mail`. SPF and DMARC in it are lax: the domains may be in use."""
    ssh: dict[str, Any] = {"user": answers.ssh_user}
    if answers.ssh_port != 22:
        ssh["port"] = answers.ssh_port
    if answers.ssh_key:
        ssh["privateKeyFile"] = answers.ssh_key
    mailbox: dict[str, Any] = {"hostname": answers.mailbox_host}
    if answers.mailbox_port != 25:
        mailbox["port"] = answers.mailbox_port
    contact = f"postmaster@{answers.domains[0]}"
    found: dict[str, Any] = {
        "ssh": ssh,
        "hosts": {host.key: _host(host, number) for number, host in enumerate(answers.hosts)},
        "mailboxHosts": {"mailbox1": mailbox},
        "dns": {
            "zones": answers.zones,
            "records": {
                "spf": "v=spf1 mx ~all",
                "dmarc": f"v=DMARC1; p=none; rua=mailto:{contact}",
            },
        },
        "rollout": {"canary": answers.hosts[0].key},
    }
    if answers.mynetworks:
        found["postfix"] = {"mynetworks": answers.mynetworks}
    if answers.certificates:
        found["certificates"] = {"acceptTerms": True}
    found["domains"] = {domain: _domain(answers, domain) for domain in answers.domains}
    return found


def _domain(answers: Answers, domain: str) -> dict[str, Any]:
    found: dict[str, Any] = {"mailboxHost": "mailbox1", "recipients": [*answers.recipients]}
    if domain in answers.live:
        found["leavingMx"] = [host.key for host in answers.hosts]
    return found


def _host(host: Host, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"hostname": host.hostname, "ipv4": host.ipv4}
    if host.ipv6:
        found["ipv6"] = host.ipv6
    found |= {"hostKey": host.host_key, "debian": host.debian}
    if number:
        found["preference"] = 10 * (number + 1)
    return found


def call(name: str, answers: Answers, trusted: bool = False) -> str:
    """The command line of `mx init` that gives these answers, a line for each option."""
    options: list[tuple[str, ...]] = [
        ("--host", ",".join(filter(None, (host.hostname, host.ipv4, host.ipv6))))
        for host in answers.hosts
    ]
    options += [("--domain", domain) for domain in answers.domains]
    options += [("--recipient", one) for one in answers.recipients]
    if answers.mailbox_host:
        options.append(("--mailbox-host", f"{answers.mailbox_host}:{answers.mailbox_port}"))
    options += [("--mynetworks", one) for one in answers.mynetworks]
    options += [("--zone", f"{zone}={key}") for zone, key in answers.zones.items()]
    options += [("--ssh-user", answers.ssh_user)] if answers.ssh_user else []
    options += [("--ssh-port", str(answers.ssh_port))] if answers.ssh_port != 22 else []
    options += [("--ssh-key", answers.ssh_key)] if answers.ssh_key else []
    options += [("--backend", answers.backend)] if answers.backend else []
    options += [("--trust-host-keys",)] if trusted else []
    options += [("--accept-terms",)] if answers.certificates else []
    return " \\\n  ".join(shlex.join(each) for each in ((program(), "init", name), *options))


def text(answers: Answers) -> str:
    """The whole stack file."""
    document = {"config": {"mx:mail": mail(answers)}}
    written = yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)
    return _HEAD + written.replace("        leavingMx:\n", f"{_LEAVING}        leavingMx:\n")
