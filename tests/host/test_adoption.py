"""What goes leaves a host as it was found: bare, or with a Postfix made by hand.

That Postfix is seen before the first `up`, kept by it, and back after destroy.
"""

from __future__ import annotations

import json
import smtplib
import subprocess
from collections.abc import Callable

import cloudflare
import pytest

from lab import topology

from .conftest import MX2, ROOT, Ssh, eventually
from .looking import watching
from .test_dns import records, served
from .test_stack import STACK

pytestmark = [pytest.mark.host, pytest.mark.leaves_bare]

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
MAKE = """
cat >/etc/postfix/main.cf <<'END'
# Made by hand years ago.
compatibility_level = 3.6
myhostname = old.example.test
smtpd_banner = $myhostname ESMTP made by hand
mydestination =
    localhost
alias_maps =
inet_interfaces = all
END
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
echo '# one line more' >>/etc/postfix/master.cf
mkdir -p /etc/postfix/sql
echo 'password = not-for-reviewers' >/etc/postfix/sql/relay_domains.cf
chmod 0640 /etc/postfix/sql/relay_domains.cf
chgrp postfix /etc/postfix/sql/relay_domains.cf
systemctl unmask --quiet postfix.service
systemctl enable --quiet postfix.service
systemctl restart postfix.service
"""
UNMAKE = (
    "systemctl disable --quiet --now postfix.service && "
    "rm -r /etc/postfix/main.cf /etc/postfix/sql && "
    "cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf"
)
FOUND = (
    "cd /etc/postfix && find . -type f -exec sha256sum {} + -exec stat -c '%n %a %U %G' {} + "
    "| sort; systemctl is-active postfix; systemctl is-enabled postfix"
)


OURS = (
    "find /etc /usr/local /var/lib -xdev "
    "'(' -name 'mx[-_.]*' -o -name mx -o -path '/etc/postfix/*' -name 'main.cf*' "
    "! -name main.cf.proto -o -path /etc/postfix/sql -o -path '/var/lib/mysql/mail' ')' "
    "! -path '/var/lib/dpkg/*' ! -path '/var/lib/systemd/*' ! -name 'mx-lab-*' "
    "! -path /etc/rspamd/modules.d/mx_check.conf "
    # Keys stay: a host that comes back signs with the keys that DNS still has.
    "! -path /var/lib/mx-dkim"
)
SERVICES = (
    "postfix mariadb redis-server rspamd unbound nginx mx-tls-policy prometheus-node-exporter"
    " mx-tlsrpt-collectd mx-tlsrpt-reportd"
)


def is_bare(ssh: Ssh, host: str) -> None:
    """Nothing of ours is there and nothing runs; packages are."""
    assert ssh(host, OURS) == ""
    states = ssh(host, f"systemctl is-active {SERVICES} || true").split()
    assert set(states) == {"inactive"}
    assert "table inet mx" not in ssh(host, "nft list tables")
    assert "install ok" in ssh(host, "dpkg-query -W -f '${Status}' postfix")


def up(pulumi: Pulumi) -> None:
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_mx_host_goes_and_no_sender_stumbles(pulumi: Pulumi, ssh: Ssh) -> None:
    before = STACK.read_text()
    entry = before[before.index("      mx2:\n") : before.index("    mailboxHosts:\n")]
    try:
        with watching("example.test") as watch:
            STACK.write_text(before.replace(entry, f"{entry}        leaving: true\n"))
            up(pulumi)
            assert served("example.test", "MX") == ["10 mx1.example.test."]
            STACK.write_text(before.replace(entry, ""))
            up(pulumi)
            eventually(watch.looks_again(), 60)
    finally:
        # No `up`: what comes next destroys the other host too.
        STACK.write_text(before)
    assert watch.faults == []
    last = watch.domains["example.test"][-1]
    assert last.mx == {"mx1.example.test"}
    assert {text.count("mx: ") for text in last.policies.values()} == {1}
    assert [each["name"] for each in records().values() if "mx2" in each["name"]] == []
    is_bare(ssh, "mx2")


def destroy(pulumi: Pulumi) -> None:
    done = pulumi("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr


def test_destroy_leaves_nothing_of_ours_and_all_of_others(pulumi: Pulumi, ssh: Ssh) -> None:
    zone = topology.CLOUDFLARE_ZONES["example.test"]
    api = cloudflare.Cloudflare(
        api_token=topology.CLOUDFLARE_TOKEN, base_url="http://198.18.77.56/client/v4"
    )
    foreign = api.dns.records.create(
        zone_id=zone, name="foreign.example.test", type="TXT", content='"not ours"', ttl=300
    )
    assert foreign is not None
    try:
        destroy(pulumi)
        names = [record.name for record in api.dns.records.list(zone_id=zone)]
    finally:
        api.dns.records.delete(foreign.id, zone_id=zone)
    assert names == ["foreign.example.test"]
    for host in ("mx1", "mx2"):
        is_bare(ssh, host)


def banner() -> str:
    """What mx2 greets with."""
    with smtplib.SMTP(timeout=60) as client:
        return client.connect(MX2, 25)[1].decode()


def test_a_postfix_made_by_hand_is_shown_kept_and_brought_back(
    lab: dict[str, str], pulumi: Pulumi, ssh: Ssh
) -> None:
    destroy(pulumi)  # nothing to do after the test above
    ssh("mx2", MAKE)
    try:
        found = ssh("mx2", FOUND)
        assert banner().startswith("old.example.test ESMTP made by hand")

        seen = subprocess.run(
            ["scripts/preview", "lab", "--json"],
            cwd=ROOT,
            env=lab,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert seen.returncode == 2, seen.stdout + seen.stderr
        told = {text.partition("\n")[0]: text for text in json.loads(seen.stdout)["replaced"]}
        main = told["replaces: mx2: /etc/postfix/main.cf"]
        assert "-smtpd_banner = $myhostname ESMTP made by hand" in main
        assert "-mydestination = localhost" in main
        assert "+myhostname = mx2.example.test" in main
        assert "-# one line more" in told["replaces: mx2: /etc/postfix/master.cf"]
        assert (
            "replaces: mx2: /etc/postfix/sql/relay_domains.cf: "
            "not shown, because not every login may read it" in told
        )
        assert "not-for-reviewers" not in seen.stdout
        # mx1 has what the package brings, and no main.cf.
        assert "replaces: mx1: /etc/postfix/main.cf" not in told
        assert ssh("mx2", FOUND) == found

        up(pulumi)
        assert banner().startswith("mx2.example.test ESMTP")
        assert "made by hand" not in ssh("mx2", "postconf -n")

        destroy(pulumi)
        assert ssh("mx2", FOUND) == found
        assert banner().startswith("old.example.test ESMTP made by hand")
    finally:
        ssh("mx2", UNMAKE)
