"""Postfix's lookups in the database `mail`: one file for each map (mysql_table(5)).

Every query reads one table by its primary key. The maps are asked through proxymap(8): it is not
in the chroot of smtpd(8), so it reaches MariaDB's socket, and all of Postfix shares its few
connections. It runs as the user postfix, whom the socket makes known: there is no password.
"""

from __future__ import annotations

SOCKET = "/run/mysqld/mysqld.sock"
DIRECTORY = "/etc/postfix/sql"

QUERIES = {
    "relay_domains": "SELECT name FROM mail_domain WHERE name = '%s'",
    "relay_recipients": (
        "SELECT local_part FROM recipient WHERE domain = '%d' AND local_part = '%u'"
    ),
    "virtual": "SELECT destination FROM alias WHERE domain = '%d' AND local_part = '%u'",
    "transport": "SELECT nexthop FROM transport WHERE domain = '%s'",
    "tls_policy": "SELECT policy FROM tls_policy WHERE nexthop = '%s'",
}


def table(name: str) -> str:
    """The map as a parameter of main.cf names it."""
    return f"proxy:mysql:{DIRECTORY}/{name}.cf"


# Seconds until a server that failed is asked again. Postfix 3.7 has 60 built in.
_RETRY = {"3.7": "", "3.10": "retry_interval = 5\n"}


def maps(version: str) -> dict[str, str]:
    """File name in DIRECTORY to text, for a version of Postfix."""
    return {
        f"{name}.cf": (
            f"hosts = unix:{SOCKET}\nuser = postfix\npassword =\ndbname = mail\n"
            f"{_RETRY[version]}query = {query}\n"
        )
        for name, query in QUERIES.items()
    }
