"""The DNS plug-in starts while the hosts are asked, through the whole program.

The engine starts a plug-in at the first call to it, and starts one after the other.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, Mocks

from components.host import held
from components.stack import failures
from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from tests.support.graph import Answers
from tests.support.mapping import mapping
from tests.support.serving import serving

ROOT = Path(__file__).parents[2]
ZONE, TOKEN = "0" * 32, "t" * 40
COMMAND, CLOUDFLARE = "command:index/nothing:nothing", "cloudflare:index/nothing:nothing"
STATE = "pulumi:pulumi:readStackResourceOutputs"
HOSTS, RECORD = "command:local:run", "cloudflare:index/dnsRecord:DnsRecord"


class _World(Answers):
    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        del args
        return {"outputs": {}, "stdout": ""}, []


class _Refused(grpc.RpcError):  # type: ignore[misc]
    """What the engine answers when a plug-in does not have a function."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return "unknown datasource token"


class _Order(MockMonitor):
    """What the program asked of plug-ins, and the versions that it asked for, in order."""

    def __init__(self, world: Mocks) -> None:
        super().__init__(world)
        self.asked: list[tuple[str, str]] = []

    def Invoke(self, request: Any) -> Any:
        self.asked.append((request.tok, request.version))
        if request.tok in (COMMAND, CLOUDFLARE):
            raise _Refused
        return super().Invoke(request)  # type: ignore[no-untyped-call]

    def RegisterResource(self, request: Any) -> Any:
        self.asked.append((request.type, request.version))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def order(folder: Path, monkeypatch: pytest.MonkeyPatch, **accounts: list[str]) -> _Order:
    """Run __main__.py with one zone, whose account is the default one unless it is given."""
    mail = mapping() | {"certificates": {"acceptTerms": True}}
    mail["dns"] = {
        "privateAddresses": True,
        "zones": {"example.test": ZONE},
        "records": {"spf": "v=spf1 mx -all", "dmarc": "v=DMARC1; p=reject"},
        "accounts": accounts,
    }
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    # It changes the SDK for the rest of the process.
    monkeypatch.setattr(failures, "fail_at_the_end", lambda: None)
    held.resources.cache_clear()
    found = _Order(_World())
    api = Api(folder / "api.json", {"example.test": ZONE}, {TOKEN: SCOPES})
    with serving(api) as url:
        pulumi.runtime.set_mocks(found.mocks, "mx", "test", preview=True, monitor=found)
        config = {"mx:mail": json.dumps(mail), "cloudflare:baseUrl": url}
        tokens = {"mx:cloudflareTokens": json.dumps(dict.fromkeys(accounts, TOKEN))}
        pulumi.runtime.set_all_config(config | tokens, [*tokens])
        try:
            main = str(ROOT / "__main__.py")
            pulumi.runtime.test(lambda: runpy.run_path(main) and None)()  # type: ignore[no-untyped-call]
        finally:
            pulumi.runtime.set_all_config({})
            held.resources.cache_clear()
    return found


def test_dns_plug_in_starts_before_the_first_record_and_after_the_one_for_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = order(tmp_path, monkeypatch).asked
    names = [name for name, _ in asked]
    assert names.index(COMMAND) < names.index(CLOUDFLARE) < names.index(RECORD)
    assert HOSTS in names
    # With another version the engine would start a plug-in that nobody needs.
    versions = dict(asked)
    assert versions[COMMAND] == versions[HOSTS]
    assert versions[CLOUDFLARE] == versions[RECORD]


def test_the_state_is_asked_for_once_and_before_the_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name, _ in order(tmp_path, monkeypatch).asked]
    assert names.count(STATE) == 1
    assert names.index(STATE) < names.index(HOSTS)
    assert "pulumi:pulumi:readStackOutputs" not in names


def test_zones_of_further_accounts_need_no_default_plug_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name, _ in order(tmp_path, monkeypatch, other=["example.test"]).asked]
    assert RECORD in names
    assert CLOUDFLARE not in names
