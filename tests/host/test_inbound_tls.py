"""What real senders see: Postfix on the lab's Internet, with DANE and with the policy we serve."""

from __future__ import annotations

import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from lab.acme import ROOTS
from lab.topology import INTERNET

from .conftest import ROOT, Ssh

pytestmark = pytest.mark.host

LOG = INTERNET.root / "var/log/mail.log"
CHAINS = "/var/lib/mx/certificates"
NEW_KEYS = {"ecdsa": "ec -pkeyopt ec_paramgen_curve:P-256", "rsa": "rsa:3072"}
# Suites of TLS 1.2 name the algorithm of the certificate; DANE takes the mandatory parameters.
ONLY = {
    "ecdsa": ("smtp_tls_mandatory_exclude_ciphers = aRSA", "ECDHE-ECDSA-"),
    "rsa": ("smtp_tls_mandatory_exclude_ciphers = aECDSA", "ECDHE-RSA-"),
}
TLS_1_2 = "smtp_tls_mandatory_protocols = >=TLSv1.2, <=TLSv1.2"

Configure = Callable[..., None]


@pytest.fixture
def configure(ssh: Ssh) -> Iterator[Configure]:
    """Set parameters of the sender; afterwards it is as before."""
    before = ssh("internet", "cat /etc/postfix/main.cf")

    def change(*lines: str) -> None:
        quoted = " ".join(f"'{line}'" for line in lines)
        ssh("internet", f"postconf -e {quoted} && postfix reload 2>&1")

    yield change
    restored = subprocess.run(
        ["scripts/lab", "ssh", "internet", "cat > /etc/postfix/main.cf && postfix reload"],
        cwd=ROOT,
        input=before,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert restored.returncode == 0, restored.stderr


def send(ssh: Ssh) -> str:
    """Send a message to our domain; the number of the log's lines before and its queue ID."""
    sender = f"{uuid.uuid4().hex}@sender.test"
    text = f"From: {sender}\\nTo: alice@example.test\\nSubject: seen by a sender\\n\\ntext\\n"
    ssh("internet", f"printf '{text}' | sendmail -i -f {sender} alice@example.test")
    return wait(rf": (\w+): from=<{sender}>")[1]


def wait(pattern: str) -> re.Match[str]:
    """The first place in the sender's log that matches."""
    deadline = time.monotonic() + 60
    while True:
        text = LOG.read_text()
        found = re.search(pattern, text)
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"{pattern} is not in {text[-2000:]}"
        time.sleep(0.3)


def connection(queue_id: str) -> str:
    """What the smtp(8) that delivered a message says of its TLS connection."""
    said = wait(rf"postfix/smtp\[(\d+)\]: {queue_id}: to=<alice@example.test>.* status=(\w+) .*")
    assert said[2] == "sent", said[0]
    process = re.escape(f"postfix/smtp[{said[1]}]: ")
    lines = re.findall(rf"{process}(.*TLS connection established to .*)", LOG.read_text())
    return str(lines[-1])


@pytest.mark.parametrize("algorithm", ONLY)
def test_a_sender_with_dane_verifies_both_algorithms(
    ssh: Ssh, configure: Configure, algorithm: str
) -> None:
    parameter, suite = ONLY[algorithm]
    configure("smtp_tls_security_level = dane", TLS_1_2, parameter)
    said = connection(send(ssh))
    assert said.startswith("Verified TLS connection established to mx")
    assert suite in said


def test_a_sender_agrees_on_ml_kem_where_both_sides_have_it(ssh: Ssh, configure: Configure) -> None:
    configure("tls_eecdh_auto_curves = X25519MLKEM768 X25519 prime256v1")
    said = connection(send(ssh))
    assert said.startswith("Verified TLS connection established to mx")
    assert "TLSv1.3" in said
    hosts = ("internet", "mx1", "mx2")
    if all(ssh(host, "openssl version").startswith("OpenSSL 3.5") for host in hosts):
        assert "key-exchange X25519MLKEM768" in said


@pytest.fixture
def mta_sts(ssh: Ssh, configure: Configure) -> None:
    """The sender goes by our policy, as Debian's resolver of MTA-STS reads it from our hosts."""
    fetched = subprocess.run(
        [
            *("scripts/lab", "ssh", "mx2"),
            "cat > /run/roots.pem; SSL_CERT_FILE=/run/roots.pem mta-sts-query example.test 2>&1; "
            "rm /run/roots.pem",
        ],
        cwd=ROOT,
        input=ROOTS.read_text(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "STSFetchResult.VALID" in fetched
    assert "'mode': 'enforce'" in fetched
    listed = re.search(r"'mx': \[([^]]+)\]", fetched)
    assert listed is not None, fetched
    names = ":".join(re.findall(r"'([^']+)'", listed[1]))
    (INTERNET.root / "etc/postfix/pebble-roots.pem").write_text(ROOTS.read_text())
    configure(
        # Level `secure` looks for no TLSA record.
        "smtp_tls_policy_maps = inline:{{example.test = secure match=" + names + " "
        "servername=hostname}}",
        "smtp_tls_CAfile = /etc/postfix/pebble-roots.pem",
    )


def test_a_sender_with_mta_sts_verifies(ssh: Ssh, mta_sts: None) -> None:
    assert connection(send(ssh)).startswith("Verified TLS connection established to mx")


@pytest.fixture
def swapped(ssh: Ssh) -> Iterator[Callable[[], None]]:
    """Both hosts serve other keys and certificates; the function brings ours back."""
    swap, back = [], []
    for algorithm, new in NEW_KEYS.items():
        chain, kept = f"{CHAINS}/{{host}}.example.test_{algorithm}.pem", f"/run/kept-{algorithm}"
        swap.append(
            f"cp -p {chain} {kept} && openssl req -x509 -nodes -newkey {new} -days 9 "
            "-subj /CN={host}.example.test -addext subjectAltName=DNS:{host}.example.test "
            "-keyout /run/other.key -out /run/other.pem 2>/dev/null && "
            f"cat /run/other.key /run/other.pem > {chain}"
        )
        back.append(f"if test -e {kept}; then mv {kept} {chain}; fi")

    def everywhere(commands: list[str]) -> None:
        for host in ("mx1", "mx2"):
            steps = [command.replace("{host}", host) for command in commands]
            ssh(host, " && ".join([*steps, "systemctl reload postfix"]))

    everywhere(swap)
    yield lambda: everywhere(back)
    everywhere(back)


@pytest.mark.parametrize("sender", ["dane", "mta-sts"])
def test_a_swapped_certificate_puts_mail_off_until_ours_is_back(
    ssh: Ssh, request: pytest.FixtureRequest, swapped: Callable[[], None], sender: str
) -> None:
    if sender == "mta-sts":
        request.getfixturevalue("mta_sts")
    queue_id = send(ssh)
    said = wait(rf": {queue_id}: to=<alice@example.test>.* status=(\w+) \(.*")
    assert said[1] == "deferred"
    assert "not verified" in said[0].lower()
    swapped()
    ssh("internet", "postqueue -f")
    wait(rf": {queue_id}: to=<alice@example.test>.* status=sent ")
