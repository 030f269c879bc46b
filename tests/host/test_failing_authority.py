"""`pulumi up` while the authority or the API of the zones fails: nothing is lost, the next heals.

One `up` shows two failures, one on each host: mx1 asks an ACME server that refuses, mx2 the real
one while the API that must publish its challenge refuses.

Before the first of them renewals on mx1 have failed for days: the runs of those days see an earlier
date (faketime(1)), and the certificate in use is one of the same key with 20 days left.
"""

from __future__ import annotations

import json
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ssl import PEM_cert_to_DER_cert

import httpx
import pytest

from lab import topology
from lab.topology import ACME, ACME_NAME, CHECKOUT, CLOUDFLARE, CLOUDFLARE_TOKEN, INTERNET, ipv4

from .conftest import MX1, MX2, Ssh, eventually
from .test_certificates import age
from .test_status import status

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
HOSTS = {"mx1": MX1, "mx2": MX2}
PROGRAM = INTERNET.root / "etc/refusing_acme.py"
FRONT, SERVER = f"{INTERNET.address}:14000", f"{ipv4(ACME)}:14000"
FAULTS = f"http://{ipv4(CLOUDFLARE)}/_lab/faults"


@dataclass(frozen=True)
class Case:
    """How the ACME server of mx1 fails (none listens: ""), how the API does, what `up` says.

    `api`: a status that it answers with when a challenge is to be published; `up` itself reads the
    zones, and refuses to begin when it cannot.
    """

    authority: str
    api: int | None
    words: tuple[str, str]


def set_fault(status: int) -> None:
    """Attempts to publish a challenge fail, those of a timer's run beside `up` too."""
    wanted = {"status": status, "count": 1000, "path": "/dns_records$", "method": "POST"}
    httpx.post(FAULTS, json=wanted).raise_for_status()


CASES = {
    "down_and_the_token_refused": Case(
        "",
        403,
        (
            "authority: the ACME server cannot be reached: it refuses the connection",
            "DNS API: the token is refused",
        ),
    ),
    "rate_limit_and_api_500": Case(
        "rateLimited",
        500,
        (
            "rate limit: the authority takes no more orders for now: too many certificates",
            "failed 5 times: status 500",
        ),
    ),
    "silent_and_api_429": Case(
        "silent",
        429,
        (
            "authority: the ACME server cannot be reached: it does not answer in time",
            "failed 5 times: status 429",
        ),
    ),
    "caa": Case(
        "caa",
        None,
        ("CAA: the records of this name forbid this authority (RFC 8659): CAA record for mx1", ""),
    ),
}


@pytest.fixture
def broken(ssh: Ssh) -> Iterator[Callable[[Case], Callable[[], None]]]:
    """Break it as a case says; the function that is returned mends it."""

    def mend() -> None:
        ssh("mx1", f"sed -i '/ {ACME_NAME}$/d' /etc/hosts")
        ssh("internet", "systemctl stop refusing-acme 2>&1; true")
        httpx.delete(FAULTS).raise_for_status()

    def wreck(case: Case) -> Callable[[], None]:
        ssh("mx1", f"echo '{INTERNET.address} {ACME_NAME}' >> /etc/hosts")
        if case.authority:
            run = f"python3 /etc/{PROGRAM.name} {case.authority} {FRONT} {SERVER}"
            ssh(
                "internet",
                f"systemd-run --quiet --collect --unit=refusing-acme {run} && for i in $(seq 60); "
                f"do ss -Hltn src {FRONT} | grep -q . && exit 0; sleep 0.5; done; false",
            )
        if case.api is not None:
            set_fault(case.api)
        return mend

    shutil.copy(CHECKOUT / "lab/files/refusing_acme.py", PROGRAM)
    yield wreck
    mend()
    PROGRAM.unlink()


def served(address: str) -> bytes:
    """The ECDSA certificate that a sender gets, who then may send to our domain."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+aECDSA")
    with smtplib.SMTP(address, 25, "out.sender.test", timeout=60) as client:
        client.starttls(context=context)
        client.ehlo()
        client.mail("alice@sender.test")
        assert client.rcpt("alice@example.test")[0] == 250
        assert isinstance(client.sock, ssl.SSLSocket)
        return client.sock.getpeercert(binary_form=True) or b""


NAME, DAYS_LEFT, DAYS_FAILING = "mx1.example.test", 20, (8, 5)


def serve_old(ssh: Ssh) -> None:
    """Postfix serves, and dehydrated keeps, a certificate whose renewal has been due for days."""
    age(NAME, "ecdsa", DAYS_LEFT)
    folder = topology.MX1.root / f"var/lib/dehydrated/certs/{NAME}_ecdsa"
    old = (folder / "cert.pem").read_text()
    chain = topology.MX1.root / f"var/lib/mx/certificates/{NAME}_ecdsa.pem"
    chain.write_text((folder / "privkey.pem").read_text() + old)
    ssh("mx1", "systemctl reload postfix")
    eventually(lambda: served(MX1) == PEM_cert_to_DER_cert(old))


def fail_for_days(ssh: Ssh) -> None:
    """Runs of the timer of earlier days, and the one of now, which the monitoring sees."""
    for days in DAYS_FAILING:
        ssh("mx1", f"! faketime -f -{days}d mx-certificates renew")
    ssh("mx1", "! systemctl start mx-certificates.service")


def told_of_days(pulumi: Pulumi, output: str) -> None:
    """`up` warned of mx1, outputs have time and reason, and who looks from outside is told."""
    assert "renewal fails on mx1:" in output
    assert "then run on the host: systemctl start mx-certificates.service" in output
    assert "renewal fails on mx2" not in output
    shown = pulumi("stack", "output", "--json").stdout
    [failure] = json.loads(shown)["renewalFailures"]
    assert (failure["host"], failure["name"], failure["algorithm"]) == ("mx1", NAME, "ecdsa")
    since = datetime.now(UTC) - datetime.fromisoformat(failure["since"])
    assert timedelta(days=DAYS_FAILING[0]) < since < timedelta(days=DAYS_FAILING[0], hours=1)
    assert "authority: the ACME server cannot be reached" in failure["reason"]
    found = status("--stack", "lab", "--outputs", outputs=shown)
    assert ("renewal-failing", NAME) in found
    for address in (MX1, topology.ipv6(topology.MX1.numbers[0])):
        assert ("renewal-late", f"{NAME} [{address}]") in found


def heal(pulumi: Pulumi, ssh: Ssh, old: dict[str, bytes]) -> str:
    """The next `up`, after which nobody serves the old certificate; what it said."""
    healed = pulumi("up", "--yes", "--skip-preview", "--continue-on-error")
    assert healed.returncode == 0, healed.stdout + healed.stderr
    for host, certificate in old.items():
        assert served(HOSTS[host]) != certificate
        assert '"error": ""' in ssh(host, "mx-certificates status")
        assert ssh(host, "systemctl show -P ActiveState mx-certificates.service") == "inactive\n"
    return healed.stdout + healed.stderr


@pytest.fixture(scope="module")
def unhealed(pulumi: Pulumi, ssh: Ssh) -> Iterator[dict[str, bytes]]:
    """Hosts that a case leaves with their old certificate: one `up` at the end heals them all."""
    old: dict[str, bytes] = {}
    yield old
    heal(pulumi, ssh, old)


@pytest.mark.parametrize("name", CASES)
def test_up_names_the_reason_keeps_what_serves_and_heals(
    pulumi: Pulumi,
    ssh: Ssh,
    broken: Callable[[Case], Callable[[], None]],
    unhealed: dict[str, bytes],
    name: str,
) -> None:
    case = CASES[name]
    hosts = {host: words for host, words in zip(HOSTS, case.words, strict=True) if words}
    for_days = not case.authority
    if for_days:
        ssh("mx1", "apt-get -q -y install faketime")
        serve_old(ssh)
    before = {host: served(HOSTS[host]) for host in hosts}
    for host in hosts:
        # The edited file makes `up` apply again; another authority makes the certificate due,
        # which the one of mx1 that is old is already.
        ssh(host, "echo >> /etc/dehydrated/domains.txt")
        if not (for_days and host == "mx1"):
            ssh(host, f"echo old > /var/lib/dehydrated/certs/{host}.example.test_ecdsa/authority")
    mend = broken(case)
    if for_days:
        fail_for_days(ssh)
    done = pulumi("up", "--yes", "--skip-preview", "--continue-on-error")
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    for words in hosts.values():
        assert words in output, output
    assert CLOUDFLARE_TOKEN not in output
    assert "Traceback" not in output
    assert {host: served(HOSTS[host]) for host in hosts} == before
    if for_days:
        told_of_days(pulumi, output)
    mend()
    if not for_days:
        unhealed.update(before)
        return
    # As the timer does; that its unit failed is left to `up`.
    ssh("mx1", "mx-certificates renew && apt-get -q -y purge faketime libfaketime")
    assert "renewal fails on" not in heal(pulumi, ssh, before)
    shown = pulumi("stack", "output", "--json").stdout
    assert json.loads(shown)["renewalFailures"] == []
    found = status("--stack", "lab", "--outputs", outputs=shown)
    assert not {check for check, _ in found if check.startswith("renewal-")}
