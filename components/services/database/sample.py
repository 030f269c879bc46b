"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

_ASK = "postmap -q mallory@example.test proxy:mysql:/etc/postfix/sql/relay_recipients.cf"
SAMPLES = {
    "mariadb": Sample(
        "/etc/mysql/mariadb.conf.d/60-mx.cnf",
        "skip-networking\n",
        "skip-networking\nmax_connections = 77\n",
        "mariadb -NBe 'SELECT @@max_connections'",
    ),
    "mail-database": Sample(
        "/etc/mx-database/content/recipient",
        "example.test\talice\n",
        "example.test\talice\nexample.test\tmallory\n",
        f"if {_ASK} >/dev/null; then echo known; else echo unknown; fi",
    ),
}
