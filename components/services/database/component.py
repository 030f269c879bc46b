"""MariaDB on an MX host: the server, the database `mail`, and its rows from the settings.

Stands after Host and before Postfix, which looks everything up here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pulumi

from components.host import upload
from components.host.manifest import (
    Check,
    Comparison,
    Directory,
    File,
    Manifest,
    RunProbe,
    Step,
    Unit,
)
from components.services.database import rows as sql_content
from components.services.service import Service, Site
from components.settings.environment import Settings
from components.settings.recipient_files import RecipientFile, read_recipients

UNIT = "mariadb.service"
SERVER_CONF = "/etc/mysql/mariadb.conf.d/60-mx.cnf"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/mx.conf"
PROGRAM = "/usr/local/lib/mx/mail_database.py"
DIRECTORY = "/etc/mx-database"
BUNDLE = "mail-database"

_FILES = Path(__file__).resolve().parent / "files"
_CALL = ["/usr/bin/python3", "-I", PROGRAM]
# A look-up for a name that nobody has is empty; what it prints is an error.
_MAP = "/etc/postfix/sql/relay_domains.cf"
_ASKED = f"test ! -e {_MAP} || ! postmap -q mx-probe.invalid proxy:mysql:{_MAP} 2>&1 | grep ."


def server(owner: str) -> Manifest:
    """The server: nothing but a unix socket."""
    return Manifest(
        bundle="mariadb",
        owner=owner,
        packages=["mariadb-server", "python3-pymysql"],
        files={
            path: File((_FILES / path.lstrip("/")).read_text(), restart=(UNIT,))
            for path in (SERVER_CONF, DROP_IN)
        },
        # Unknown or misspelled options end this with the server's own words.
        check=[Check(["mariadbd", "--user=mysql", "--help", "--verbose"])],
        units={UNIT: Unit()},
        probe=[RunProbe(["mariadb", "-e", "SELECT 1"]), _asked()],
    )


def content(
    settings: Settings, host: str, owner: str, uploads: dict[str, RecipientFile]
) -> Manifest:
    """Schema and rows; a change of them restarts nothing, the agent runs PROGRAM."""
    listed = {
        domain: {"rows": len(file.rows), "sha256": file.sha256, "upload": _remote_name(domain)}
        for domain, file in uploads.items()
    }
    files = {PROGRAM: File((_FILES / PROGRAM.lstrip("/")).read_text())}
    for path in sorted((_FILES / "schema").glob("*.sql")):
        files[f"{DIRECTORY}/schema/{path.name}"] = File(path.read_text())
    for table, text in sql_content.tables(settings, host).items():
        files[f"{DIRECTORY}/content/{table}"] = File(text, "0600")
    text = json.dumps(listed, indent=1, sort_keys=True) + "\n"
    files[f"{DIRECTORY}/content/recipient_files.json"] = File(text, "0600")
    owned = Directory("0700", exclusive=True)
    return Manifest(
        bundle=BUNDLE,
        owner=owner,
        directories={
            DIRECTORY: Directory("0700"),
            f"{DIRECTORY}/schema": owned,
            f"{DIRECTORY}/content": owned,
        },
        files=files,
        run=[Step([*_CALL, "apply", DIRECTORY], timeout=900)],
        undo=[Step([*_CALL, "drop"])],
        compare=[Comparison("database mail", [*_CALL, "compare", DIRECTORY])],
        probe=[_asked()],
    )


def _asked() -> RunProbe:
    """Ask as smtpd(8) does, through proxymap(8); before the first Postfix nobody asks."""
    return RunProbe(["sh", "-c", _ASKED], before=True)


def _remote_name(domain: str) -> str:
    return f"recipients-{domain}"


class MailDatabase(Service):
    """Creates: the bundles `mariadb` and `mail-database`, and an upload for each recipientsFile.

    Provides: `bundle`, the last of them.
    """

    TOKEN, SUFFIX = "mx:host:MailDatabase", "database"
    UNITS = (UNIT,)
    MAIL_PATH = ("libmariadb", "mariadb")
    MANUAL = "MailDatabase"

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """Server and content. Raises SettingsError when a recipientsFile is unfit."""
        domains = site.settings.domains_of(site.key)
        files = {
            domain: file
            for domain, file in read_recipients(site.settings).items()
            if domain in domains
        }
        return [server(site.owner), content(site.settings, site.key, site.owner, files)]

    def make(self) -> None:
        """Make the server, the uploads, and the content after both."""
        settings, host = self.place.settings, self.place.host
        running, rows = self.manifests(self.place)
        # A first order of certificates takes longest and needs the resolver, so that goes before.
        new = host.target.seen.lacks(running.bundle)
        first = [host.ready, *self.place.after("resolver")]
        database = self.put(running, after=first if new else None)
        domains = settings.domains_of(self.place.key)
        uploads = [
            upload(
                f"{self.place.key}-recipients-{domain}",
                host.target,
                file.path,
                _remote_name(domain),
                BUNDLE,
                pulumi.ResourceOptions(parent=self, depends_on=[host.agent]),
            )
            for domain, file in read_recipients(settings).items()
            if domain in domains
        ]
        self.bundle = self.put(rows, after=[database.command, *uploads])
