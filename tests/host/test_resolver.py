"""The resolver of the MX hosts: validating, the only one in resolv.conf, back when it ends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import topology

from .conftest import Ssh, eventually
from .test_stack import stack_file, stack_text

__all__ = ["stack_file", "stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
RESOLV_CONF = "nameserver 127.0.0.1\noptions edns0 trust-ad\n"
CHROOT_COPY = "/var/spool/postfix/etc/resolv.conf"
PACKAGE = "mx-test-package"
REPOSITORY = f"""
set -eu
rm -rf /srv/repository /srv/{PACKAGE} && mkdir -p /srv/repository /srv/{PACKAGE}/DEBIAN
cd /srv
printf 'Package: {PACKAGE}\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@example.test>\\n\
Description: t\\n' > {PACKAGE}/DEBIAN/control
dpkg-deb -b {PACKAGE} repository/p.deb >/dev/null
cd repository
{{ cat ../{PACKAGE}/DEBIAN/control; echo "Filename: ./p.deb"
echo "Size: $(stat -c %s p.deb)"; echo "SHA256: $(sha256sum p.deb | cut -d ' ' -f 1)"; }} > Packages
systemd-run --quiet --unit=repository --working-directory=/srv/repository \
  python3 -m http.server 8000 --bind {topology.INTERNET.address}
"""

FORWARDER = """
set -eu
mkdir -p /run/dot && cd /run/dot
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem \\
  -out cert.pem -days 2 -subj /CN=dns.sender.test -addext subjectAltName=DNS:dns.sender.test \\
  2>/dev/null
cat > conf <<'END'
server:
    interface: 198.18.77.2@853
    access-control: 198.18.77.0/24 allow
    tls-service-key: /run/dot/key.pem
    tls-service-pem: /run/dot/cert.pem
    root-hints: /etc/unbound/lab-root.hints
    module-config: iterator
    local-zone: test. nodefault
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: /run/dot/log
    log-queries: yes
END
systemd-run --quiet --unit=dot unbound -d -c /run/dot/conf
"""


def dig(ssh: Ssh, host: str, *question: str) -> str:
    return ssh(host, f"dig @127.0.0.1 +adflag +time=3 +tries=2 {' '.join(question)}")


@pytest.mark.parametrize("host", ["mx1", "mx2"])
def test_answers_are_validated(ssh: Ssh, host: str) -> None:
    answer = dig(ssh, host, "sender.test", "MX")
    assert "status: NOERROR" in answer
    assert " ad;" in answer
    assert "10 out.sender.test." in answer


def test_a_broken_signature_is_not_believed(ssh: Ssh) -> None:
    # The parent has a DS for this name, the child has no such key.
    update = (
        "printf 'server 198.18.77.53\\nzone test\\nupdate add bogus.test 5 NS ns.test.\\n"
        "update add bogus.test 5 DS 1 13 2 {}\\nsend\\n' | knsupdate"
    )
    ssh("internet", update.format("ab" * 32))
    try:
        assert "status: SERVFAIL" in dig(ssh, "mx1", "bogus.test", "A")
    finally:
        ssh(
            "internet",
            "printf 'server 198.18.77.53\\nzone test\\nupdate delete bogus.test\\nsend\\n'"
            " | knsupdate",
        )


def test_nobody_else_on_the_network_is_answered(ssh: Ssh) -> None:
    ask = "kdig +time=1 +retry=0 @198.18.77.11 sender.test MX 2>&1; true"
    assert "NOERROR" not in ssh("internet", ask)
    assert "0.0.0.0:53" not in ssh("mx1", "ss -Hlnu")


def test_control_is_a_socket_of_root(ssh: Ssh) -> None:
    assert "is running" in ssh("mx1", "unbound-control status")
    assert ":8953" not in ssh("mx1", "ss -Hlnt")


@pytest.mark.parametrize("path", ["/etc/resolv.conf", CHROOT_COPY])
@pytest.mark.parametrize(
    "write",
    [
        "echo nameserver 192.0.2.9 > {0}",
        "echo nameserver 192.0.2.9 > {0}.new && mv {0}.new {0}",
        "echo nameserver 192.0.2.9 > /run/other && ln -sf /run/other {0}",
        "rm {0}",
    ],
)
def test_resolv_conf_is_kept_against_other_writers(ssh: Ssh, path: str, write: str) -> None:
    assert ssh("mx1", f"cat {path}") == RESOLV_CONF
    ssh("mx1", write.format(path))
    eventually(lambda: ssh("mx1", f"test ! -L {path} && cat {path}; true") == RESOLV_CONF)
    assert json.loads(ssh("mx1", "mx-agent status resolver"))["bundles"]["resolver"]["drift"] == []


def test_a_killed_resolver_comes_back_every_time(ssh: Ssh) -> None:
    for _ in range(7):  # systemd's own limit would be five
        before = ssh("mx1", "systemctl show -p MainPID --value unbound").strip()
        ssh("mx1", f"kill -9 {before}")
        ssh(
            "mx1",
            "timeout 20 sh -c 'until pgrep -x unbound | grep -vqx "
            + before
            + "; do sleep 0.1; done'",
        )
    eventually(lambda: "NOERROR" in ssh("mx1", "dig @127.0.0.1 +time=2 sender.test MX; true"))


@pytest.fixture
def repository(ssh: Ssh) -> Iterator[str]:
    """A Debian repository that is found by a name only, and no proxy."""
    ssh("internet", REPOSITORY)
    ssh(
        "mx1",
        "cp -a /etc/apt /srv/apt-before && rm -f /etc/apt/apt.conf.d/01proxy && "
        "echo 'deb [trusted=yes] http://out.sender.test:8000 ./' > /etc/apt/sources.list",
    )
    yield PACKAGE
    ssh("mx1", f"rm -rf /etc/apt && mv /srv/apt-before /etc/apt; dpkg -P {PACKAGE}; apt-get update")
    ssh("internet", "systemctl stop repository")


def test_packages_reach_a_host_whose_resolver_is_stopped(ssh: Ssh, repository: str) -> None:
    owner = json.loads(ssh("mx1", "mx-agent status"))["owner"]
    manifest = json.dumps({"bundle": "test-package", "owner": owner, "packages": [repository]})
    ssh("mx1", "systemctl stop unbound")
    try:
        assert ssh("mx1", "getent hosts out.sender.test || echo lost") == "lost\n"
        said = ssh("mx1", f"mx-agent apply <<'END'\n{manifest}\nEND")
        assert "with the resolvers of before" in said
        assert "ok installed" in ssh("mx1", f"dpkg -s {repository}")
        assert ssh("mx1", "cat /etc/resolv.conf") == RESOLV_CONF
    finally:
        ssh("mx1", "systemctl start unbound; mx-agent remove test-package")
    assert "NOERROR" in dig(ssh, "mx1", "sender.test", "MX")


def test_a_stopped_resolver_starts_with_the_next_apply(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path
) -> None:
    ssh("mx1", "systemctl stop unbound")
    text = stack_text.read_text()
    stack_text.write_text(text.replace("cacheMaxTtlSeconds: 5", "cacheMaxTtlSeconds: 6"))
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOERROR" in dig(ssh, "mx1", "sender.test", "MX")


def test_a_wrong_trust_anchor_is_undone(pulumi: Pulumi, ssh: Ssh, stack_text: Path) -> None:
    before = ssh("mx1", "cat /etc/unbound/unbound.conf /etc/unbound/mx-anchors.key")
    wrong = "trustAnchors: ['. DS 1 13 2 " + "ab" * 32 + "']"
    text = stack_text.read_text()
    line = next(line for line in text.splitlines() if "trustAnchorFile" in line)
    stack_text.write_text(text.replace(line.strip(), wrong))
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "the resolver does not answer for the root" in done.stdout + done.stderr
    assert ssh("mx1", "cat /etc/unbound/unbound.conf /etc/unbound/mx-anchors.key") == before
    assert "NOERROR" in dig(ssh, "mx1", "sender.test", "MX")


@pytest.fixture
def forwarder(ssh: Ssh) -> Iterator[None]:
    """A resolver on internet that answers over TLS and logs the questions; mx1 trusts it."""
    ssh("internet", FORWARDER)
    certificate = ssh("internet", "cat /run/dot/cert.pem")
    ca = "/usr/local/share/ca-certificates/dot.crt"
    for host in ("mx1", "mx2"):
        ssh(host, f"cat > {ca} <<'END'\n{certificate}END\nupdate-ca-certificates 2>&1")
    yield
    for host in ("mx1", "mx2"):
        ssh(host, f"rm {ca}; update-ca-certificates --fresh 2>&1")
    ssh("internet", "systemctl stop dot; rm -r /run/dot")


def test_block_lists_are_recursed_when_the_rest_is_forwarded(
    pulumi: Pulumi, ssh: Ssh, forwarder: None, stack_file: Path
) -> None:
    forwarding = (
        "      forwarders: [{address: 198.18.77.2, hostname: dns.sender.test}]\n"
        "      recursedZones: [sender.test]\n"
    )
    text = stack_file.read_text()
    stack_file.write_text(text.replace("    resolver:\n", f"    resolver:\n{forwarding}"))
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("example.test", "sender.test"):
        answer = dig(ssh, "mx1", name, "SOA")
        assert "status: NOERROR" in answer
        assert " ad;" in answer
    asked = ssh("internet", "cat /run/dot/log")
    assert " example.test. SOA" in asked
    assert " sender.test. SOA" not in asked
