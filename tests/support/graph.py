"""The resources that the program registers for one environment, without an engine."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any
from unittest import mock

import pulumi
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from components.dns.api import DnsApi
from components.settings.environment import from_mapping
from tests.support.mapping import mapping

API = DnsApi(base_url=None, tokens={"example.test": "token-of-the-zone"})
_SLOTS = {algorithm: {"a": "AA", "b": "BB"} for algorithm in ("ecdsa", "rsa")}
KEYS = json.dumps({"keys": {}, "account": None, "slots": _SLOTS})
"""What a host answers about the keys of its certificates."""


class Answers(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        said = KEYS if args.name.endswith("-certificate-keys") else "v=DKIM1; p="
        return f"{args.name}-id", {"stdout": said, **args.inputs}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"unexpected invoke {args.token}")


class Recorder(MockMonitor):
    def __init__(self) -> None:
        super().__init__(Answers())
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.name] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def everything() -> dict[str, Any]:
    """The settings of tests/support/mapping.py with every service switched on."""
    found = mapping()
    found["domains"]["example.test"] |= {
        "mtaSts": {"mode": "testing"},
        "recipients": ["alice", "postmaster"],
    }
    return found | {
        "certificates": {"acceptTerms": True},
        "monitoring": {"networks": ["198.18.77.31"]},
        "firewall": {"sshNetworks": ["198.18.77.0/24"]},
        "tlsReports": {"organization": "MX", "contact": "postmaster@example.test"},
    }


def requests(values: dict[str, Any]) -> dict[str, Any]:
    """What is registered for the settings `mx:mail`, by the names of the resources."""
    from components.dns.component import Dns
    from components.host import Seen
    from components.mail_exchanger import MailExchanger

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        settings = from_mapping(values)
        hosts = {
            key: MailExchanger(key, settings, "mx/test", Seen(), API) for key in settings.hosts
        }
        Dns("dns", settings, {key: each.serving for key, each in hosts.items()})

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder.requests


def summary() -> dict[str, list[str]]:
    """Each resource with its type and a digest of its inputs: what a preview compares."""
    found = {}
    for name, request in requests(everything()).items():
        inputs = json.dumps(MessageToDict(request.object), sort_keys=True)
        if request.type != "pulumi:pulumi:Stack":
            found[name] = [request.type, hashlib.sha256(inputs.encode()).hexdigest()[:16]]
    return dict(sorted(found.items()))


async def _registered() -> None:
    """Nothing: only an engine runs hooks."""


def _hook(_: object) -> asyncio.Future[None]:
    return asyncio.ensure_future(_registered())


if __name__ == "__main__":
    with mock.patch("pulumi.resource_hooks.register_resource_hook", _hook):
        json.dump({"commit": sys.argv[1], "resources": summary()}, sys.stdout, indent=1)
    print()
