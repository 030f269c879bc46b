"""The certificates program on its own: reasons, the API's answers, when a certificate is due."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.support.stacks import ROOT

LIBRARY = ROOT / "components/services/certificates/files/usr/local/lib/mx"


def module(name: str) -> Any:
    if str(LIBRARY) not in sys.path:
        sys.path.insert(0, str(LIBRARY))
    return importlib.import_module(f"mx_certificates.{name}".rstrip("."))


CASES = {
    "caa": (
        '["error","type"] "urn:ietf:params:acme:error:caa"\n["error","detail"] "CAA says no"',
        "CAA: the records of this name forbid this authority (RFC 8659): CAA says no",
    ),
    "rate": (
        '{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}',
        "rate limit: the authority takes no more orders for now: too many",
    ),
    "hook": (
        "hook: DNS API: the token is refused\nERROR: deploy_challenge hook returned",
        "DNS API: the token is refused",
    ),
    "refused": (
        "ERROR: Problem connecting to server (get for https://x/dir; curl returned with 7)",
        "authority: the ACME server cannot be reached: it refuses the connection",
    ),
    "slow": ("curl returned with 28)", "it does not answer in time"),
    "status": ("request to https://x (Status 503)", "the ACME server answers with status 503"),
    "account": ('"type": "urn:ietf:params:acme:error:accountDoesNotExist"', "account: "),
    "other": ("+ a\nERROR: Certificate is odd\n+ b", "ERROR: Certificate is odd"),
    "silent": ("", "dehydrated said nothing"),
}


@pytest.mark.parametrize("case", CASES)
def test_reason_names_what_to_look_at(case: str) -> None:
    output, words = CASES[case]
    assert words in module("reasons").reason(output)


@pytest.mark.parametrize(
    ("error", "again"),
    [("unauthorized", True), ("dns", True), ("caa", False), ("rateLimited", False)],
)
def test_only_another_record_is_worth_a_second_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, again: bool
) -> None:
    said = f'ERROR: Challenge is invalid! (dns-01) "urn:ietf:params:acme:error:{error}"'
    program = tmp_path / "dehydrated"
    program.write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    renewal = module("renewal")
    with pytest.raises(module("").Trouble) as caught:
        renewal._dehydrated("certificate n")
    assert isinstance(caught.value, renewal.WrongAnswer) is again


def answer(status: int, body: dict[str, Any], **headers: str) -> urllib.error.HTTPError:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return urllib.error.HTTPError("", status, "", message, io.BytesIO(json.dumps(body).encode()))


def errors(code: int, text: str = "words") -> dict[str, Any]:
    return {"errors": [{"code": code, "message": text}]}


class Opener:
    """Stands for urlopen: raises or returns what it was given, in turn."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[Any] = []

    def __call__(self, request: urllib.request.Request, timeout: float) -> Any:
        self.requests.append(request)
        item = self.answers.pop(0)
        if isinstance(item, Exception):
            raise item
        return io.BytesIO(json.dumps({"result": item}).encode())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seen: list[float] = []
    monkeypatch.setattr(module("cloudflare").time, "sleep", seen.append)
    return seen


def zone(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> tuple[Any, Opener]:
    opener = Opener(*answers)
    monkeypatch.setattr(urllib.request, "urlopen", opener)
    return module("cloudflare").Zone("http://api/client/v4/", "z" * 32, "the-token"), opener


def test_too_many_requests_wait_as_told(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    api, opener = zone(monkeypatch, answer(429, errors(971), Retry_After="7"), {"id": "1"})
    api.add("_acme-challenge.mx1.example.test", "abc")
    assert pauses == [0.0, 7.0]
    assert json.loads(opener.requests[1].data)["content"] == '"abc"'
    assert opener.requests[1].full_url == f"http://api/client/v4/zones/{'z' * 32}/dns_records"


def test_errors_of_the_server_are_tried_again_and_end(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    api, _ = zone(monkeypatch, *[answer(500, errors(10013, "unknown error")) for _ in range(5)])
    with pytest.raises(module("").Trouble, match="failed 5 times: status 500: unknown"):
        api.add("_acme-challenge.mx1.example.test", "abc")
    assert len(pauses) == 5


def test_api_that_a_host_cannot_resolve_is_told_in_the_words_of_the_system(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    lost = urllib.error.URLError(OSError(-2, "Name or service not known"))
    api, _ = zone(monkeypatch, *[lost] * 5)
    with pytest.raises(module("").Trouble) as caught:
        api.add("_acme-challenge.mx1.example.test", "abc")
    assert len(pauses) == 5
    assert str(caught.value).endswith(
        "failed 5 times: Name or service not known. Can this host reach that address over HTTPS?"
    )


@pytest.mark.parametrize(("status", "code"), [(403, 9109), (403, 10000), (400, 6003)])
def test_a_refused_token_is_said_at_once_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float], status: int, code: int
) -> None:
    api, opener = zone(monkeypatch, answer(status, errors(code, "Invalid access token")))
    with pytest.raises(module("").Trouble, match="the token is refused") as error:
        api.add("_acme-challenge.mx1.example.test", "abc")
    assert len(opener.requests) == 1
    assert "the-token" not in str(error.value)


def test_a_record_that_is_there_already_will_do(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    api, _ = zone(monkeypatch, answer(400, errors(81058, "An identical record already exists.")))
    api.add("_acme-challenge.mx1.example.test", "abc")


def test_only_our_own_text_is_removed(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    records = [{"id": "1", "content": '"other"'}, {"id": "2", "content": '"abc"'}]
    api, opener = zone(monkeypatch, records, {})
    api.remove("_acme-challenge.mta-sts.example.test", "abc")
    assert [request.method for request in opener.requests] == ["GET", "DELETE"]
    assert opener.requests[1].full_url.endswith("/2")


STACK = {"ca": "https://a/dir", "profile": None, "renewDays": 30, "rsaBits": 3072}
CERTIFICATE = {"alias": "n_ecdsa", "name": "mx1.example.test", "algorithm": "ecdsa"}


@pytest.fixture
def issued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A certificate of `days` in dehydrated's folder."""
    renewal = module("renewal")
    monkeypatch.setattr(renewal, "DEHYDRATED", tmp_path)

    def issue(days: int, name: str = "mx1.example.test") -> Path:
        folder = Path(renewal.directory(CERTIFICATE))
        folder.mkdir(parents=True, exist_ok=True)
        module("openssl").make_key(folder / "privkey.pem", "ecdsa", 3072)
        new: list[Any] = [
            "openssl",
            "req",
            "-x509",
            "-key",
            folder / "privkey.pem",
            "-days",
            str(days),
        ]
        new += ["-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{name}"]
        subprocess.run([*new, "-out", folder / "cert.pem"], check=True)
        (folder / "authority").write_text("https://a/dir")
        return folder

    return issue


def test_a_fresh_certificate_is_not_due_whatever_its_lifetime(issued: Any) -> None:
    for days in (6, 45, 90):
        issued(days)
        assert module("renewal").due(CERTIFICATE, STACK) == ""


@pytest.mark.parametrize(("lifetime", "left", "due"), [(6, 3, False), (6, 1, True), (90, 29, True)])
def test_renewal_adapts_to_the_lifetime(
    issued: Any, monkeypatch: pytest.MonkeyPatch, lifetime: int, left: int, due: bool
) -> None:
    issued(lifetime)
    renewal = module("renewal")
    real: Any = renewal.datetime

    class Clock(real):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + renewal.timedelta(days=lifetime - left)

    monkeypatch.setattr(renewal, "datetime", Clock)
    assert bool(renewal.due(CERTIFICATE, STACK)) is due


def test_what_makes_a_certificate_due_at_once(issued: Any) -> None:
    due = module("renewal").due
    assert due(CERTIFICATE, STACK) == "there is none"
    folder = issued(90, "other.example.test")
    assert due(CERTIFICATE, STACK) == "it has other names"
    folder = issued(90)
    assert "another authority" in due(CERTIFICATE, STACK | {"ca": "https://b/dir"})
    assert "profile" in due(CERTIFICATE, STACK | {"profile": "tlsserver"})
    module("openssl").make_key(folder / "privkey.pem", "ecdsa", 3072)
    assert due(CERTIFICATE, STACK) == "it is not of its key"


def test_chain_and_key_that_do_not_fit_are_never_installed(
    issued: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = issued(90)
    renewal, served = module("renewal"), module("served")
    monkeypatch.setattr(served, "STATE", tmp_path)
    (folder / "fullchain.pem").write_bytes((folder / "cert.pem").read_bytes())
    assert renewal.install(CERTIFICATE) is True
    assert renewal.install(CERTIFICATE) is False
    assert served.chain_file(CERTIFICATE).stat().st_mode & 0o777 == 0o600
    before = served.chain_file(CERTIFICATE).read_bytes()
    module("openssl").make_key(folder / "privkey.pem", "ecdsa", 3072)
    with pytest.raises(module("").Trouble, match="is not of its key"):
        renewal.install(CERTIFICATE)
    assert served.chain_file(CERTIFICATE).read_bytes() == before


def test_a_challenge_goes_even_when_it_never_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, trouble = module("hook"), module("").Trouble
    calls: list[tuple[str, str]] = []

    class Api:
        def add(self, name: str, text: str) -> None:
            calls.append(("add", text))

        def remove(self, name: str, text: str) -> None:
            calls.append(("remove", text))

    def never(*_: Any) -> None:
        raise trouble("DNS: no answer")

    monkeypatch.setattr(hook, "NOTES", tmp_path / "challenges.json")
    monkeypatch.setattr(hook, "_api", lambda _: Api())
    monkeypatch.setattr(
        hook,
        "config",
        lambda: {
            "challenge": "dns-01",
            "propagationTimeoutSeconds": 1,
            "certificates": [{**CERTIFICATE, "zone": "example.test"}],
        },
    )
    monkeypatch.setattr(hook.authoritative, "wait_for_txt", never)
    assert hook.main(["deploy_challenge", "mx1.example.test", "token", "abc"]) == 1
    assert calls == [("add", "abc"), ("remove", "abc")]
    assert hook.clean_leftovers() == []
    assert len(calls) == 2


def test_status_for_people_has_a_line_for_each_certificate() -> None:
    found = {
        "mx1_rsa": {
            "daysLeft": 60.04,
            "servedBy": ["nginx", "postfix"],
            "notServed": [],
            "error": "",
        },
        "mx1_stopped": {"daysLeft": 60.04, "servedBy": [], "notServed": []},
        "mx1_ecdsa": {
            "daysLeft": 9.5,
            "notServed": ["smtp does not serve mx1_ecdsa: refused"],
            "error": "CAA: \x1b[2J",
            "failingSince": "2026-01-01T00:00:00+00:00",
        },
        "new": {},
    }
    assert module("__main__").status_text(found).splitlines() == [
        "mx1_rsa      60.0 days left  served by nginx, postfix",
        "mx1_stopped  60.0 days left  no running service has it",
        "mx1_ecdsa    9.5 days left  smtp does not serve mx1_ecdsa: refused; "
        "fails since 2026-01-01T00:00:00+00:00: CAA: \\x1b[2J",
        "new          no certificate yet",
    ]
