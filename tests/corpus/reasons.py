"""Why calls of the corpus are left out, and what shows that the reason is true.

Each reason of left-out.json is a key here. Its words are for people; its condition is asked of
every call that is listed under the reason, with the scenario that the call is part of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.engine.plugin import SECRET_SIG, UNKNOWN_SIG
from tests.corpus.sdk import kind_of, refused, values_of

Call = Mapping[str, Any]
_PROTOCOL = ("Attach", "Call", "Construct", "GetMapping", "GetMappings", "Parameterize")
_WRITES = ("Create", "Update", "Delete")
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_GIVEN_UP = "no answer within"


@dataclass(frozen=True)
class Reason:
    """A reason and its condition: the call, the scenario, the call's number."""

    words: str
    holds: Callable[[Call, Mapping[str, Any], int], bool]


def _of(*ends: str) -> Callable[[Call, Mapping[str, Any], int], bool]:
    return lambda call, scenario, number: kind_of(call).endswith(ends)


def _errors(call: Call) -> str:
    return " ".join(call.get("errors", []))


def _waits(call: Call, scenario: Mapping[str, Any], number: int) -> bool:
    return any(each["method"] == "Cancel" or "cancel_after" in each for each in scenario["calls"])


def _unknown_when_made(call: Call, scenario: Mapping[str, Any], number: int) -> bool:
    values = values_of(call) or {}
    return (
        call["method"] == "Create"
        and not call["request"].get("preview")
        and (UNKNOWN_SIG in values.values())
    )


def _caa_without_data(call: Call, scenario: Mapping[str, Any], number: int) -> bool:
    for item in scenario["http"]:
        answer = (item.get("response") or {}).get("result") or {}
        if item["call"] == number and answer.get("type") == "CAA" and answer.get("data") is None:
            return True
    return False


def _odd_state(call: Call, scenario: Mapping[str, Any], number: int) -> bool:
    """Whether the state lacks what every state of the plug-in has."""
    if call["method"] not in ("Diff", "Update", "Read", "Delete"):
        return False
    request = call["request"]
    state = request.get("olds") or request.get("properties") or {}
    texts = all(isinstance(state.get(key), str) for key in ("stdout", "stderr"))
    return not texts or not isinstance(state.get("connection"), dict) or "oldInputs" not in request


def _runs(call: Call, scenario: Mapping[str, Any], number: int) -> bool:
    """Whether a command is run on any machine."""
    writes = call["method"] in ("Invoke", *_WRITES) and not call["request"].get("preview")
    return writes and kind_of(call).endswith((":Command", ":run"))


REASONS: Mapping[str, Reason] = {
    "sdk": Reason(
        "the types of the SDK refuse the values: no program that passes mypy sends them",
        lambda call, scenario, number: refused(call),
    ),
    "zone": Reason("the resource Zone, which the program has not", _of(":Zone")),
    "copy": Reason("the resource CopyToRemote, which the program has not", _of(":CopyToRemote")),
    "look-up": Reason(
        "look-ups of zones and records (getZone and others), which the program does not make",
        lambda call, scenario, number: (
            call["method"] == "Invoke" and "local:run" not in kind_of(call)
        ),
    ),
    "assets": Reason(
        "assetPaths and archivePaths, which the program does not use",
        lambda call, scenario, number: (
            "assetPaths" in json.dumps(call["request"])
            or "archivePaths" in json.dumps(call["request"])
        ),
    ),
    "provider": Reason(
        "the configuration of the provider itself, looked at by CheckConfig and DiffConfig",
        lambda call, scenario, number: call["method"] in ("CheckConfig", "DiffConfig"),
    ),
    "protocol": Reason(
        "parts of the protocol that the engine does not use with these plug-ins, and resources "
        "that there are not",
        lambda call, scenario, number: (
            call["method"] in _PROTOCOL
            or kind_of(call).rpartition(":")[2] in ("Nothing", "nothing", "CopyFile", "")
        ),
    ),
    "given up": Reason(
        "the original had not answered when it was given up",
        lambda call, scenario, number: _GIVEN_UP in _errors(call) or "hangs" in call,
    ),
    "panic": Reason(
        "the original's process ends with a panic; the stand-in answers",
        lambda call, scenario, number: "Stream removed" in _errors(call),
    ),
    "caa": Reason(
        "the API gives a CAA record without its data, and the original panics at the next call",
        _caa_without_data,
    ),
    "unknown": Reason(
        "values that are unknown where something is made for good: the engine never sends them",
        _unknown_when_made,
    ),
    "sudo": Reason(
        "what sudo and su of the recorded host say, not the plug-in",
        lambda call, scenario, number: bool(
            re.search(r"(^| )su(do)? ", str((values_of(call) or {}).get("create")))
        ),
    ),
    "machine": Reason(
        "a command that shows more of its machine than of the plug-in: the order of lines of two "
        "streams; a NUL, 200 kB or a = in a name, which no process can be given; a shell's release",
        _runs,
    ),
    "cancel": Reason("Cancel seconds after a call began, and what comes after it", _waits),
    "secret": Reason(
        "a secret around an unknown number or object, or an asset as a trigger: Check keeps or "
        "loses its mark in another way",
        lambda call, scenario, number: (
            call["method"] == "Check"
            and (SECRET_SIG in json.dumps(call["request"]) or _ASSET in json.dumps(call["request"]))
        ),
    ),
    "state": Reason(
        "a state without outputs or connection, or no former inputs: no plug-in writes, and no "
        "engine sends, that",
        _odd_state,
    ),
}
