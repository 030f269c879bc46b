"""MariaDB on an MX host: the server, the database `mail`, and its rows from the settings.

Stands after Host and before Postfix, which looks everything up here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi

from components.host import Bundle, File, Manifest, upload
from components.host.component import Host
from components.services.database import rows as sql_content
from components.settings.environment import Settings
from components.settings.recipient_files import RecipientFile, read

UNIT = "mariadb.service"
SERVER_CONF = "/etc/mysql/mariadb.conf.d/60-mx.cnf"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/mx.conf"
PROGRAM = "/usr/local/lib/mx/mail_database.py"
DIRECTORY = "/etc/mx-database"
BUNDLE = "mail-database"

_FILES = Path(__file__).resolve().parent / "files"
_CALL = ["/usr/bin/python3", "-I", PROGRAM]


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
        check=[{"run": ["mariadbd", "--user=mysql", "--help", "--verbose"]}],
        units={UNIT: {}},
        probe=[{"run": ["mariadb", "-e", "SELECT 1"]}],
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
    owned: dict[str, Any] = {"mode": "0700", "exclusive": True}
    return Manifest(
        bundle=BUNDLE,
        owner=owner,
        directories={
            DIRECTORY: {"mode": "0700"},
            f"{DIRECTORY}/schema": owned,
            f"{DIRECTORY}/content": owned,
        },
        files=files,
        run=[{"run": [*_CALL, "apply", DIRECTORY], "timeout": 900}],
        undo=[{"run": [*_CALL, "drop"]}],
        compare=[{"name": "database mail", "run": [*_CALL, "compare", DIRECTORY]}],
    )


def _remote_name(domain: str) -> str:
    return f"recipients-{domain}"


class MailDatabase(pulumi.ComponentResource):
    """Creates: the bundles `mariadb` and `mail-database`, and an upload for each recipientsFile.

    Provides: `bundle`, the last of them.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        host: Host,
        owner: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mx:host:MailDatabase", f"{name}-database", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        running = Bundle(
            f"{name}-mariadb", host.target, server(owner), child, depends_on=[host.agent]
        )
        domains = settings.domains_of(name)
        files = {domain: file for domain, file in read(settings).items() if domain in domains}
        uploads = [
            upload(
                f"{name}-recipients-{domain}",
                host.target,
                file.path,
                _remote_name(domain),
                BUNDLE,
                pulumi.ResourceOptions(parent=self, depends_on=[host.agent]),
            )
            for domain, file in files.items()
        ]
        self.bundle = Bundle(
            f"{name}-mail-database",
            host.target,
            content(settings, name, owner, files),
            child,
            depends_on=[running.command, *uploads],
        )
        self.register_outputs({})
