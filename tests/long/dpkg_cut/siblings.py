"""Packages in other states that an `up` may find: held, downgraded, or not in the mirror."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from lab.topology import Host

from .cut import sh

APT = "DEBIAN_FRONTEND=noninteractive apt-get -qq -y"


@dataclass(frozen=True)
class Sibling:
    """`begins` and `ends` are what a person does; in between `up` either works or says `words`."""

    begins: str
    words: str = ""
    ends: str = "true"


_OLDER = f"""set -e
cd /var/tmp && rm -rf older && mkdir older && cd older && chmod 0777 .
{APT} download postfix-lmdb && dpkg-deb -R postfix-lmdb_*.deb tree
sed -i 's/^Version: .*/Version: 1.0-1/; s/^Depends: .*/Depends: postfix/' tree/DEBIAN/control
dpkg-deb -b tree older.deb && dpkg -i --force-downgrade older.deb
"""
SIBLINGS = {
    "held, and there": Sibling("apt-mark hold redis-server", ends="apt-mark unhold redis-server"),
    "held, and taken away": Sibling(
        f"{APT} purge redis-server && apt-mark hold redis-server",
        "Held packages were changed",
        "apt-mark unhold redis-server",
    ),
    "downgraded": Sibling(f"({_OLDER}) >/var/tmp/downgrade.log 2>&1"),
    "not in a mirror that is behind": Sibling(
        f"{APT} purge redis-server; mkdir -p /srv/empty && : >/srv/empty/Packages && "
        "mv /etc/apt/sources.list.d /srv/sources && mkdir /etc/apt/sources.list.d && "
        "cp -a /etc/apt/sources.list /srv/sources.list 2>/dev/null; "
        "echo 'deb [trusted=yes] file:/srv/empty ./' >/etc/apt/sources.list; "
        "apt-get -qq update; rm -f /var/cache/apt/archives/*.deb",
        "redis-server",
        "rm -r /etc/apt/sources.list.d /etc/apt/sources.list && mv /srv/sources "
        "/etc/apt/sources.list.d && (mv /srv/sources.list /etc/apt/ 2>/dev/null || true)",
    ),
}


Up = Callable[[], subprocess.CompletedProcess[str]]


def trial(host: Host, sibling: Sibling, up: Up) -> list[str]:
    """Bring it about, `up`, end it, `up`; what was not as it must be."""
    sh(host, sibling.begins)
    try:
        done = up()
    finally:
        sh(host, sibling.ends)
    printed = done.stdout + done.stderr
    if not sibling.words:
        return [] if done.returncode == 0 else [f"up: exit {done.returncode}: {printed[-1500:]}"]
    found = []
    if done.returncode == 0 or sibling.words not in printed:
        found.append(f"up did not say {sibling.words!r}: exit {done.returncode}: {printed[-1500:]}")
    if (again := up()).returncode != 0:
        found.append(f"the up afterwards: {again.stdout[-1500:]}")
    return found
