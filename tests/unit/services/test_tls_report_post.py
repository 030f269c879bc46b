"""Where a TLS report may be posted to: strangers' records name it, and never the inside."""

from __future__ import annotations

import importlib
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from components.services.tls_reports import units
from tests.support.stacks import ROOT

LIBRARY = ROOT / "components/services/tls_reports/files/usr/local/lib/mx"


@pytest.fixture
def post() -> Iterator[Any]:
    sys.path.insert(0, str(LIBRARY))
    yield importlib.import_module("mx_tls_reports.post")
    sys.path.remove(str(LIBRARY))


INSIDE = (
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "224.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1"),
)


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_the_inside_is_refused_beside_a_public_one(address: str, post: Any) -> None:
    with pytest.raises(post.Refused, match="is no address of the Internet"):
        post.checked("reports.sender.test", ["203.0.113.9", address])


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9", "64:ff9b::cb00:7109"])
def test_a_public_address_is_taken(address: str, post: Any) -> None:
    assert post.checked("reports.sender.test", [address, address]) == [address]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/x",
        "https://[::ffff:169.254.169.254]/latest",
        "https://user@127.0.0.1:8443/",
        "https://localhost/",
    ],
)
def test_an_address_in_a_url_is_refused_however_it_is_written(
    url: str, post: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing may be sent")

    monkeypatch.setattr(post.subprocess, "run", never)
    monkeypatch.setattr(sys, "argv", ["post", url])
    assert post.main() == 1
    assert capsys.readouterr().err.startswith("not sent: ")


@pytest.mark.parametrize("url", ["http://a.test/", "ftp://a.test/", "https://", "https://a:x/", ""])
def test_what_is_no_url_of_https_is_refused(url: str, post: Any) -> None:
    with pytest.raises(post.Refused, match="not a URL"):
        post.destination(url)


def test_curl_asks_the_addresses_that_were_checked(
    post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [
        (socket.AF_INET, 1, 6, "", ("203.0.113.9", 8443)),
        (socket.AF_INET6, 1, 6, "", ("2001:db8::9", 8443, 0, 0)),
    ]
    monkeypatch.setattr(post.socket, "getaddrinfo", lambda *_, **__: answers)
    url = "https://Reports.sender.test:8443/v1?a=b"
    host, port = post.destination(url)
    called = post.command(url, host, port, post.looked_up(host, port))
    assert called[-4:] == [
        *("--resolve", "reports.sender.test:8443:203.0.113.9,[2001:db8::9]"),
        *("--url", url),
    ]
    assert called[called.index("--proto") + 1] == "=https"
    assert "--location" not in called


def test_the_reporter_posts_by_this_program() -> None:
    assert units._POST.endswith("mx_tls_reports.post")
