"""Which domains of `mx init` have mail today."""

from __future__ import annotations

from tools.status.names import Names, NoResolver

from .console import tell
from .init_file import Answers

_SECONDS = 3.0


def find(answers: Answers) -> None:
    """Find the domains that have mail today, as DNS tells it here; nothing is known without it."""
    try:
        names = Names(None, _SECONDS)
    except NoResolver:
        return  # this machine has no resolver
    hosts = {host.hostname for host in answers.hosts}
    for domain in answers.domains:
        answer = names.ask(domain, "MX")
        if answer.outcome == "failed":
            return  # each further question would wait as long
        found = [value.split()[-1].rstrip(".").lower() for value in answer.values]
        if others := sorted({*found} - hosts - {""}):
            answers.live.append(domain)
            tell(
                f"{domain} has mail today: its MX records name {', '.join(others)}. So the stack "
                "file lists your hosts under leavingMx: they will serve the domain, and no MX "
                "record names them until you remove that key (docs/moving-a-domain.md)"
            )
        if ours := sorted({*found} & hosts):
            tell(
                f"MX records of {domain} name {', '.join(ours)} today, so mail comes there now, "
                "set up or not. If these hosts do not serve it yet, remove the records first"
            )
