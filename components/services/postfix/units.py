"""systemd's drop-in for Postfix: order at boot and restart after a crash (systemd.unit(5))."""

from __future__ import annotations

_NEEDS = "unbound.service mariadb.service redis-server.service rspamd.service mx-tls-policy.service"

UNITS = {12: "postfix@-.service", 13: "postfix.service"}
"""Release of Debian to the unit that holds Postfix's processes."""


def path(debian: int) -> str:
    """Where the drop-in lies."""
    return f"/etc/systemd/system/{UNITS[debian]}.d/mx.conf"


def drop_in() -> str:
    """Order without bonds.

    Wants= and After=, never BindsTo= or Requires=: those would stop Postfix whenever the
    database restarts, while Postfix alone answers 451 and keeps its queue moving.
    """
    return (
        "# Postfix starts after what it asks, and does not stop with it: it defers mail then.\n"
        "[Unit]\n"
        f"After={_NEEDS}\n"
        f"Wants={_NEEDS}\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "# on-failure would not see that master(8) was killed: Debian 12 tracks no main process.\n"
        "[Service]\n"
        "Restart=always\n"
        "RestartSec=5s\n"
    )
