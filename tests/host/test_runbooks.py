"""Commands of the runbooks that run on a host do run there, for root and for a sudo login."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.settings.stack_file import settings_of
from tools.mx.verbs_host import as_root

from .conftest import ROOT, Ssh

pytestmark = pytest.mark.host

COMMAND = re.compile(r"mx run STACK HOST '([^']+)'")
NAMES = {"DOMAIN": "example.test", "SELECTOR": "mx1", "NAME": "unbound", "LIST": "block.test"}
NAMES |= {"MAILBOXHOST": "mailbox1.example.test", "NEXTHOP": "mailbox1.example.test"}
# What a person calls where the checkout is: another lab host can do that, too.
FROM_OUTSIDE = re.compile(r"^    (openssl s_client .*)$", re.MULTILINE)
# What a shell and sudo say of a command that does not exist or is not allowed.
BROKEN = re.compile(
    r"not found|ermission denied|password|usage:|nvalid option|nknown (option|operation)"
)
LOGIN = "operator"


def commands() -> list[str]:
    found = dict[str, None]()
    for page in sorted((ROOT / "docs/runbooks").glob("Mx*.md")):
        for line in COMMAND.findall(page.read_text()):
            for name, value in NAMES.items():
                line = re.sub(rf"\b{name}\b", value, line)
            # Not for each run of the tests: a renewal asks the authority, an upgrade the mirror.
            # Nor is the mail stopped.
            if not re.search(r"start mx-certificates|apt-get -y upgrade|stop postfix", line):
                found[line] = None
    return list(found)


@pytest.fixture
def sudo_login(ssh: Ssh) -> str:
    key = Path("/var/lib/mx-lab/ssh/id_ed25519.pub").read_text().strip()
    ssh(
        "mx1",
        f"id {LOGIN} 2>/dev/null || useradd -m -s /bin/sh {LOGIN}; command -v sudo || "
        "apt-get install -qqy sudo >/dev/null; install -d -m 700 -o operator -g operator "
        f"/home/{LOGIN}/.ssh; echo '{key}' >/home/{LOGIN}/.ssh/authorized_keys; "
        f"echo '{LOGIN} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{LOGIN}",
    )
    return LOGIN


def test_commands_of_the_runbooks_run_for_root_and_for_a_sudo_login(
    lab: dict[str, str], sudo_login: str
) -> None:
    settings = settings_of("lab")
    for user in ("root", sudo_login):
        login = settings.model_copy(update={"ssh": settings.ssh.model_copy(update={"user": user})})
        answers = {line: as_root(login, "mx1", line) for line in commands()}
        bad = {line: answer for line, answer in answers.items() if BROKEN.search(answer[2])}
        assert not bad, (user, bad)
        # journalctl says so of a filter that matches nothing or may not read.
        assert all(code != 127 for code, _, _ in answers.values()), (user, answers)


def test_commands_that_call_a_host_from_outside_name_it_as_dns_does(ssh: Ssh) -> None:
    lines = {
        line.replace("HOSTNAME", "mx1.example.test")
        for page in sorted((ROOT / "docs/runbooks").glob("Mx*.md"))
        for line in FROM_OUTSIDE.findall(page.read_text())
    }
    assert len(lines) >= 3
    for line in lines:
        said = ssh("mx2", f"{{ {line}; }} 2>&1 || true")
        assert re.search(r"Verification: OK|notAfter=|[0-9a-f]{64}", said), said
        assert "Could not read" not in said
