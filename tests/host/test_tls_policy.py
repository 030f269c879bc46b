"""Outbound TLS policy, with receivers made on the lab's Internet: DANE first, then MTA-STS."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from lab.acme import CA
from lab.topology import INTERNET

from .conftest import Ssh

pytestmark = pytest.mark.host

PEER = INTERNET.root / "etc/peer"
DOMAINS = ("dane", "both", "mismatch", "sts", "violation", "change")
ADDRESS = INTERNET.address
# One process for all policies: the domain is the name after `mta-sts.`. It also takes reports.
POLICY_HOST = f"""
import http.server, pathlib, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        domain = self.headers['Host'].removeprefix('mta-sts.').partition('.')[0]
        text = pathlib.Path('/etc/peer/' + domain + '.txt').read_bytes()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        kind = self.headers['Content-Type'].replace('/', '-')
        pathlib.Path('/etc/peer/' + self.path.strip('/') + '.' + kind).write_bytes(body)
        self.send_response(201)
        self.end_headers()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/etc/peer/chain.pem')
server = http.server.ThreadingHTTPServer(('{ADDRESS}', 443), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
START_POLICY_HOST = (
    "systemd-run --quiet --collect --unit=peer-policy-host python3 /etc/peer/policy_host.py"
)


def command(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(arguments, input=stdin, capture_output=True, check=True).stdout


def certificate() -> str:
    """A chain for all names, of the authority that every host trusts; the TLSA data of its key."""
    names = [f"mta-sts.{domain}.sender.test" for domain in DOMAINS]
    names += [f"mx-{domain}.sender.test" for domain in DOMAINS]
    key, leaf = str(PEER / "key.pem"), str(PEER / "leaf.pem")
    command(
        *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-days", "9"),
        *("-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=peer", "-keyout", key, "-out", leaf),
        *("-CA", str(CA), "-CAkey", str(CA.with_name("ca.key"))),
        *("-addext", "basicConstraints=CA:FALSE"),
        *("-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)),
    )
    parts = (PEER / "key.pem", PEER / "leaf.pem", CA)
    (PEER / "chain.pem").write_text("".join(part.read_text() for part in parts))
    public = command("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")
    return f"3 1 1 {hashlib.sha256(public).hexdigest()}"


def records(good: str) -> list[str]:
    """The receivers' records: all but `dane` have an MTA-STS policy, three have TLSA records."""
    made = []
    for domain in DOMAINS:
        name = f"{domain}.sender.test."
        made += [f"{name} 5 MX 10 mx-{name}", f"mx-{name} 5 A {ADDRESS}"]
        made += [f"mta-sts.{name} 5 A {ADDRESS}"]
        if domain != "dane":
            made.append(f'_mta-sts.{name} 5 TXT "v=STSv1; id=1;"')
    made += [f"_25._tcp.mx-{domain}.sender.test. 5 TLSA {good}" for domain in ("dane", "both")]
    return [*made, f"_25._tcp.mx-mismatch.sender.test. 5 TLSA 3 1 1 {'ab' * 32}"]


def publish(ssh: Ssh, action: str, lines: list[str]) -> None:
    text = "".join(f"update {action} {line}\\n" for line in lines).replace('"', '\\"')
    ssh(
        "internet",
        f'printf "server 198.18.77.53\\nzone sender.test\\n{text}send\\n" | knsupdate',
    )


@pytest.fixture(scope="module")
def peers(ssh: Ssh) -> Iterator[None]:
    """Receivers with STARTTLS, their records and their policies."""
    PEER.mkdir(mode=0o755)
    good = certificate()
    for domain in DOMAINS:
        mx = "elsewhere" if domain == "violation" else f"mx-{domain}"
        (PEER / f"{domain}.txt").write_text(
            f"version: STSv1\nmode: enforce\nmx: {mx}.sender.test\nmax_age: 86400\n"
        )
    (PEER / "policy_host.py").write_text(POLICY_HOST)
    accepted = ssh("internet", "postconf -h virtual_mailbox_domains").strip()
    listed = ", ".join([accepted, *(f"{domain}.sender.test" for domain in DOMAINS)])
    ssh(
        "internet",
        f"postconf -e 'virtual_mailbox_domains = {listed}' smtpd_tls_security_level=may "
        f"smtpd_tls_chain_files=/etc/peer/chain.pem && postfix reload && {START_POLICY_HOST}",
    )
    publish(ssh, "add", records(good))
    # Keys of peers that were there before may be remembered still.
    ssh("mx1", "unbound-control flush_zone sender.test")
    yield
    publish(ssh, "delete", records(good))
    ssh(
        "internet",
        f"postconf -e 'virtual_mailbox_domains = {accepted}' && systemctl stop peer-policy-host && "
        "postconf -X smtpd_tls_security_level smtpd_tls_chain_files && postfix reload && "
        "rm -r /etc/peer",
    )


def policy(ssh: Ssh, domain: str, expected: str) -> None:
    """Postfix is told `expected` of the domain, at once or when the resolver's cache has aged."""
    ssh(
        "mx1",
        f"for i in $(seq 40); do said=$(mx-tls-policy {domain}.sender.test || echo none); "
        f'case "$said" in "{expected}"*) exit 0;; esac; sleep 0.5; done; echo "$said"; exit 1',
    )


def send(ssh: Ssh, domain: str) -> tuple[str, str]:
    """Send a message from mx1; its address, and what the log says of the first attempt."""
    address = f"{uuid.uuid4().hex}@{domain}.sender.test"
    ssh("mx1", f"printf 'Subject: policy\\n\\ntext\\n' | sendmail -f alice@example.test {address}")
    return address, outcome(ssh, address, "status=")


def outcome(ssh: Ssh, address: str, words: str) -> str:
    """The first line of the log about the address with these words in it."""
    return ssh(
        "mx1",
        f"for i in $(seq 120); do journalctl -q --no-pager -o cat -t postfix/smtp -t postfix/error "
        f"-t postfix/qmgr -b | grep -F 'to=<{address}>' | grep -m1 -F '{words}' && exit 0; "
        "sleep 0.5; done; echo nothing; exit 1",
    )


def verified(ssh: Ssh, domain: str) -> None:
    found = ssh("mx1", "journalctl -q --no-pager -o cat -t postfix/smtp -b")
    assert f"Verified TLS connection established to mx-{domain}.sender.test[" in found


@pytest.fixture
def forget(ssh: Ssh) -> Iterator[None]:
    """Afterwards nothing of the test waits in the queue."""
    yield
    ssh("mx1", 'postqueue -j | grep -o \'"queue_id": "[^"]*"\' | cut -d\'"\' -f4 | postsuper -d -')


@pytest.mark.parametrize("domain", ["dane", "both"])
def test_dane_delivers_verified(ssh: Ssh, peers: None, domain: str) -> None:
    policy(ssh, domain, "OK dane-only")
    _, said = send(ssh, domain)
    assert "status=sent" in said
    verified(ssh, domain)


def test_mta_sts_delivers_verified(ssh: Ssh, peers: None) -> None:
    policy(ssh, "sts", "OK secure match=mx-sts.sender.test")
    _, said = send(ssh, "sts")
    assert "status=sent" in said
    verified(ssh, "sts")


def test_a_dane_mismatch_defers_though_mta_sts_would_deliver(
    ssh: Ssh, peers: None, forget: None
) -> None:
    policy(ssh, "mismatch", "OK dane-only")
    ask = "cd /usr/local/lib/mx && python3 -B -m mx_tls_policy ask /run/mx-mta-sts/policy.sock"
    assert "OK secure match=mx-mismatch" in ssh("mx1", f"{ask} mismatch.sender.test")
    _, said = send(ssh, "mismatch")
    assert "status=deferred" in said
    assert "not verified" in said.lower()


def test_an_mx_that_the_policy_does_not_name_defers(ssh: Ssh, peers: None, forget: None) -> None:
    policy(ssh, "violation", "OK secure match=elsewhere.sender.test")
    _, said = send(ssh, "violation")
    assert "status=deferred" in said
    # Postfix 3.10 knows the policy's names from its attributes, and does not even connect.
    assert "relay=none" in said or "not verified" in said.lower()


def test_a_policy_host_that_is_down_is_no_way_around_a_kept_policy(ssh: Ssh, peers: None) -> None:
    kept = "OK secure match=mx-change.sender.test"
    policy(ssh, "change", kept)
    publish(ssh, "delete", ["_mta-sts.change.sender.test. TXT"])
    publish(ssh, "add", ['_mta-sts.change.sender.test. 5 TXT "v=STSv1; id=2;"'])
    ssh("internet", "systemctl stop peer-policy-host")
    try:
        # The service looks for a new policy a minute after the last time; here that is over,
        # and it has been started again since.
        ssh("mx1", aged("change.sender.test"))
        ssh("mx1", "systemctl restart postfix-mta-sts-resolver")
        policy(ssh, "change", kept)
        _, said = send(ssh, "change")
        assert "status=sent" in said
        verified(ssh, "change")
        log = ssh("mx1", "journalctl -q --no-pager -o cat -u postfix-mta-sts-resolver -n 50")
        assert "FETCH_ERROR" in log or "fetch" in log.lower(), log
    finally:
        ssh("internet", START_POLICY_HOST)


def aged(domain: str) -> str:
    """Command that makes the kept policy of a domain two minutes older."""
    program = (
        "import sqlite3; link = sqlite3.connect('/var/lib/mta-sts/cache.db'); "
        f"done = link.execute('UPDATE sts_policy_cache SET ts = ts - 120 WHERE domain = ?', "
        f"('{domain}',)); link.commit(); raise SystemExit(done.rowcount != 1)"
    )
    return f'python3 -c "{program}"'


Stop = Callable[[str], None]


@pytest.fixture
def stop(ssh: Ssh) -> Iterator[Stop]:
    """Stop a unit of mx1; afterwards both services run."""

    def down(unit: str) -> None:
        ssh("mx1", f"systemctl stop {unit}")

    yield down
    ssh("mx1", "systemctl start postfix-mta-sts-resolver mx-tls-policy.socket mx-tls-policy")


def test_without_the_service_mail_waits_and_then_goes(
    ssh: Ssh, peers: None, stop: Stop, forget: None
) -> None:
    # The socket alone would start the service again.
    stop("mx-tls-policy.socket mx-tls-policy")
    address, said = send(ssh, "sts")
    assert "dsn=4.7.5, status=deferred" in said
    ssh("mx1", "systemctl start mx-tls-policy.socket mx-tls-policy && postqueue -f")
    assert outcome(ssh, address, "status=sent")


def test_without_the_mta_sts_service_only_dane_goes(
    ssh: Ssh, peers: None, stop: Stop, forget: None
) -> None:
    stop("postfix-mta-sts-resolver")
    policy(ssh, "dane", "OK dane-only")
    assert "status=sent" in send(ssh, "dane")[1]
    assert "status=deferred" in send(ssh, "sts")[1]


def test_no_local_user_can_answer_in_the_place_of_either_service(ssh: Ssh) -> None:
    """A TCP port is free for everybody while its service starts anew; these sockets are not."""
    sockets = ("/var/spool/postfix/mx-tls-policy/policy.sock", "/run/mx-mta-sts/policy.sock")
    for user in ("nobody", "_rspamd", "prometheus"):
        for path in sockets:
            connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{path}')"
            take = f"import os; os.unlink('{path}')"
            for act in (connect, take):
                said = ssh(
                    "mx1", f'setpriv --reuid={user} --clear-groups python3 -c "{act}" 2>&1; true'
                )
                assert "PermissionError" in said
    assert "8642" not in ssh("mx1", "ss -ltn")
    assert "8461" not in ssh("mx1", "ss -ltn")


def test_idle_connections_do_not_starve_the_service(ssh: Ssh) -> None:
    program = (
        "import resource, socket, subprocess; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); "
        "held = [socket.socket(socket.AF_UNIX) for _ in range(1100)]; "
        "[link.connect('/var/spool/postfix/mx-tls-policy/policy.sock') for link in held]; "
        "subprocess.run(['mx-tls-policy', 'localhost'], check=True, timeout=30)"
    )
    assert ssh("mx1", f'python3 -c "{program}"') == "NOTFOUND \n"
