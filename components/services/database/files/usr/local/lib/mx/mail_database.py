"""The database `mail` of an MX host: its schema, its rows, and who reads them.

usage: mail_database.py apply DIRECTORY    migrations, account, rows; DIRECTORY is written by mx
       mail_database.py compare DIRECTORY  prints what of it the database has otherwise
       mail_database.py drop               the database and the account are taken away

Runs on the host as root, over the unix socket. Needs python3-pymysql, MariaDB >= 10.6.
All that is in it comes from DIRECTORY. So where the schema is another one than that of DIRECTORY,
older or newer, the database is built anew beside the present one, with its rows, and one RENAME
TABLE puts it in its place: whatever fails before leaves schema, rows and record as they were.
Exit codes: 0 done, 1 refused or failed: the database is as before.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import SSCursor

SOCKET = "/run/mysqld/mysqld.sock"
LOCK, LOCK_SECONDS = "mx-mail-database", 120
READER = "postfix@localhost"
UPLOADS = Path("/var/lib/mx-upload")
BATCH = 5000
# So many rows of a table are shown on each side of a difference.
SHOWN = 20
# Parents before children; a column list is also the order of the fields in DIRECTORY/content.
TABLES = {
    "mail_domain": ("name",),
    "recipient": ("domain", "local_part"),
    "alias": ("domain", "local_part", "destination"),
    "transport": ("domain", "nexthop"),
    "tls_policy": ("nexthop", "policy"),
}
RECORD = """
CREATE TABLE IF NOT EXISTS schema_migration (
  name VARCHAR(100) NOT NULL,
  sha256 CHAR(64) NOT NULL,
  applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
"""


class Refused(Exception):
    """Nothing was changed; the text says why."""


class Migration(NamedTuple):
    """One file of the schema."""

    name: str
    sha256: str
    text: str


def read_migrations(directory: Path) -> list[Migration]:
    """The files of the schema in their order. Raises Refused when their numbers have a gap."""
    found = []
    for number, path in enumerate(sorted(directory.glob("*.sql")), start=1):
        if not re.fullmatch(rf"{number:04}_[a-z0-9_]+\.sql", path.name):
            raise Refused(f"migration {path.name}: expected a name that begins with {number:04}_")
        data = path.read_bytes()
        found.append(Migration(path.name, hashlib.sha256(data).hexdigest(), data.decode()))
    return found


class Database:
    """One session of root; unless it only reads, it holds the lock until it ends."""

    def __init__(self, reading: bool = False) -> None:
        self.session = pymysql.connect(
            unix_socket=SOCKET,
            user="root",
            charset="utf8mb4",
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        if reading:
            self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            return
        self.run("SET SESSION lock_wait_timeout = 60, innodb_lock_wait_timeout = 60")
        if self.rows("SELECT GET_LOCK(%s, %s)", LOCK, LOCK_SECONDS) != [(1,)]:
            raise Refused(f"another run has held the lock {LOCK} for {LOCK_SECONDS} s")

    def run(self, text: str, *values: object) -> int:
        """Run statements to the end of the last one; return the rows that the last one touched."""
        with self.session.cursor() as cursor:
            cursor.execute(text, values or None)
            while cursor.nextset():
                pass
            return int(cursor.rowcount)

    def rows(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.session.cursor() as cursor:
            cursor.execute(text, values or None)
            return list(cursor.fetchall())

    def tables(self, database: str) -> list[str]:
        """The tables of a database; none when there is no such database."""
        query = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1"
        )
        return [name for (name,) in self.rows(query, database)]

    def recorded(self) -> dict[str, str]:
        """The migrations that made the database, name to SHA-256; none where it is not there."""
        if "schema_migration" not in self.tables("mail"):
            return {}
        return dict(self.rows("SELECT name, sha256 FROM mail.schema_migration"))

    def rebuild(
        self, found: list[Migration], content: Mapping[str, Iterable[tuple[str, ...]]]
    ) -> None:
        """Make a database of these migrations and rows, and put it in the place of the present one.

        MariaDB commits around every statement that defines something, so no transaction can undo
        a half-applied migration. So all is made in `mail_next`; one RENAME TABLE ends it.
        """
        try:
            self.run("CREATE DATABASE mail_next CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            self.session.select_db("mail_next")
            self.run(RECORD)
            for migration in found:
                try:
                    self.run(migration.text)
                except pymysql.MySQLError as error:
                    raise Refused(f"migration {migration.name}: {words(error)}") from None
                self.run(
                    "INSERT INTO mail_next.schema_migration (name, sha256) VALUES (%s, %s)",
                    migration.name,
                    migration.sha256,
                )
            self.session.begin()
            for table in TABLES:
                self._insert(table, table, content[table])
            self.session.commit()
            self._swap()
        finally:
            self.drop_copies()

    def _insert(self, table: str, into: str, rows: Iterable[tuple[str, ...]]) -> None:
        columns = TABLES[table]
        marks = ", ".join(["%s"] * len(columns))
        insert = f"INSERT INTO {into} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        with self.session.cursor() as cursor:
            for batch in batches(rows):
                cursor.executemany(insert, batch)

    def _swap(self) -> None:
        self.run("CREATE DATABASE IF NOT EXISTS mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        self.run("CREATE DATABASE mail_old CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        moves = [f"mail.`{table}` TO mail_old.`{table}`" for table in self.tables("mail")]
        moves += [f"mail_next.`{table}` TO mail.`{table}`" for table in self.tables("mail_next")]
        self.run("RENAME TABLE " + ", ".join(moves))

    def drop_copies(self) -> None:
        """Take away what a run left behind, also one that was killed."""
        self.run("DROP DATABASE IF EXISTS mail_next")
        self.run("DROP DATABASE IF EXISTS mail_old")

    def grant(self) -> None:
        """Let the process of the user postfix read; the socket tells who it is, no password."""
        self.run(f"CREATE USER IF NOT EXISTS {READER} IDENTIFIED VIA unix_socket")
        self.run(f"ALTER USER {READER} IDENTIFIED VIA unix_socket")
        self.run(f"GRANT SELECT ON mail.* TO {READER}")

    def load(self, content: Mapping[str, Iterable[tuple[str, ...]]]) -> dict[str, tuple[int, int]]:
        """Make the tables hold these rows; return how many were added and removed, by table.

        Only rows that differ are written, in one transaction: a lookup sees all or nothing.
        """
        self.session.select_db("mail")
        for table in TABLES:
            self.run(f"CREATE TEMPORARY TABLE wanted_{table} LIKE {table}")
            self.session.begin()
            self._insert(table, f"wanted_{table}", content[table])
            self.session.commit()
        removed, added = {}, {}
        self.session.begin()
        for table, columns in reversed(TABLES.items()):
            same = ", ".join(columns)
            removed[table] = self.run(
                f"DELETE {table} FROM {table} LEFT JOIN wanted_{table} USING ({same}) "
                f"WHERE wanted_{table}.{columns[0]} IS NULL"
            )
        for table, columns in TABLES.items():
            same = ", ".join(columns)
            added[table] = self.run(
                f"INSERT INTO {table} ({same}) SELECT {same} FROM wanted_{table} "  # noqa: S608
                f"LEFT JOIN {table} USING ({same}) WHERE {table}.{columns[0]} IS NULL"
            )
        self.session.commit()
        return {table: (added[table], removed[table]) for table in TABLES}

    def differences(
        self, found: list[Migration], content: Mapping[str, Iterable[tuple[str, ...]]]
    ) -> Iterator[str]:
        """Lines of a diff from what apply leaves to what is there."""
        present = self.tables("mail")
        recorded = self.recorded()
        known = {migration.name: migration.sha256 for migration in found}
        yield from _diff("migration", set(known.items()), recorded.items())
        try:
            grants = " ".join(text for (text,) in self.rows(f"SHOW GRANTS FOR {READER}"))
        except pymysql.MySQLError as error:
            grants = words(error)
        if "GRANT SELECT ON `mail`.* TO " not in grants or "unix_socket" not in grants:
            yield f"{READER} cannot read: {grants}"
        for table, columns in TABLES.items():
            if table not in present:
                yield f"-table {table}"
                continue
            with self.session.cursor(SSCursor) as cursor:
                cursor.execute(f"SELECT {', '.join(columns)} FROM mail.{table}")  # noqa: S608
                yield from _diff(table, set(content[table]), cursor)

    def drop(self) -> None:
        """Take away all that apply made."""
        self.drop_copies()
        self.run("DROP DATABASE IF EXISTS mail")
        self.run(f"DROP USER IF EXISTS {READER}")


def _diff(
    name: str, wanted: set[tuple[str, ...]], there: Iterable[tuple[str, ...]]
) -> Iterator[str]:
    """Rows that are missing ("-") and rows that are too much ("+"); empties `wanted`."""
    surplus = []
    for row in there:
        if row in wanted:
            wanted.discard(row)
        else:
            surplus.append(row)
    for sign, rows in (("-", sorted(wanted)), ("+", sorted(surplus))):
        yield from (f"{sign}{name} {' '.join(row)}" for row in rows[:SHOWN])
        if len(rows) > SHOWN:
            yield f"{sign}{name} [... {len(rows) - SHOWN} more]"


def batches(rows: Iterable[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    """Rows in lists of a size that one statement takes."""
    batch: list[tuple[str, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def read_content(directory: Path) -> dict[str, list[tuple[str, ...]]]:
    """The wanted rows by table: those of DIRECTORY/content, and recipients of uploaded files.

    Raises Refused when an uploaded file is not the one that the settings were made with.
    """
    content = {
        table: [tuple(line.split("\t")) for line in read_lines(directory / "content" / table)]
        for table in TABLES
    }
    for domain, file in read_files(directory).items():
        path = UPLOADS / file["upload"]
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != file["sha256"]:
            raise Refused(f"recipients of {domain}: {path} is not the file of the settings")
        content["recipient"] += [(domain, local) for local in local_parts(data.decode())]
    return content


def read_files(directory: Path) -> dict[str, dict[str, str]]:
    """Mail domain to the uploaded file of its recipients: name and digest."""
    files: dict[str, dict[str, str]] = json.loads(
        (directory / "content" / "recipient_files.json").read_text()
    )
    return files


def read_lines(path: Path) -> list[str]:
    """Lines of a file, without an empty one at its end."""
    text = path.read_text()
    return text.removesuffix("\n").split("\n") if text else []


def local_parts(text: str) -> list[str]:
    """One local part a line; empty lines and lines that begin with "#" are comments."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def words(error: pymysql.MySQLError) -> str:
    """What MariaDB said."""
    return " ".join(str(part) for part in error.args)


def apply(directory: Path) -> None:
    """Bring schema, account and rows to what the directory says."""
    uploads = {file["upload"] for file in read_files(directory).values()}
    content = read_content(directory)
    found = read_migrations(directory / "schema")
    database = Database()
    database.drop_copies()
    database.grant()
    before, wanted = database.recorded(), {each.name: each.sha256 for each in found}
    if before != wanted:
        database.rebuild(found, content)
        for name in sorted({*before, *wanted}):
            if before.get(name) != wanted.get(name):
                print(f"migration {name}: {'applied' if name in wanted else 'taken back'}")
    else:
        for table, (added, removed) in database.load(content).items():
            if added or removed:
                print(f"{table}: {added} added, {removed} removed, {len(content[table])} rows now")
    for path in UPLOADS.glob("recipients-*"):
        if path.name not in uploads:
            path.unlink()


def compare(directory: Path) -> None:
    """Print what the database has otherwise than the directory; nothing when it has all."""
    content = read_content(directory)
    found = read_migrations(directory / "schema")
    for line in Database(reading=True).differences(found, content):
        print(line)


def main(argv: list[str]) -> int:
    """Run one verb."""
    try:
        if argv[:1] == ["apply"] and len(argv) == 2:
            apply(Path(argv[1]))
        elif argv[:1] == ["compare"] and len(argv) == 2:
            compare(Path(argv[1]))
        elif argv == ["drop"]:
            Database().drop()
        else:
            print((__doc__ or "").partition("\n\n")[2].partition("\n\n")[0], file=sys.stderr)
            return 2
    except (Refused, pymysql.MySQLError) as error:
        text = words(error) if isinstance(error, pymysql.MySQLError) else str(error)
        print(f"mail_database: {text}; the database is as before", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
