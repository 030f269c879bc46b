"""A service account that is in somebody else's hands: nothing of root follows it anywhere."""

from __future__ import annotations

import pytest

from components.services.spam_filter.redis import CONFIG

from .conftest import Ssh

pytestmark = pytest.mark.host

AS = "setpriv --reuid={user} --regid={user} --init-groups"
SECRET = "/etc/mx/acme-dns-tokens.json"


def as_user(user: str, script: str) -> str:
    return f"{AS.format(user=user)} sh -c '{script}'"


def test_the_collector_writes_through_no_link_of_the_exporter(ssh: Ssh) -> None:
    plant = as_user(
        "prometheus",
        "cd /var/lib/prometheus && mv node-exporter away && mkdir node-exporter && "
        "ln -s /root/victim node-exporter/mx.prom.new && ln -s /root/victim node-exporter/mx.prom",
    )
    ssh("mx1", f"echo secret >/root/victim; chmod 600 /root/victim; {plant}")
    try:
        ssh("mx1", "systemctl start mx-collect.service")
        assert ssh("mx1", "stat -c '%a %U' /root/victim; cat /root/victim") == "600 root\nsecret\n"
    finally:
        ssh(
            "mx1",
            "rm -rf /root/victim /var/lib/prometheus/node-exporter && "
            "mv /var/lib/prometheus/away /var/lib/prometheus/node-exporter",
        )


# A file for the collector to write into, which becomes a link to the secret once it is written.
RACE = f"""
import os, sys
os.chdir("/var/lib/prometheus")
os.rename("node-exporter", "away"); os.mkdir("node-exporter"); os.chdir("node-exporter")
names = "mx.prom", "mx.prom.new"
for name in names:
    open(name, "w").close(); os.chmod(name, 0o666); os.symlink("{SECRET}", name + ".next")
print("armed", flush=True)
while not os.path.exists("/tmp/race-over"):
    for name in names:
        if not os.path.islink(name) and os.stat(name).st_size:
            os.rename(name + ".next", name); print("swapped", flush=True)
"""


def test_a_link_that_is_swapped_in_between_write_and_chmod_opens_no_secret(ssh: Ssh) -> None:
    race = as_user("prometheus", "exec python3 /tmp/race.py")
    modes = f"stat -c '%a %U %G' {SECRET}"
    before = ssh("mx1", modes)
    ssh("mx1", f"rm -f /tmp/race-over; cat >/tmp/race.py <<'END'\n{RACE}\nEND")
    try:
        said = ssh(
            "mx1",
            f"{race} >/tmp/race.out & until grep -q armed /tmp/race.out; do :; done; "
            "for try in 1 2 3; do systemctl start mx-collect.service; done; "
            "touch /tmp/race-over; wait; cat /tmp/race.out",
        )
        assert said == "armed\n"
        assert ssh("mx1", modes) == before
        opened = ssh("mx1", as_user("prometheus", f"cat {SECRET} 2>&1 || true"))
        assert "Permission denied" in opened
    finally:
        ssh(
            "mx1",
            "touch /tmp/race-over; rm -rf /tmp/race* /var/lib/prometheus/node-exporter && "
            "mv /var/lib/prometheus/away /var/lib/prometheus/node-exporter",
        )


def test_the_filter_puts_no_link_where_the_agent_reads_a_file(ssh: Ssh) -> None:
    """`_rspamd` is in the group of Redis, to which the package gives /etc/redis."""
    folder, _, name = CONFIG.rpartition("/")
    swap = f"cd {folder} && mv {name} away && ln -s /etc/shadow {name}"
    said = ssh("mx1", f"{as_user('_rspamd', swap)} 2>&1 || true; stat -c '%F %U' {CONFIG}")
    try:
        assert "Permission denied" in said
        assert said.endswith("regular file root\n")
    finally:
        ssh("mx1", f"cd {folder} && [ ! -e away ] || mv away {name}")


def test_keys_are_neither_made_nor_shown_where_the_filter_leads(ssh: Ssh) -> None:
    """A link for the former directory, and one for the public key that becomes a record in DNS."""
    plant = as_user(
        "_rspamd",
        "cd /var/lib/rspamd && rm -rf dkim.away && (mv dkim dkim.away || true) && "
        f"mkdir trap && ln -s {SECRET} trap/example.test.mx1.pub && ln -s trap dkim",
    )
    modes = f"stat -c '%a %U %G' /etc {SECRET} /var/lib/mx-dkim"
    before = ssh("mx1", modes)
    shown = ssh("mx1", "echo example.test mx1 | /usr/local/lib/mx/dkim-keys show")
    ssh("mx1", plant)
    try:
        ssh("mx1", "systemctl start mx-collect.service")
        again = ssh("mx1", "echo example.test mx1 | /usr/local/lib/mx/dkim-keys show")
        assert again == shown
        ssh("mx1", "echo example.test mx1 | /usr/local/lib/mx/dkim-keys make 2048")
        assert ssh("mx1", modes) == before
    finally:
        ssh("mx1", "cd /var/lib/rspamd && rm -rf dkim trap && (mv dkim.away dkim || true)")


def test_a_former_key_is_taken_over_and_what_is_none_is_refused(ssh: Ssh) -> None:
    """As `up` finds a host of a former release; a link there leads to nothing of root's."""
    make = "echo taken.test mx1 | /usr/local/lib/mx/dkim-keys make 2048"
    former = "/var/lib/rspamd/dkim"
    new = as_user(
        "_rspamd",
        f"mkdir -p {former} && openssl genpkey -quiet -algorithm RSA "
        f"-out {former}/taken.test.mx1.key",
    )
    ssh("mx1", f"[ ! -d {former} ] || mv {former} {former}.kept; {new}")
    try:
        was = ssh("mx1", f"openssl pkey -pubout -in {former}/taken.test.mx1.key")
        ssh("mx1", make)
        assert ssh("mx1", "openssl pkey -pubout -in /var/lib/mx-dkim/taken.test.mx1.key") == was
        link = f"rm /var/lib/mx-dkim/taken.test.*; ln -sf {SECRET} {former}/taken.test.mx1.key"
        told = ssh("mx1", f"{link}; {make} 2>&1; ls /var/lib/mx-dkim")
        assert "token" not in told
        assert ssh("mx1", f"stat -c '%a %U' {SECRET}") == "600 root\n"
    finally:
        ssh(
            "mx1",
            f"rm -rf /var/lib/mx-dkim/taken.test.* {former}; "
            f"[ ! -d {former}.kept ] || mv {former}.kept {former}",
        )


def test_programs_of_root_import_nothing_from_the_folder_they_are_called_in(ssh: Ssh) -> None:
    names = "json __future__ asyncio argparse"
    drop = (
        "mkdir -p /tmp/drop && cd /tmp/drop && "
        f'for name in {names}; do echo "print(987654320 + 1)" > $name.py; done'
    )
    ssh("mx1", as_user("nobody", drop).replace("--regid=nobody", "--regid=nogroup"))
    try:
        said = ssh(
            "mx1",
            "cd /tmp/drop && (mx-certificates status; mx-tls-policy localhost; "
            "mx-agent status redis) 2>&1; true",
        )
        assert "987654321" not in said
    finally:
        ssh("mx1", "rm -rf /tmp/drop")


ACCOUNTS = "nobody www-data prometheus unbound postfix mysql redis _rspamd _mta-sts"
# User, tab, file: what each account can read of all private keys and tokens.
READABLE = f"""
for user in {ACCOUNTS}; do
  {{ grep -rlI 'PRIVATE KEY-' /etc /var/lib; echo {SECRET}; }} |
    setpriv --reuid=$user --regid=$(id -g $user) --init-groups sh -c \\
      'while read -r file; do if [ -r "$file" ]; then printf "%s\\t%s\\n" '$user' "$file"; fi; done'
done
"""


def test_no_account_reads_a_key_or_a_token_but_the_filter_its_own(ssh: Ssh) -> None:
    found = ssh("mx1", "grep -rlI 'PRIVATE KEY-' /etc /var/lib").splitlines()
    assert len(found) > 8
    own = [path for path in found if path.startswith("/var/lib/mx-dkim/")]
    readable = ssh("mx1", READABLE).splitlines()
    assert sorted(readable) == sorted(f"_rspamd\t{path}" for path in own)


def test_only_the_filter_and_redis_itself_reach_redis(ssh: Ssh) -> None:
    ask = "redis-cli -s /run/redis/redis-server.sock PING 2>&1 || true"
    loop = (
        f"for user in {ACCOUNTS}; do printf '%s ' $user; setpriv --reuid=$user "
        f"--regid=$(id -g $user) --init-groups sh -c '{ask}'; done"
    )
    said = ssh("mx1", loop).splitlines()
    assert [line.split()[0] for line in said if line.endswith("PONG")] == ["redis", "_rspamd"]
