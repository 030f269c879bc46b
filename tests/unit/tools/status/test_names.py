"""Questions to a DNS server on loopback: what an answer means."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tools.status import __main__ as command
from tools.status.names import Names

ZONE = {
    ("ok.test", "MX"): ["10 MX1.ok.test.", "0 ."],
    ("ok.test", "TXT"): ['"v=spf1 " "-all"'],
    ("mx1.ok.test", "A"): ["192.0.2.1"],
    ("alias.ok.test", "CNAME"): ["mx1.ok.test."],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["mx1.ok.test."],
    ("_25._tcp.mx1.ok.test", "TLSA"): [f"3 1 1 {'ab' * 32}"],
}


def reply(query: dns.message.Message) -> dns.message.Message:
    """The zone's answer; below `bogus.` only to who wants no validation, below `down.` never."""
    answer = dns.message.make_response(query)
    question = query.question[0]
    name, kind = question.name.to_text(True).lower(), dns.rdatatype.to_text(question.rdtype)
    if name.startswith("down.") or (name.startswith("bogus.") and not query.flags & dns.flags.CD):
        answer.set_rcode(dns.rcode.SERVFAIL)
        return answer
    if name.startswith("bogus."):
        name = "mx1.ok.test"
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", "192.0.2.1"))
        return answer
    alias = ZONE.get((name, "CNAME"))
    if alias:
        answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", *alias))
        name = alias[0].rstrip(".")
    values = ZONE.get((name, kind))
    if values:
        answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *values))
        answer.flags |= dns.flags.AD
    elif not any(owner == name or owner.endswith("." + name) for owner, _ in ZONE):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer


@pytest.fixture
def resolver() -> Iterator[str]:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, peer = server.recvfrom(4096)
            if data == b"end":
                return
            server.sendto(reply(dns.message.from_wire(data)).to_wire(), peer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1@{server.getsockname()[1]}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"end", server.getsockname())
    thread.join()
    server.close()


def test_values_are_texts_without_final_dots(resolver: str) -> None:
    names = Names(resolver, 5)
    assert names.ask("ok.test", "MX").values == ("0 .", "10 mx1.ok.test")
    assert names.ask("ok.test", "TXT").values == ("v=spf1 -all",)
    assert names.ask("_25._tcp.mx1.ok.test", "TLSA").values == (f"3 1 1 {'ab' * 32}",)
    assert names.pointer("192.0.2.1").values == ("mx1.ok.test",)


def test_an_alias_is_told_and_followed(resolver: str) -> None:
    answer = Names(resolver, 5).ask("alias.ok.test", "A")
    assert (answer.values, answer.alias) == (("192.0.2.1",), "mx1.ok.test")


@pytest.mark.parametrize(
    ("name", "kind", "outcome", "secure"),
    [
        ("ok.test", "MX", "found", True),
        ("ok.test", "AAAA", "empty", False),
        ("gone.test", "A", "missing", False),
        ("bogus.ok.test", "A", "bogus", False),
        ("down.ok.test", "A", "failed", False),
    ],
)
def test_what_an_answer_means(
    resolver: str, name: str, kind: str, outcome: str, secure: bool
) -> None:
    answer = Names(resolver, 5).ask(name, kind)
    assert (answer.outcome, answer.secure) == (outcome, secure)


def test_the_command_says_what_why_and_how_and_ends_with_1(
    resolver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--resolver", resolver, "--no-blocklists", "--timeout", "2", "gone.test"]
    assert command.main(options) == 2
    text = capsys.readouterr().out
    assert "fault: gone.test: the domain does not exist [domain-missing]" in text
    assert "    why: " in text
    assert "    do:  " in text
    assert command.main(["--json", *options]) == 2
    document = json.loads(capsys.readouterr().out)
    assert "domain-missing" in {each["check"] for each in document["findings"]}


def test_a_domain_that_is_named_twice_is_checked_once(
    resolver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--resolver", resolver, "--no-blocklists", "--timeout", "2"]
    assert command.main([*options, "gone.test", "gone.test"]) == 2
    text = capsys.readouterr().out
    assert text.count("fault: gone.test: the domain does not exist") == 1
    assert "gone.test, gone.test" not in text


def test_no_answer_at_all_ends_with_2(resolver: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--resolver", resolver, "--no-blocklists", "down.ok.test"]) == 1
    port = resolver.partition("@")[2]
    assert f"the resolver 127.0.0.1, port {port}, does not answer" in capsys.readouterr().err


def test_an_unknown_stack_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "none"]) == 1
    assert "Pulumi.none.yaml" in capsys.readouterr().err
