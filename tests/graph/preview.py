"""What `pulumi preview --json` prints for a change of the lab's stack, made by today's program.

The program registers its resources with a recording monitor, once with the settings before and
once with those after. What differs is the plan, in the form of the engine's document.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pulumi
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from components.dns.api import DnsApi
from components.host.held import Held, commands
from components.host.seen import Seen
from components.services.mta_sts import policy as mta_sts
from components.services.resolver import component as resolver
from components.settings.environment import from_mapping
from components.settings.stack_file import document
from tests.support.mapping import KEY

States = dict[str, dict[str, Any]]
Change = Callable[[dict[str, Any]], None]
STACK = "lab"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_COMMAND = "command:remote:Command"
_KEYS = {
    "keys": {},
    "account": "https://acme.test/account/1",
    "slots": {
        name: {"a": digit * 64, "b": str(int(digit) + 1) * 64}
        for name, digit in (("ecdsa", "1"), ("rsa", "3"))
    },
}
_API = DnsApi(base_url=None, tokens=dict.fromkeys(("example.test", "example2.test"), "token"))


class _Answers(Mocks):
    """`first`: no host has answered yet, so what hosts tell is known after `up`."""

    def __init__(self, first: bool) -> None:
        self._first = first

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        printed = "v=DKIM1; k=rsa; p=MIIB"
        if args.name.endswith("-certificate-keys"):
            printed = json.dumps(_KEYS)
        if args.name.startswith("dnssec-"):
            printed = "example.test. 3600 IN DS 1 13 2 AB"
        return f"{args.name}-id", {**args.inputs, "stdout": rpc.UNKNOWN if self._first else printed}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"unexpected invoke {args.token}")


class _Recorder(MockMonitor):
    def __init__(self, answers: Mocks) -> None:
        super().__init__(answers)
        self.states: States = {}

    def RegisterResource(self, request: Any) -> Any:
        made = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self.states[made.urn] = {"custom": request.custom, "inputs": _inputs(request.object)}
        return made


def _inputs(struct: Any) -> dict[str, Any]:
    """Inputs as the engine prints them: secrets hidden, whole numbers whole."""
    found: dict[str, Any] = _plain(MessageToDict(struct))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if _SIGNATURE in value:
            return "[secret]"
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def lab() -> dict[str, Any]:
    """What the lab's stack file has under mx:mail, with a host key that is always the same.

    The keys of the lab are made with the lab, and these tests run where there is none.
    """
    mail: dict[str, Any] = copy.deepcopy(document(STACK)["config"]["mx:mail"])
    for name in ("privateKeyFile", "knownHostsFile"):
        del mail["ssh"][name]
    for host in mail["hosts"].values():
        host["hostKey"] = KEY
    return mail


def states(mail: Mapping[str, Any], seen: Mapping[str, Seen], first: bool = False) -> States:
    """The resources that the program registers for settings: URN to `custom` and `inputs`."""
    from components.dns.component import Dns
    from components.mail_exchanger import mail_exchangers

    settings = from_mapping(mail)
    recorder = _Recorder(_Answers(first))
    pulumi.runtime.set_mocks(_Answers(first), "mx", STACK, preview=True, monitor=recorder)

    def program() -> None:
        hosts = mail_exchangers(settings, f"mx/{STACK}", seen, _API)
        Dns(
            "dns",
            settings,
            {key: each.serving for key, each in hosts.items()},
            sts_ids=mta_sts.ids(settings),
        )

    with mock.patch.object(resolver, "given_files", return_value=(None, "")):
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder.states


def held(known: States) -> dict[str, Held]:
    """The commands among resources, as the engine's state has them."""
    found = commands(
        {
            urn: {"type": _COMMAND, "outputs": state["inputs"]}
            for urn, state in known.items()
            if urn.split("::")[2].endswith(_COMMAND)
        }
    )
    return dict(found)


def plan(before: States, after: States, *diagnostics: tuple[str, str]) -> dict[str, Any]:
    """The engine's document. `diagnostics`: severity and message of each."""
    steps = []
    for urn, state in after.items():
        if urn not in before:
            steps.append({"op": "create", "urn": urn, "newState": state})
            continue
        op = "same" if before[urn] == state else "update"
        steps.append({"op": op, "urn": urn, "oldState": before[urn], "newState": state})
    for urn, state in before.items():
        if urn not in after:
            steps.append({"op": "delete", "urn": urn, "oldState": state})
    counts = Counter(step["op"] for step in steps)
    told = [{"severity": severity, "message": text} for severity, text in diagnostics]
    return {"steps": steps, "diagnostics": told, "changeSummary": dict(counts)}
