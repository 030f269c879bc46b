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


def ask(asking: Asking, given: dict[str, object], answers: Answers) -> None:
    """Put the answers to all questions into `answers`; `given` are options by name.

    What options give is checked before anything is asked. Raises Failure, and then `answers` has
    what was answered until then.
    """
    _options(given, answers)
    described = [each.split(",") for each in _all(given, "given")]
    if not described:
        question = "Names of the MX hosts, separated by blanks"
        names = asking.words(question, "--host", kind=checked.hostnames)
        described = [[one] for one in names.split()]
    answers.hosts = [Host(name, "") for name, *_ in described]
    if not answers.ssh_user and asking.possible:
        tell("the login on the hosts is root, or a user who may use sudo without a password")
    user = answers.ssh_user or asking.words(
        "Login on the hosts", "--ssh-user", "root", checked.login
    )
    answers.ssh_user = user
    taken: dict[str, str] = {}
    for host, (_, *addresses) in zip(answers.hosts, described, strict=True):
        _addresses(asking, host, addresses, answers.ssh_port, taken)
    if not answers.domains:
        question = "Mail domains, separated by blanks"
        answers.domains = asking.words(question, "--domain", kind=checked.domains).split()
    if not answers.recipients:
        if asking.possible:
            tell(
                "mail for any other local part than those that you give now is refused; your "
                "answer takes the place of those in brackets"
            )
        question = "Local parts that take mail in every domain, separated by blanks"
        answers.recipients = asking.words(
            question, "--recipient", "postmaster abuse", checked.local_parts
        ).split()
    if "abuse" not in answers.recipients:
        tell(
            "mail for abuse is refused: your answer lacks it. Others report abuse there (RFC 2142)"
        )
    if "postmaster" not in answers.recipients:
        # RFC 5321 section 4.5.1; the DMARC reports of the new domains go there, too.
        answers.recipients.append("postmaster")
        tell("postmaster is accepted too: every mail domain must take mail for it (RFC 5321)")
    tell(f"mail is taken for {', '.join(answers.recipients)}, and for no other local part")
    if not answers.mailbox_host:
        question = "Name of the mailbox host, with :PORT when it is not 25"
        _mailbox(answers, asking.words(question, "--mailbox-host", kind=checked.mailbox))


def _options(given: dict[str, object], answers: Answers) -> None:
    """Take the options that need no question. Raises Failure for a wrong one."""
    answers.ssh_user, answers.ssh_key = str(given["ssh_user"]), str(given["ssh_key"])
    answers.ssh_port = int(str(given["ssh_port"]))
    if answers.ssh_key and not Path(answers.ssh_key).expanduser().is_file():
        raise Failure(f"--ssh-key {answers.ssh_key}: there is no such file", USAGE)
    for described in _all(given, "given"):
        name, *addresses = described.split(",")
        checked.given("--host", name, checked.hostnames)
        for kind, address, check in zip(
            ("IPv4", "IPv6"), addresses, (checked.ipv4, checked.ipv6), strict=False
        ):
            checked.given(f"--host {name}: {kind} address", address, check)
    answers.domains = [
        checked.given("--domain", domain, checked.domains) for domain in _all(given, "domains")
    ]
    answers.recipients = [
        checked.given("--recipient", one, checked.local_parts) for one in _all(given, "recipients")
    ]
    if mailbox := str(given["mailbox_host"] or ""):
        _mailbox(answers, checked.given("--mailbox-host", mailbox, checked.mailbox))
    answers.mynetworks = _all(given, "mynetworks")
    for one in _all(given, "zones"):
        zone, _, identifier = one.partition("=")
        answers.zones[zone] = checked.given(f"--zone {zone}", identifier, checked.zone_id)


def _all(given: dict[str, object], name: str) -> list[str]:
    """The values of an option that may be given several times."""
    values = given[name]
    return [str(one) for one in values] if isinstance(values, tuple) else []


def _addresses(
    asking: Asking, host: Host, addresses: list[str], port: int, taken: dict[str, str]
) -> None:
    """The addresses of a host: as given, else from DNS, else asked. SSH answers at `port`.

    `taken`: the addresses of the hosts before this one; gets those of this one.
    """
    name = host.hostname
    if addresses:
        host.ipv4, host.ipv6 = addresses[0], "".join(addresses[1:2])
        return
    # At once, so that Ctrl-C at the next question keeps what was answered.
    host.ipv4 = _address(name, socket.AF_INET) or asking.words(
        f"IPv4 address of {name} (DNS as seen from here has none)",
        "--host NAME,IPV4",
        kind=checked.other_than(taken, checked.shows_a_key(port, checked.ipv4)),
    )
    ipv6 = _address(name, socket.AF_INET6) or asking.words(
        f"IPv6 address of {name}, or none",
        "--host NAME,IPV4,IPV6",
        "none",
        checked.other_than(taken, checked.no_ipv6),
    )
    host.ipv6 = "" if ipv6 == "none" else ipv6
    taken |= dict.fromkeys(filter(None, (host.ipv4, host.ipv6)), name)


def _mailbox(answers: Answers, place: str) -> None:
    answers.mailbox_host, _, port = place.partition(":")
    answers.mailbox_port = int(port or 25)
    name = answers.mailbox_host
    if not (_address(name, socket.AF_INET) or _address(name, socket.AF_INET6)):
        tell(
            f"{name} has no address in the DNS that this machine asks. If the name is wrong, "
            "correct mailboxHosts.mailbox1.hostname in the stack file before `mx check`"
        )


def _address(hostname: str, family: socket.AddressFamily) -> str:
    """The address of a name in DNS; empty when it has none."""
    try:
        return str(socket.getaddrinfo(hostname, None, family)[0][4][0])
    except OSError:
        return ""
