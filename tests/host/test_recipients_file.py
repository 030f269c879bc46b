"""100,000 recipients in a file: loaded, looked up, three changed; the state does not hold them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.services.postfix import sql_maps

from .conftest import ROOT, Ssh
from .test_database import rcpt
from .test_stack import stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
ROWS = [f"person{number:06}" for number in range(100_000)]
DOMAIN = "bulk.example.test"


@pytest.fixture
def recipients(stack_file: Path) -> Iterator[Path]:
    """The file of a domain that the lab's stack gets for this test."""
    path = ROOT / "stacks" / "bulk-recipients.txt"
    domain = f"      {DOMAIN}: {{mailboxHost: mailbox1, recipientsFile: {path.name}}}\n"
    text = stack_file.read_text()
    stack_file.write_text(text.replace("    domains:\n", f"    domains:\n{domain}"))
    yield path
    path.unlink()


def up(pulumi: Pulumi) -> str:
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_file_of_recipients(pulumi: Pulumi, ssh: Ssh, recipients: Path) -> None:
    recipients.write_text("person000000\n")
    assert "recipient: 1 added, 0 removed, 5 rows now" in up(pulumi)
    before = len(pulumi("stack", "export").stdout)
    recipients.write_text("\n".join(["# 100,000 people", *ROWS]) + "\n")
    assert "recipient: 99999 added, 0 removed, 100004 rows now" in up(pulumi)
    exported = pulumi("stack", "export").stdout
    assert "person000000" not in exported
    assert len(exported) - before < 1000
    assert (rcpt(f"person099999@{DOMAIN}"), rcpt(f"dave@{DOMAIN}")) == (250, 550)
    plan = ssh(
        "mx1",
        'mariadb mail -rNe "EXPLAIN FORMAT=JSON SELECT local_part FROM recipient WHERE domain = '
        f"'{DOMAIN}' AND local_part = 'person050000'\"",
    )
    assert json.loads(plan)["query_block"]["nested_loop"][0]["table"]["rows"] == 1

    recipients.write_text("\n".join([*ROWS[:-1], "dave", "erin"]) + "\n")
    diff = pulumi("preview", "--diff").stdout
    assert len(re.findall(r"~ rows +: 100000 => 100001", diff)) == 2
    assert "recipient: 2 added, 1 removed, 100005 rows now" in up(pulumi)
    assert len(pulumi("stack", "export").stdout) - len(exported) < 1000
    assert (rcpt(f"person099999@{DOMAIN}"), rcpt(f"dave@{DOMAIN}")) == (550, 250)

    for lines, fault in {
        "alice\nAlice\n": "stacks/bulk-recipients.txt:2: not a local part",
        "alice\nbob\nalice\n": "stacks/bulk-recipients.txt:3: alice is already in line 1",
    }.items():
        recipients.write_text(lines)
        assert fault in pulumi("preview").stdout
    recipients.write_text("\n".join([*ROWS[:-1], "dave", "erin"]) + "\n")

    # A file that came on the host by another way is not loaded.
    upload = f"/var/lib/mx-upload/recipients-{DOMAIN}"
    program = "/usr/bin/python3 -I /usr/local/lib/mx/mail_database.py apply /etc/mx-database"
    said = ssh("mx1", f"echo mallory >> {upload}; {program} 2>&1 || true")
    assert f"recipients of {DOMAIN}: {upload} is not the file of the settings" in said
    ssh("mx1", f"rm {upload}")
    assert "is not the file of the settings" in up(pulumi)
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout
    ssh("mx1", program)
    assert ssh("mx1", f"postmap -q dave@{DOMAIN} {sql_maps.table('relay_recipients')}") == "dave\n"
