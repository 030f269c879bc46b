"""The recorded scenarios: files of JSON, packed, with what repeats abbreviated.

A scenario is a list of calls, each with `method`, `request`, and `response` or `errors`, as JSON of
the protobuf messages, and of what the plug-in logged meanwhile (`log`); `http` holds the requests
that it sent, with the answers that it got. README.md describes all fields.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.engine.plugin import SECRET_SIG, SIG_KEY

FOLDER = Path(__file__).resolve().parent
_REPEAT = re.compile(r"\$\{REPEAT:(\d+):((?:[^}\\]|\\.)*)\}")
Names = Mapping[str, str | int]


def scenarios(plugin: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content, still abbreviated, of each scenario of `command` or `cloudflare`."""
    with tarfile.open(FOLDER / f"{plugin}.tar.xz") as packed:
        for member in sorted(packed.getmembers(), key=lambda member: member.name):
            file = packed.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield Path(member.name).stem, json.load(file)


def bare(value: Any) -> Any:
    """A value without its marks of secrets, as the engine sends it to a plug-in of that kind."""
    if isinstance(value, dict):
        if value.get(SIG_KEY) == SECRET_SIG:
            return bare(value["value"])
        return {key: bare(item) for key, item in value.items()}
    return [bare(item) for item in value] if isinstance(value, list) else value


def whole(packed: dict[str, Any], names: Names) -> dict[str, Any]:
    """The scenario with nothing abbreviated; `names` has a value for each placeholder."""
    scenario = dict(packed)
    values, deltas, answers = (scenario.pop(key, []) for key in ("values", "deltas", "answers"))
    calls = _listed(_listed(scenario["calls"], "VALUE", values, again=True), "DELTA", deltas)
    for call in calls:
        _abbreviated(call["request"], call.get("response", {}), call["method"], calls)
    http = _listed(scenario.get("http", []), "VALUE", values, again=True)
    for item in http:
        if isinstance(item.get("response"), str):
            item["response"] = _listed([item["response"]], "ANSWER", answers)[0]
    result: dict[str, Any] = _fill({**scenario, "calls": calls, "http": http}, names)
    return result


def _listed(value: Any, kind: str, entries: list[Any], again: bool = False) -> Any:
    """The value with the entries of a list in the places of ``${KIND:n}``."""
    begin = f"${{{kind}:"
    if isinstance(value, str) and value.startswith(begin):
        entry = entries[int(value[len(begin) : -1])]
        return _listed(entry, kind, entries, again) if again else entry
    if isinstance(value, dict):
        return {key: _listed(item, kind, entries, again) for key, item in value.items()}
    if isinstance(value, list):
        return [_listed(item, kind, entries, again) for item in value]
    return value


def _abbreviated(request: Any, response: Any, method: str, calls: list[Any]) -> None:
    """Put in what is said by a reference to the same call, or to a former one."""
    if request.get("oldInputs") == "${NEWS}":
        request["oldInputs"] = request["news"]
    if response.get("inputs") == "${NEWS}":
        response["inputs"] = request["news"]
    properties = response.get("properties")
    if isinstance(properties, dict) and properties.pop("${REQUEST}", False):
        sent = request["properties" if method == "Create" else "news"]
        response["properties"] = {**sent, **properties}
    for key in ("olds", "properties"):
        if isinstance(request.get(key), str) and request[key].startswith("${STATE:"):
            request[key] = bare(calls[int(request[key][8:-1])]["response"]["properties"])


def _fill(value: Any, names: Names) -> Any:
    if isinstance(value, dict):
        return {_fill(key, names): _fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, names) for item in value]
    if not isinstance(value, str):
        return value
    for name, text in names.items():
        if value == f"${{{name}}}":
            return text  # a number stays one
        value = value.replace(f"${{{name}}}", str(text))
    return _REPEAT.sub(lambda match: json.loads(f'"{match[2]}"') * int(match[1]), value)
