"""The TLS bundle on a real host, with certificates made there: what is served, what is refused."""

from __future__ import annotations

import base64
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Iterator

import pytest
import yaml

from components.postconf import FACTS, VERSIONS, known
from components.postconf.names import listed
from components.services.postfix import units as postfix_units
from components.services.postfix_tls import component as postfix_tls
from components.settings.environment import from_mapping
from tests.long.audit.fixes import FAULTS, mended

from .conftest import MX1, ROOT, Ssh, eventually

pytestmark = pytest.mark.host

CHAINS = ["/etc/postfix-test/ecdsa.pem", "/etc/postfix-test/rsa.pem"]
SELF_SIGNED = (
    "install -d -m 0700 /etc/postfix-test && cd /etc/postfix-test && "
    "for key in 'ecdsa -newkey ec -pkeyopt ec_paramgen_curve:P-256' 'rsa -newkey rsa:3072'; do "
    "set -- $key; name=$1; shift; "
    'openssl req -x509 "$@" -nodes -days 9 -subj /CN=mx1.example.test -keyout $name.key '
    "-out $name.crt 2>/dev/null && cat $name.key $name.crt > $name.pem; done"
)


@pytest.fixture(scope="module")
def tls(
    ssh: Ssh, pulumi: Callable[..., subprocess.CompletedProcess[str]]
) -> Iterator[Callable[..., str]]:
    """Apply the bundle; `openssl s_client` on the host with these arguments."""
    text = (ROOT / "stacks" / "Pulumi.lab.yaml").read_text()
    settings = from_mapping(yaml.safe_load(text)["config"]["mx:mail"])
    ssh("mx1", SELF_SIGNED)
    manifest = postfix_tls.manifest(settings, "mx1", "mx/lab", CHAINS).text()
    applied = subprocess.run(
        ["scripts/lab", "ssh", "mx1", "mx-agent apply"],
        cwd=ROOT,
        input=manifest,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert applied.returncode == 0, applied.stdout + applied.stderr

    def client(arguments: str) -> str:
        return ssh(
            "mx1",
            "openssl s_client -connect 127.0.0.1:25 -starttls smtp -brief "
            f"{arguments} </dev/null 2>&1; echo code $?",
        )

    yield client
    ssh("mx1", "mx-agent remove postfix-tls && rm -r /etc/postfix-test")
    with smtplib.SMTP(MX1, 25, "out.sender.test", timeout=60) as session:
        session.ehlo()
        assert not session.has_extn("starttls")
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    with smtplib.SMTP(MX1, 25, "out.sender.test", timeout=60) as session:
        session.ehlo()
        assert session.has_extn("starttls")


def test_a_sender_gets_tls_1_3(tls: Callable[..., str]) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(MX1, 25, "out.sender.test", timeout=60) as client:
        client.starttls(context=context)
        client.ehlo()
        assert isinstance(client.sock, ssl.SSLSocket)
        assert client.sock.version() == "TLSv1.3"
        client.mail("alice@sender.test")
        assert client.rcpt("alice@example.test")[0] == 250


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "Ciphersuite: ECDHE-ECDSA-AES128-GCM"),
        ("-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384", "Ciphersuite: ECDHE-RSA-AES256-GCM"),
        ("-sigalgs rsa_pss_rsae_sha256", "Signature type: RSA"),
        ("-sigalgs ecdsa_secp256r1_sha256", "Signature type: ECDSA"),
    ],
)
def test_both_algorithms_are_served(tls: Callable[..., str], arguments: str, words: str) -> None:
    assert words.lower() in tls(arguments).lower()


@pytest.mark.parametrize(
    "arguments",
    [
        "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
        "-tls1_2 -cipher AES128-SHA@SECLEVEL=0",
        "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256",
        "-tls1_2 -cipher ECDHE-RSA-AES128-SHA@SECLEVEL=0",
        "-tls1_2 -cipher DEFAULT@SECLEVEL=0 -sigalgs RSA+SHA1:ECDSA+SHA1",
    ],
)
def test_old_tls_is_refused(tls: Callable[..., str], arguments: str) -> None:
    said = tls(arguments)
    assert "code 1" in said
    assert "CONNECTION ESTABLISHED" not in said


def test_ml_kem_is_agreed_on_where_openssl_has_it(tls: Callable[..., str], ssh: Ssh) -> None:
    if not ssh("mx1", "openssl version").startswith("OpenSSL 3.5"):
        assert "CONNECTION ESTABLISHED" in tls("")
        return
    assert "X25519MLKEM768" in tls("-groups X25519MLKEM768")


def test_postconf_has_no_complaint(tls: Callable[..., str], ssh: Ssh) -> None:
    assert ssh("mx1", "postconf -n 2>&1 >/dev/null") == ""
    assert "smtp_tls_security_level = dane\n" in ssh("mx1", "postconf -n")


def test_the_parameter_table_is_the_hosts_own(lab: dict[str, str], ssh: Ssh) -> None:
    full = ssh("mx1", "postconf -dh mail_version").strip()
    version = full.rpartition(".")[0]
    assert version in VERSIONS.values()
    names = set(ssh("mx1", "postconf -dH").split())
    # Without those that the distribution's own pipe(8) services add: they are the operator's.
    assert {name for name in names if not known(name, version)} == set()
    assert listed(version) - names == set()
    defaults = dict(line.split(" =", 1) for line in ssh("mx1", "postconf -d").splitlines())
    for name, fact in FACTS.items():
        if version in fact.defaults:
            assert defaults[name].strip() == fact.defaults[version], name


def test_what_the_audit_mends_is_read_without_complaint(ssh: Ssh) -> None:
    folder = "/run/mx-mended"
    lines = [f"mkdir {folder} && cp /etc/postfix/master.cf {folder}"]
    for number, name in enumerate(FAULTS):
        text = base64.b64encode(mended(name)[1].encode()).decode()
        lines += [
            f"base64 -d <<<{text} >{folder}/main.cf",
            f"postconf -c {folder} -n 2>&1 >/dev/null | sed 's/^/{name}: /'",
        ]
        if number % 4 == 0:  # it takes a second
            lines.append(f"postfix -c {folder} check 2>&1 || echo {name}")
    assert ssh("mx1", "\n".join([*lines, f"rm -r {folder}"])) == ""


def test_a_killed_master_comes_back_and_a_stopped_one_stays_down(
    ssh: Ssh, lab: dict[str, str]
) -> None:
    ssh("mx1", "kill -9 $(cat /var/spool/postfix/pid/master.pid)")
    wait = (
        "for i in $(seq 60); do sleep 0.5; ss -Hltn 'sport = 25' | grep -q . && exit 0; done; false"
    )
    ssh("mx1", f"sleep 1; {wait}")
    debian = int(ssh("mx1", "cut -d. -f1 /etc/debian_version"))
    inner = postfix_units.UNITS[debian]
    shown = ssh("mx1", f"systemctl show {inner} -p NRestarts -p BindsTo -p After")
    assert "NRestarts=0" not in shown
    assert "BindsTo=\n" in shown
    assert "mariadb.service" in shown
    ssh("mx1", "systemctl stop postfix.service")
    try:
        # On Debian 12 the unit with the processes stops after the one that is asked to stop.
        eventually(lambda: ssh("mx1", "ss -Hltn 'sport = 25'") == "", 10)
    finally:
        ssh("mx1", f"systemctl start postfix.service; {wait}")
