"""SMTP and TLS at each address of an MX host."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from tools.status.certificate import Certificate
from tools.status.check import Address, Check
from tools.status.smtp import (
    ANSWERED,
    INSUFFICIENT,
    PHASE_OUT,
    SUFFICIENT,
    Greeting,
    Handshake,
    Offer,
)
from tools.status.world import World

_TLS12 = ssl.TLSVersion.TLSv1_2
_ANY_CIPHER = "ALL:@SECLEVEL=0"
_OLD = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1"}
ALGORITHMS = {name: Offer(ciphers, most=_TLS12) for name, ciphers in SUFFICIENT.items()}
"""What a client offers that takes only certificates of this algorithm."""


def greet(world: World, address: Address) -> Greeting:
    """How the address answers."""
    return world.smtp.greet(address.host, address.address, address.domain)


def shake(world: World, address: Address, offer: Offer) -> Handshake | None:
    """A handshake; None where there is no STARTTLS to try."""
    greeting = greet(world, address)
    if greeting.error is not None or "starttls" not in greeting.features:
        return None
    return world.smtp.handshake(address.host, address.address, offer)


def certificates(world: World, address: Address) -> dict[str, Certificate]:
    """The certificate that the address serves, by algorithm."""
    found = {}
    for algorithm, offer in ALGORITHMS.items():
        done = shake(world, address, offer)
        if done is not None and done.error is None and done.certificate:
            found[algorithm] = Certificate(done.certificate)
    if not found:
        done = shake(world, address, Offer())
        if done is not None and done.error is None and done.certificate:
            found["TLS 1.3"] = Certificate(done.certificate)
    return found


def _closed(world: World, address: Address) -> Iterator[str]:
    greeting = greet(world, address)
    if greeting.error is not None and not greeting.unreachable and not _refuses(greeting):
        yield f"port 25: {greeting.error}"


def _refuses(greeting: Greeting) -> bool:
    return (greeting.error or "").startswith(ANSWERED)


def _refused(world: World, address: Address) -> Iterator[str]:
    if _refuses(greeting := greet(world, address)):
        yield f"port 25: {greeting.error}"


def _no_way(world: World, address: Address) -> Iterator[str]:
    greeting = greet(world, address)
    if greeting.unreachable:
        yield f"it cannot be checked from here: {greeting.error}"


def _relay(world: World, address: Address) -> Iterator[str]:
    if greet(world, address).relays:
        yield "it accepts mail from here for a recipient at example.com"


def _postmaster(world: World, address: Address) -> Iterator[str]:
    if greet(world, address).postmaster >= 500:
        yield f"it refuses postmaster@{address.domain} ({greet(world, address).postmaster})"


def _no_starttls(world: World, address: Address) -> Iterator[str]:
    greeting = greet(world, address)
    if greeting.error is None and "starttls" not in greeting.features:
        yield "it does not offer STARTTLS"


def _failed(world: World, address: Address) -> Iterator[str]:
    done = shake(world, address, Offer())
    if done is not None and done.error is not None:
        yield f"no handshake with TLS 1.2 or 1.3: {done.error}"


def _old(world: World, address: Address) -> Iterator[str]:
    # Python's ssl module warns of these versions, and warnings cannot be caught in threads.
    for name, option in _OLD.items():
        if _transcript(world, address, option, "-cipher", _ANY_CIPHER):
            yield f"it speaks {name}"


def _no_13(world: World, address: Address) -> Iterator[str]:
    done = shake(world, address, Offer())
    if done is not None and done.error is None and done.version != "TLSv1.3":
        yield f"it speaks {done.version} at best"


def _suites(ciphers: str) -> Check:
    insufficient = ciphers == INSUFFICIENT

    def run(world: World, address: Address) -> Iterator[str]:
        done = shake(world, address, Offer(ciphers, _TLS12, _TLS12))
        if done is not None and done.error is None:
            yield f"it accepts {done.cipher}"

    return Check(
        "tls-ciphers" if insufficient else "tls-ciphers-old",
        "warning" if insufficient else "notice",
        "The suite is broken or has no forward secrecy."
        if insufficient
        else "The suite is being phased out (NCSC-NL 2025-05).",
        "Offer ECDHE with AES-GCM or CHACHA20 only.",
        run,
    )


def _algorithm(name: str) -> Check:
    def run(world: World, address: Address) -> Iterator[str]:
        done = shake(world, address, ALGORITHMS[name])
        others = certificates(world, address)
        if done is not None and done.error is not None and others and name not in others:
            yield f"a client that takes {name} only is refused"

    return Check(
        f"tls-{name.lower()}",
        "warning" if name == "RSA" else "notice",
        f"Old senders that take {name} only cannot use TLS."
        if name == "RSA"
        else "An ECDSA handshake is smaller and faster.",
        f"Serve a certificate with an {name} key beside the other.",
        run,
    )


def _transcript(world: World, address: Address, *options: str) -> str:
    greeting = greet(world, address)
    if greeting.error is not None or "starttls" not in greeting.features:
        return ""
    return world.smtp.transcript(address.host, address.address, *options)


def _session(world: World, address: Address) -> Iterator[str]:
    text = _transcript(world, address, "-tls1_2")
    if "Secure Renegotiation IS NOT supported" in text:
        yield "it has no secure renegotiation (RFC 5746)"
    if "Extended master secret: no" in text:
        yield "it has no extended master secret (RFC 7627)"
    if "Compression: " in text and "Compression: NONE" not in text:
        yield "it compresses"


def _sha1(world: World, address: Address) -> Iterator[str]:
    old = ("-tls1_2", "-sigalgs", "RSA+SHA1:ECDSA+SHA1", "-cipher", _ANY_CIPHER)
    text = _transcript(world, address, *old)
    if "Peer signing digest: SHA1" in text:
        yield "it signs handshakes with SHA-1"


ADDRESS = (
    Check(
        "port-closed",
        "fault",
        "Mail waits at its senders, and bounces after some days.",
        "Check the firewall, the provider's filter for port 25, and whether the server runs.",
        _closed,
    ),
    Check(
        "smtp-refuses",
        "fault",
        "The server runs and takes no mail. Mail waits at its senders, and bounces after some "
        "days, or at once if the code begins with 5.",
        "Look into the log of the server: something that it needs may be down, such as a filter "
        "or a database.",
        _refused,
    ),
    Check(
        "no-way",
        "notice",
        "This machine has no route to the address, so nothing of it was checked.",
        "Run the command on a host with IPv4 and IPv6.",
        _no_way,
    ),
    Check(
        "open-relay",
        "fault",
        "This is an open relay. Within hours it sends spam and is on every block list.",
        "Refuse recipients that are not yours (smtpd_relay_restrictions of Postfix).",
        _relay,
    ),
    Check(
        "postmaster",
        "warning",
        "Every mail domain must take mail for it (RFC 5321 section 4.5.1).",
        "Add the recipient or an alias.",
        _postmaster,
    ),
    Check(
        "starttls-missing",
        "fault",
        "Mail arrives in plain text, and senders that require TLS do not deliver.",
        "Give the server a certificate and switch STARTTLS on.",
        _no_starttls,
    ),
    Check(
        "tls-failed",
        "fault",
        "Senders fall back to plain text or do not deliver.",
        "Check the server's certificate files, protocols and cipher suites.",
        _failed,
    ),
    Check(
        "tls-old",
        "warning",
        "Both versions are broken and forbidden (RFC 8996).",
        "Allow TLS 1.2 and later only (smtpd_tls_protocols of Postfix).",
        _old,
    ),
    Check("tls-13", "notice", "TLS 1.3 is safer and faster.", "Update the TLS library.", _no_13),
    _suites(INSUFFICIENT),
    _suites(PHASE_OUT),
    _algorithm("ECDSA"),
    _algorithm("RSA"),
    Check(
        "tls-session",
        "warning",
        "Sessions can be spliced by an attacker.",
        "Update the TLS library; switch compression off.",
        _session,
    ),
    Check(
        "tls-sha1",
        "warning",
        "SHA-1 can be forged.",
        "Give the server a list of signature algorithms (tls_config_file of Postfix).",
        _sha1,
    ),
)
