"""The questions of `mx init`: hosts, domains, mailbox host, zones."""

from __future__ import annotations

import socket
from pathlib import Path

from . import answers as checked
from .answers import Asking
from .app import Failure
from .codes import USAGE
from .console import tell
from .init_file import Answers, Host


def ask(asking: Asking, given: dict[str, object]) -> Answers:
    """The answers to all questions; `given` are options by name. Raises Failure."""
    listed = given["given"] if isinstance(given["given"], tuple) else ()
    described = [str(one).split(",") for one in listed]
    if not described:
        question = "Names of the MX hosts, separated by blanks"
        names = asking.words(question, "--host", kind=checked.hostnames)
        described = [[one] for one in names.split()]
    user, key = str(given["ssh_user"]), str(given["ssh_key"])
    if key and not Path(key).expanduser().is_file():
        raise Failure(f"--ssh-key {key}: there is no such file", USAGE)
    if not user and asking.possible:
        tell("the login on the hosts is root, or a user who may use sudo without a password")
    user = user or asking.words("Login on the hosts", "--ssh-user", "root")
    answers = Answers(ssh_user=user, ssh_port=int(str(given["ssh_port"])), ssh_key=key)
    for name, *addresses in described:
        checked.given("--host", name, checked.hostnames)
        ipv4 = addresses[0] if addresses else _address(name, socket.AF_INET)
        if not ipv4:
            ipv4 = asking.words(f"IPv4 address of {name}", "--host NAME,IPV4", kind=checked.ipv4)
        checked.given(f"--host {name}: IPv4 address", ipv4, checked.ipv4)
        ipv6 = addresses[1] if len(addresses) > 1 else ""
        if not addresses:
            ipv6 = _address(name, socket.AF_INET6) or asking.words(
                f"IPv6 address of {name}, or none", "--host NAME,IPV4,IPV6", "none", checked.no_ipv6
            )
        ipv6 = "" if ipv6 == "none" else ipv6
        if ipv6:
            checked.given(f"--host {name}: IPv6 address", ipv6, checked.ipv6)
        answers.hosts.append(Host(name, ipv4, ipv6))
    domains = given["domains"] if isinstance(given["domains"], tuple) else ()
    answers.domains = [checked.given("--domain", str(one), checked.hostnames) for one in domains]
    if not domains:
        question = "Mail domains, separated by blanks"
        answers.domains = asking.words(question, "--domain", kind=checked.hostnames).split()
    question = "Recipients in every domain, separated by blanks"
    recipients = given["recipients"] if isinstance(given["recipients"], tuple) else ()
    answers.recipients = [str(one) for one in recipients] or asking.words(
        question, "--recipient", "postmaster abuse"
    ).split()
    if "postmaster" not in answers.recipients:
        # RFC 5321 section 4.5.1; the DMARC reports of the new domains go there, too.
        answers.recipients.append("postmaster")
        tell("postmaster is accepted too: every mail domain must take mail for it (RFC 5321)")
    mailbox = str(given["mailbox_host"] or "")
    if mailbox:
        checked.given("--mailbox-host", mailbox, checked.mailbox)
    else:
        question = "Name of the mailbox host, with :PORT when it is not 25"
        mailbox = asking.words(question, "--mailbox-host", kind=checked.mailbox)
    answers.mailbox_host, _, port = mailbox.partition(":")
    answers.mailbox_port = int(port or 25)
    networks = given["mynetworks"] if isinstance(given["mynetworks"], tuple) else ()
    answers.mynetworks = [str(one) for one in networks]
    for one in given["zones"] if isinstance(given["zones"], tuple) else ():
        zone, _, identifier = str(one).partition("=")
        answers.zones[zone] = checked.given(f"--zone {zone}", identifier, checked.zone_id)
    return answers


def _address(hostname: str, family: socket.AddressFamily) -> str:
    """The address of a name in DNS; empty when it has none."""
    try:
        return str(socket.getaddrinfo(hostname, None, family)[0][4][0])
    except OSError:
        return ""
