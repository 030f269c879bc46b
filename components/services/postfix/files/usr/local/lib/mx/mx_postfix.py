"""Questions to the Postfix of this MX host, asked as its users ask them.

usage: mx_postfix.py lives                     did no daemon die since the last reload?
       mx_postfix.py probe DOMAIN [RECIPIENT]  does it take mail for RECIPIENT from strangers, and
                                               refuse unknown recipients and other domains?
       mx_postfix.py queue                     what is queued, as one line
       mx_postfix.py give-up                   say what is queued; the stack gives it up

Runs as root. Exit codes: 0 yes, or empty; 1 no, with the reason on standard error.
"""

from __future__ import annotations

import ipaddress
import json
import pwd
import re
import secrets
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

MYNETWORKS = Path("/etc/postfix/tables/mynetworks.cidr")
# Programs that a user of the host calls: their fatal errors are about that call.
_CALLED = {"postfix/sendmail", "postfix/postdrop", "postfix/postqueue", "postfix/postmap"}
_MASTER = "postfix/master"
_BEGIN = re.compile(r"(reload|daemon started) -- version ")
_DEAD = re.compile(r"(fatal|panic|error): ")
# Warnings of other programs repeat what clients say, so only those of master(8) count.
_MASTER_DEAD = re.compile(
    r"warning: \S+: bad command startup|warning: process .* (exit status|killed by)"
)
_LOG_MINUTES = 10
_OUTSIDE = "mx-probe@mx-probe.invalid"


class No(Exception):
    """The answer is no; the text says why."""


def run(*argv: str) -> str:
    """Standard output of a command. Raises No with its words."""
    try:
        done = subprocess.run(
            argv, capture_output=True, encoding="utf-8", errors="replace", timeout=60, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise No(f"{' '.join(argv)} did not end within {error.timeout:.0f} s") from None
    if done.returncode != 0:
        raise No(f"{argv[0]}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def deaths() -> list[str]:
    """What daemons died of since the last start or reload, newest first."""
    # The kernel vouches for the user; the identifier is what the sender says.
    users = [f"_UID={number}" for number in (0, pwd.getpwnam("postfix").pw_uid)]
    argv = [
        *("journalctl", "-q", "-b", "-r", "-o", "json", "SYSLOG_FACILITY=2", *users),
        *("--output-fields=MESSAGE,SYSLOG_IDENTIFIER", f"--since=-{_LOG_MINUTES}min"),
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as journal:
        found = list(died(journal.stdout or ()))
        journal.kill()
    return found


def died(journal: Iterable[bytes]) -> Iterator[str]:
    """The last words of daemons, of entries that come newest first, up to a start or reload."""
    for line in journal:
        entry = json.loads(line)
        # A message that is not UTF-8 comes as a list of bytes; none of ours is one.
        text, program = str(entry.get("MESSAGE")), str(entry.get("SYSLOG_IDENTIFIER"))
        if program == _MASTER and _BEGIN.match(text):
            return
        dead = _DEAD.match(text) or (program == _MASTER and _MASTER_DEAD.match(text))
        if program not in _CALLED and program.startswith("postfix") and dead:
            yield f"{program}: {text}"


def trusted() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks whose clients may relay."""
    lines = MYNETWORKS.read_text().split("\n")
    return [ipaddress.ip_network(line.split()[0]) for line in lines if line.strip()]


def strange() -> Iterator[str]:
    """Addresses of this host that are a stranger's to its own Postfix."""
    networks = trusted()
    for link in json.loads(run("ip", "-json", "address", "show", "scope", "global")):
        for each in link.get("addr_info", []):
            if "local" not in each or each.get("tentative") or each.get("dadfailed"):
                continue
            address = ipaddress.ip_address(each["local"])
            if not any(address in network for network in networks):
                yield str(address)


def connect() -> tuple[smtplib.SMTP, str]:
    """A session with the own Postfix as somebody whom it does not trust. Raises No."""
    words = "every address of this host is in mynetworks"
    for address in strange():
        client = smtplib.SMTP(timeout=30)
        try:
            code, text = client.connect(address, 25)
        except OSError as error:
            words = f"{address}: {error}"
            continue
        if code != 220:
            raise No(f"{address}: {code} {text.decode(errors='replace')}")
        return client, address
    raise No(words)


def probe(domain: str, recipient: str | None) -> None:
    """Raises No unless mail is taken and refused as it should be."""
    try:
        client, address = connect()
        with client:
            questions(client, address, domain, recipient)
    except (OSError, smtplib.SMTPException) as error:
        words = f"the session with the own port 25 ended: {error}"
        raise No("\n".join([words, *deaths()])) from None
    except No as error:
        raise No("\n".join([str(error), *deaths()])) from None


def lives() -> None:
    """Raises No when a daemon died since the last start or reload, or qmgr(8) does not run."""
    run("postqueue", "-f")  # wakes qmgr(8), which dies at once of a value that it cannot read
    running = subprocess.run(["pgrep", "-x", "qmgr"], capture_output=True, check=False)
    dead = deaths()
    if running.returncode != 0:
        dead.append("qmgr(8) does not run: no mail leaves")
    if dead:
        raise No("\n".join(dead[:5]))


def questions(client: smtplib.SMTP, address: str, domain: str, recipient: str | None) -> None:
    """The recipients that a stranger may name, and those that he may not. Raises No."""
    client.ehlo(run("postconf", "-h", "myhostname").strip())
    code, text = client.mail("<>")
    if code != 250:
        raise No(f"MAIL FROM:<> from {address}: {code} {text.decode(errors='replace')}")
    unknown = f"mx-probe-{secrets.token_hex(8)}@{domain}"
    asked: list[tuple[str, tuple[int, ...], str]] = [
        (unknown, (550, 551, 554), "an unknown recipient is not refused"),
        (_OUTSIDE, (454, 550, 554), "an open relay: a recipient elsewhere is not refused"),
    ]
    if recipient is not None:
        # 450 is the answer of greylisting.
        asked.insert(0, (recipient, (250, 450), "a recipient is not accepted"))
    for to, right, wrong in asked:
        code, text = client.rcpt(to)
        if code not in right:
            words = text.decode(errors="replace")
            raise No(f"{wrong}: RCPT TO:<{to}> from {address}: {code} {words}")


def queued() -> list[dict[str, object]]:
    """The messages in the queue, as postqueue(1) tells of them."""
    # Addresses in it have other separators than newlines, as strangers wrote them.
    return [json.loads(line) for line in run("postqueue", "-j").split("\n") if line.strip()]


def told(messages: list[dict[str, object]]) -> str:
    """How many messages there are, how old, and where they wait for."""
    if not messages:
        return "the queue is empty"
    oldest = max(0, int(time.time() - min(float(str(each["arrival_time"])) for each in messages)))
    age = f"{oldest // 86400} d" if oldest >= 172800 else f"{oldest // 60} min"
    domains: dict[str, int] = {}
    for each in messages:
        for to in each.get("recipients", []):  # type: ignore[attr-defined]
            name = str(to.get("address", "")).rpartition("@")[2]
            domains[name] = domains.get(name, 0) + 1
    most = sorted(domains, key=lambda name: (-domains[name], name))[:3]
    number = "1 message is" if len(messages) == 1 else f"{len(messages)} messages are"
    return f"{number} queued, the oldest for {age}, for {', '.join(most)}"


def main(arguments: list[str]) -> int:
    """Do what the verb says; return the exit code."""
    try:
        match arguments:
            case ["lives"]:
                lives()
            case ["probe", domain]:
                probe(domain, None)
            case ["probe", domain, recipient]:
                probe(domain, recipient)
            case ["queue" | "give-up"]:
                print(told(queued()))
            case _:
                print(__doc__, file=sys.stderr)
                return 64
    except No as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
