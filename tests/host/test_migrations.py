"""Migrations on a real MariaDB: once, in order, back again; failing ones, two at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.services.postfix import sql_maps

from .conftest import Ssh

pytestmark = pytest.mark.host

DIRECTORY = "/run/mx-test-database"
PROGRAM = "/usr/bin/python3 -I /usr/local/lib/mx/mail_database.py"
APPLY = f"{PROGRAM} apply {DIRECTORY}"
STATE = (
    "mariadb -N -e 'SELECT name, sha256 FROM mail.schema_migration; SHOW TABLES FROM mail; "
    "SHOW DATABASES; CHECKSUM TABLE mail.recipient, mail.alias, mail.mail_domain'"
)


@pytest.fixture
def directory(ssh: Ssh) -> Iterator[str]:
    """A copy of what `up` put on mx1; afterwards the database is made anew from the original."""
    ssh("mx1", f"cp -a /etc/mx-database {DIRECTORY}")
    yield f"{DIRECTORY}/schema"
    ssh("mx1", f"rm -rf {DIRECTORY}; {PROGRAM} drop && {PROGRAM} apply /etc/mx-database")


def fails(ssh: Ssh, words: str) -> None:
    """The next run ends with these words, and data and record are as before."""
    before = ssh("mx1", STATE)
    said = ssh("mx1", f"{APPLY} 2>&1 && echo succeeded || true")
    assert words in said
    assert "the database is as before" in said
    assert ssh("mx1", STATE) == before


def test_once_and_in_order(ssh: Ssh, directory: str) -> None:
    ssh("mx1", f"{PROGRAM} drop")
    applied = [line for line in ssh("mx1", APPLY).splitlines() if line.startswith("migration")]
    assert applied == [
        "migration 0001_domains_recipients_aliases.sql: applied",
        "migration 0002_transports.sql: applied",
        "migration 0003_tls_policies.sql: applied",
    ]
    assert ssh("mx1", APPLY) == ""
    sums = ssh("mx1", f"cd {directory} && sha256sum *.sql | awk '{{print $2, $1}}'")
    recorded = ssh("mx1", "mariadb -N -e 'SELECT name, sha256 FROM mail.schema_migration'")
    assert recorded.replace("\t", " ") == sums


def test_former_schema_comes_back_with_the_former_directory(ssh: Ssh, directory: str) -> None:
    before = ssh("mx1", STATE)
    ssh("mx1", f"echo 'CREATE TABLE more (a INT PRIMARY KEY);' > {directory}/0004_more.sql")
    ssh("mx1", f"echo '-- a remark' >> {directory}/0002_transports.sql")
    assert ssh("mx1", APPLY) == (
        "migration 0002_transports.sql: applied\nmigration 0004_more.sql: applied\n"
    )
    ssh("mx1", f"rm {directory}/0004_more.sql")
    ssh("mx1", f"cp /etc/mx-database/schema/0002_transports.sql {directory}")
    assert ssh("mx1", APPLY) == (
        "migration 0002_transports.sql: applied\nmigration 0004_more.sql: taken back\n"
    )
    assert ssh("mx1", STATE) == before


def test_a_gap_is_refused_by_name(ssh: Ssh, directory: str) -> None:
    ssh("mx1", f"mv {directory}/0003_tls_policies.sql {directory}/0004_x.sql")
    fails(ssh, "migration 0004_x.sql: expected a name that begins with 0003_")


def test_rows_that_a_good_migration_refuses_leave_schema_rows_and_record(
    ssh: Ssh, directory: str
) -> None:
    check = "ALTER TABLE recipient ADD CONSTRAINT short CHECK (local_part <> 'alice');"
    ssh("mx1", f'echo "{check}" > {directory}/0004_short.sql')
    fails(ssh, "4025 CONSTRAINT `short` failed")
    # The former directory is accepted, and has nothing to do.
    ssh("mx1", f"rm {directory}/0004_short.sql")
    assert ssh("mx1", APPLY) == ""


@pytest.mark.parametrize("milliseconds", [50, 150, 250, 400])
def test_killed_at_any_moment_it_leaves_the_former_or_the_new_and_takes_both(
    ssh: Ssh, directory: str, milliseconds: int
) -> None:
    before = ssh("mx1", STATE)
    ssh("mx1", f"echo 'CREATE TABLE more (a INT PRIMARY KEY);' > {directory}/0004_more.sql")
    ssh("mx1", f"timeout -s KILL 0.{milliseconds:03} {APPLY} || true")
    names = ssh("mx1", "mariadb -N -e 'SELECT name FROM mail.schema_migration'").split()
    assert len(names) in (3, 4)
    ssh("mx1", f"rm {directory}/0004_more.sql && {APPLY}")
    assert ssh("mx1", STATE) == before


def test_a_failing_one_leaves_data_and_record(ssh: Ssh, directory: str) -> None:
    ssh("mx1", f"echo 'CREATE TABLE good (a INT PRIMARY KEY);' > {directory}/0004_good.sql")
    bad = "ALTER TABLE recipient ADD COLUMN a INT; DELETE FROM recipient; CREATE TABLE bad (;"
    ssh("mx1", f"echo '{bad}' > {directory}/0005_bad.sql")
    fails(ssh, "migration 0005_bad.sql: 1064 You have an error in your SQL syntax")


def test_keeps_rows_keys_and_account(ssh: Ssh, directory: str) -> None:
    rows = ssh("mx1", "mariadb -N -e 'SELECT * FROM mail.recipient'")
    ssh("mx1", f"echo 'ALTER TABLE recipient ADD COLUMN a INT;' > {directory}/0004_column.sql")
    assert ssh("mx1", APPLY) == "migration 0004_column.sql: applied\n"
    after = ssh("mx1", "mariadb -N -e 'SELECT domain, local_part FROM mail.recipient'")
    assert after == rows
    keys = ssh("mx1", "mariadb -N -e 'SHOW CREATE TABLE mail.recipient\\G'")
    assert "FOREIGN KEY (`domain`) REFERENCES `mail_domain` (`name`)" in keys
    ssh("mx1", f"postmap -q alice@example.test {sql_maps.table('relay_recipients')}")


def test_two_runs_at_the_same_time_apply_once(ssh: Ssh, directory: str) -> None:
    slow = "DO SLEEP(2); CREATE TABLE slow (a INT PRIMARY KEY);"
    ssh("mx1", f"echo '{slow}' > {directory}/0004_slow.sql")
    said = ssh("mx1", f"{APPLY} & first=$!; {APPLY} && wait $first")
    assert said == "migration 0004_slow.sql: applied\n"
