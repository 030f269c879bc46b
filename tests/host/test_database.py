"""The database on a real host: who reads, how, rows that come and go, an outage."""

from __future__ import annotations

import json
import smtplib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from components.services.postfix import sql_maps

from .conftest import MX1, Ssh
from .test_stack import stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]

KEYS = {
    "relay_domains": ("example.test", "example.test"),
    "relay_recipients": ("alice@example.test", "alice"),
    "virtual": ("info@example.test", "alice@example.test,bob@example.test"),
    "transport": ("example.test", "smtp:[mailbox1.example.test]:25"),
    "tls_policy": ("[mailbox1.example.test]:25", None),
}


def rcpt(address: str) -> int:
    """The reply code of mx1 to a recipient."""
    with smtplib.SMTP(MX1, 25, "out.sender.test", timeout=60) as client:
        client.ehlo()
        client.mail("alice@sender.test")
        return client.rcpt(address)[0]


@pytest.mark.parametrize("name", KEYS)
def test_each_map_answers_postfix_from_one_index_read(ssh: Ssh, name: str) -> None:
    key, value = KEYS[name]
    ask = f"postmap -q '{key}' {sql_maps.table(name)} || echo none"
    assert ssh("mx1", ask).strip() == (value or "none")
    local, _, domain = key.rpartition("@")
    query = sql_maps.QUERIES[name]
    for mark, text in (("%s", key), ("%u", local), ("%d", domain)):
        query = query.replace(mark, text)
    plan = json.loads(ssh("mx1", f'mariadb -rN mail -e "EXPLAIN FORMAT=JSON {query}"'))
    block = plan["query_block"]
    if "message" in block.get("table", {}):  # no row has this key, and the index said so
        assert block["table"]["message"].startswith("Impossible WHERE noticed after reading const")
        return
    table = block.get("table") or block["nested_loop"][0]["table"]
    assert table["access_type"] in ("const", "ref")
    assert table["key"] == "PRIMARY"
    assert table["rows"] <= 2


def test_postfix_reads_without_a_password_and_can_do_nothing_else(ssh: Ssh) -> None:
    as_postfix = "setpriv --reuid postfix --regid postfix --clear-groups mariadb -u postfix mail"
    assert ssh("mx1", f"{as_postfix} -Ne 'SELECT name FROM mail_domain'") == "example.test\n"
    write = f"{as_postfix} -e 'DELETE FROM recipient' 2>&1 || true"
    assert "DELETE command denied" in ssh("mx1", write)
    nobody = "setpriv --reuid nobody --regid nogroup --clear-groups mariadb -u postfix 2>&1 || true"
    assert "Access denied" in ssh("mx1", nobody)
    assert "mariadb" not in ssh("mx1", "ss -Hltnp")
    assert ssh("mx1", "grep -h '^password' /etc/postfix/sql/*.cf | sort -u") == "password =\n"


def test_rows_come_and_go_without_a_reload(pulumi: Pulumi, ssh: Ssh, stack_file: Path) -> None:
    assert (rcpt("bob@example.test"), rcpt("dave@example.test")) == (250, 550)
    running = "systemctl show -p MainPID mariadb; pgrep -x master"
    begin, before = ssh("mx1", "date +%s").strip(), ssh("mx1", running)
    text = stack_file.read_text()
    # An alias may lead only to somebody, so the one to bob goes with him.
    text = text.replace("[alice, bob,", "[alice, dave, erin,").replace(", bob@example.test]", "]")
    stack_file.write_text(text)
    diff = [line.strip() for line in pulumi("preview", "--diff").stdout.splitlines()]
    changed = [line for line in diff if "example.test\t" in line and line[0] in "+-"]
    assert sorted(changed) == [
        *["+ example.test\tdave", "+ example.test\tdave"],
        *["+ example.test\terin", "+ example.test\terin"],
        *["- example.test\tbob", "- example.test\tbob"],
        *["- example.test\tinfo\tbob@example.test"] * 2,
    ]
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recipient: 2 added, 1 removed, 5 rows now" in done.stdout
    assert [rcpt(f"{who}@example.test") for who in ("alice", "bob", "dave", "erin")] == [
        250, 550, 250, 250,
    ]  # fmt: skip
    assert ssh("mx1", running) == before
    assert (
        ssh("mx1", f"journalctl -q --since @{begin} | grep -c 'postfix.*reload' || true") == "0\n"
    )


def test_outage_defers_and_ends_and_writes_no_mail_to_postmaster(ssh: Ssh) -> None:
    cursor = ssh("mx1", "journalctl -n 0 --show-cursor | sed 's/^-- cursor: //'").strip()
    ssh("mx1", "systemctl stop mariadb.service")
    try:
        assert rcpt("alice@example.test") == 451
        assert rcpt("nobody@example.test") == 451
    finally:
        ssh("mx1", "systemctl start mariadb.service")
    # Each proxymap(8) asks a failed server again after up to 60 s; until then it defers.
    wanted = {"alice@example.test": 250, "nobody@example.test": 550}
    deadline = time.monotonic() + 90
    while (codes := {address: rcpt(address) for address in wanted}) != wanted:
        assert all(codes[address] in (451, code) for address, code in wanted.items())
        assert time.monotonic() < deadline
        time.sleep(1)
    # One notice for each session that saw a 451 would fill the queue (notify_classes, postconf(5)).
    notices = f"journalctl -q --after-cursor '{cursor}' -o cat | grep -c 'from=<double-bounce@'"
    assert ssh("mx1", f"{notices} || true") == "0\n"
