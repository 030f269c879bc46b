"""The spam filter on real hosts: refused, marked, signed, deferred, and never left out."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import send
from lab.topology import INTERNET, ipv6

from . import verify
from .conftest import MX1, Ssh, eventually
from .test_dns import served
from .test_stack import stack_file
from .verify import verdict

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
KEYS = "/var/lib/mx-dkim"
PASSWORD = "password-of-the-controller"
SIGN = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 25) as smtp:
    smtp.sendmail("alice@example.test", ["carol@sender.test"], sys.stdin.buffer.read())
"""


OFFER = """
import json, smtplib, sys
address, sender, recipient = sys.argv[1:4]
try:
    with smtplib.SMTP(address, 25, "out.sender.test", timeout=120) as client:
        client.ehlo()
        code, text = client.mail(sender)
        if code == 250:
            code, text = client.rcpt(recipient)
        if code == 250:
            code, text = client.data(sys.stdin.buffer.read())
except smtplib.SMTPConnectError as refused:
    code, text = refused.smtp_code, refused.smtp_error
print(json.dumps([code, text.decode()]))
"""


def offer(message: send.Message, recipient: str = "alice@example.test") -> tuple[int, str]:
    """Offer a message to mx1 once, from the address that the sender's SPF record permits."""
    client = [sys.executable, "-c", OFFER, MX1, message.sender, recipient]
    command = ["ip", "netns", "exec", INTERNET.netns, *client]
    done = subprocess.run(
        command, input=message.text(), capture_output=True, text=True, check=True, timeout=200
    )
    code, text = json.loads(done.stdout)
    return int(code), str(text)


def message(subject: str, body: str = "The meeting is at ten o'clock.\n") -> send.Message:
    return send.Message("alice@sender.test", "alice@example.test", subject, body)


def arrived(sent: send.Message) -> str:
    eventually(lambda: send.delivered(sent) is not None, 60)
    path = send.delivered(sent)
    assert path is not None
    return path.read_text()


def copies(ssh: Ssh, sent: send.Message) -> int:
    mark = sent.message_id.strip("<>")
    return int(ssh("mailbox1", f"grep -rl {mark} /var/mail/example.test/alice/new | wc -l"))


def test_gtube_is_refused(ssh: Ssh) -> None:
    code, text = offer(message("gtube", GTUBE))
    assert code == 554, text
    assert "Gtube" in text


def test_a_clean_message_gets_its_headers(ssh: Ssh) -> None:
    sent = message("clean")
    assert offer(sent)[0] == 250
    headers = arrived(sent).partition("\n\n")[0]
    assert "X-Spamd-Result: default: False" in headers
    assert "Authentication-Results: mx1.example.test;" in headers
    assert "spf=pass" in headers


def test_nothing_listens_for_strangers(ssh: Ssh) -> None:
    listening = ssh("mx1", "ss -Hlnt | awk '{print $4}'").split()
    ports = {each for each in listening if each.endswith((":6379", ":11332", ":11333", ":11334"))}
    assert ports == {"127.0.0.1:11334"}
    assert ssh("mx1", "stat -c '%a %U' /run/rspamd/scan.sock") == "600 _rspamd\n"
    stock = "curl -s -o /dev/null -w '%{http_code}' -H 'Password: q1' http://127.0.0.1:11334/stat"
    assert ssh("mx1", stock) == "401"
    modes = ssh(
        "mx1", f"stat -c '%a %U %G' /var/spool/postfix/rspamd {KEYS} {KEYS}/example.test.*.key"
    )
    assert modes.splitlines() == ["2750 _rspamd postfix", "750 root _rspamd", "640 root _rspamd"]


def sign(ssh: Ssh) -> send.Message:
    """Send a message of our own domain out by mx1."""
    sent = send.Message("alice@example.test", "carol@sender.test", "outgoing")
    ssh("mx1", f"python3 -c '{SIGN}' <<'END'\n{sent.text()}\nEND")
    return sent


def test_the_record_in_dns_is_the_key_of_the_host(ssh: Ssh) -> None:
    for host in ("mx1", "mx2"):
        [text] = served(f"{host}._domainkey.example.test", "TXT")
        public = ssh(
            host, f"openssl pkey -pubout -outform DER -in {KEYS}/example.test.*.key | base64 -w0"
        )
        assert text.replace('" "', "") == f'"v=DKIM1; k=rsa; p={public}"'


def test_an_outgoing_message_passes_spf_dkim_and_dmarc(ssh: Ssh) -> None:
    sent = sign(ssh)
    said = verdict(ssh, sent)
    assert said.client in (MX1, ipv6(11))
    assert "spf=pass" in said.results
    assert "smtp.mailfrom=example.test" in said.results
    assert "dkim=pass header.d=example.test" in said.results
    assert "dmarc=pass" in said.results
    assert "header.from=example.test policy.dmarc=reject" in said.results
    path = verify.arrived(sent)
    for change, valid in (("", True), ("s/message of the lab/message of others/", False)):
        told = ssh("internet", f"sed '{change}' {path} | dkimverify 2>&1; true")
        assert ("signature ok" in told) == valid


def test_a_forged_message_fails_them(ssh: Ssh) -> None:
    """From the same address, by a host that is none of ours."""
    forged = send.Message("alice@example.test", "carol@sender.test", "forged")
    with smtplib.SMTP(INTERNET.address, 25, "mx1.example.test", timeout=60) as client:
        client.sendmail(forged.sender, [forged.recipient], forged.text())
    said = verdict(ssh, forged)
    assert "spf=fail" in said.results
    assert "dkim=pass" not in said.results
    assert "dmarc=fail" in said.results
    assert "header.from=example.test policy.dmarc=reject" in said.results


def test_a_key_that_is_not_the_one_in_dns_does_not_sign(ssh: Ssh) -> None:
    key = f"{KEYS}/example.test.mx1.key"
    restart = "systemctl restart rspamd"
    ssh("mx1", f"cp -p {key} /run/kept.key && openssl genrsa 2048 >{key} && {restart}")
    try:
        eventually(lambda: offer(message("probe"))[0] == 250, 60)
        assert "DKIM-Signature" not in arrived(sign(ssh))
    finally:
        ssh("mx1", f"cp -p /run/kept.key {key} && rm /run/kept.key && {restart}")
    eventually(lambda: offer(message("probe"))[0] == 250, 60)
    assert "DKIM-Signature" in arrived(sign(ssh))


def test_keys_stay_and_no_private_key_leaves_the_host(pulumi: Pulumi, ssh: Ssh) -> None:
    before = ssh("mx1", f"sha256sum {KEYS}/*")
    done = pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", f"sha256sum {KEYS}/*") == before
    state = pulumi("stack", "export").stdout
    assert "v=DKIM1" in state
    assert "PRIVATE KEY" not in state


@pytest.fixture
def no_memory(ssh: Ssh) -> Iterator[None]:
    """No memory of greylisting before the test, and none after it for other tests' messages."""
    ssh("mx1", "redis-cli -e -s /run/redis/redis-server.sock FLUSHALL")
    yield
    ssh("mx1", "redis-cli -e -s /run/redis/redis-server.sock FLUSHALL")


@pytest.mark.usefixtures("no_memory")
def test_greylisting_defers_once_and_the_controller_wants_its_password(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    done = pulumi("config", "set", "--secret", "mx:rspamdPassword", PASSWORD)
    assert done.returncode == 0, done.stderr
    text = stack_file.read_text()
    grey = "    spamFilter: {greylistScore: -50, greylist: {delaySeconds: 2}}\n"
    stack_file.write_text(text.replace("    domains:\n", f"{grey}    domains:\n", 1))
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    # Until Rspamd has read its files again, its former processes answer.
    tries: list[send.Message] = []

    def deferred() -> bool:
        tries.append(message(f"grey {len(tries)}"))
        return offer(tries[-1])[0] == 451

    eventually(deferred, 30)
    sent = tries[-1]
    eventually(lambda: offer(sent)[0] == 250, 30)
    arrived(sent)
    assert copies(ssh, sent) == 1
    # The next one of this sender and recipient is known.
    assert offer(message("grey again"))[0] == 250
    ask = "curl -s -o /dev/null -w '%{{http_code}}' -H 'Password: {}' http://127.0.0.1:11334/stat"
    assert ssh("mx1", ask.format(PASSWORD)) == "200"
    assert ssh("mx1", ask.format("another")) == "401"
    kept = "/etc /var/lib/mx-agent /var/log /run/log"
    assert PASSWORD not in ssh(
        "mx1", f"grep -rhas -m1 {PASSWORD[:-1]}[{PASSWORD[-1]}] {kept}; true"
    )
    assert PASSWORD not in pulumi("stack", "export").stdout


def test_a_broken_configuration_is_refused_before_it_is_in_place(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    digest = "cd /etc/rspamd && find . -type f | sort | xargs sha256sum"
    before = ssh("mx1", digest)
    ssh(
        "mx1",
        "printf 'x = \\n{\\n' > /etc/rspamd/override.d/actions.conf",
    )
    text = stack_file.read_text()
    line = "    spamFilter: {rejectScore: 14}\n"
    stack_file.write_text(text.replace("    domains:\n", f"{line}    domains:\n", 1))
    try:
        done = pulumi("up", "--yes", "--skip-preview")
        assert done.returncode != 0
        assert "rspamadm configtest: " in done.stdout + done.stderr
    finally:
        ssh("mx1", "rm /etc/rspamd/override.d/actions.conf")
    assert ssh("mx1", digest) == before
