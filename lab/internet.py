"""internet: the host that is the rest of the world."""

from __future__ import annotations

from pathlib import Path

from lab import acme, cloudflare_unit, container, knot, postfix, unbound
from lab.system import run
from lab.topology import INTERNET, RESOLVER, SENDER_DOMAIN, ipv4, ipv6


def configure(root: Path) -> None:
    """Configure DNS, the resolver, ACME, the Cloudflare double and the sending Postfix."""
    unbound.configure(root, knot.configure(root))
    acme.configure(root)
    cloudflare_unit.configure(root)
    # Mail comes from the first address; the resolver's answers are asked for DNSSEC (DANE).
    postfix.configure(
        root,
        [SENDER_DOMAIN],
        {
            "myhostname": INTERNET.fqdn,
            "myorigin": SENDER_DOMAIN,
            "inet_interfaces": f"{INTERNET.address}, {ipv6(INTERNET.numbers[0])}, 127.0.0.1",
            "smtp_bind_address": INTERNET.address,
            "smtp_bind_address6": ipv6(INTERNET.numbers[0]),
            "smtp_dns_support_level": "dnssec",
            "smtp_tls_security_level": "dane",
            "smtp_tls_loglevel": "1",
            "smtp_connect_timeout": "5s",
            "queue_run_delay": "5s",
            "minimal_backoff_time": "5s",
            "maximal_backoff_time": "20s",
        },
    )
    units = [unit for unit in INTERNET.services if unit != "ssh"]
    run(["chroot", root, "systemctl", "enable", *units])


def ready() -> bool:
    """Tell whether the units run and the resolver answers."""
    command = ["systemctl", "is-active", *INTERNET.services]
    states = container.inside(INTERNET, command, check=False).split()
    if states != ["active"] * len(INTERNET.services):
        return False
    question = ["kdig", f"@{ipv4(RESOLVER)}", "+dnssec", "+time=1", "test.", "SOA"]
    answer = container.inside(INTERNET, question, check=False)
    return " ad " in answer.replace(";", " ; ") and "NOERROR" in answer
