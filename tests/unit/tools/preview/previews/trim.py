"""Keeps of a recorded preview what a report reads, and nothing of the machine it was made on.

python -m tests.unit.tools.preview.previews.trim NAME < preview.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_AGENT = re.compile(r'^VERSION = "[^"]+"$', re.MULTILINE)


def trim(document: dict[str, Any]) -> dict[str, Any]:
    """Without source positions, outputs, configuration and the agent's text."""
    steps = []
    for step in document["steps"]:
        # Of what a refresh read only records are told.
        if step["op"] == "refresh" and not step["urn"].partition("::dns-")[1]:
            continue
        kept = {"op": step["op"], "urn": step["urn"]}
        for key in ("oldState", "newState"):
            if key in step:
                state = step[key]
                inputs = dict(state.get("inputs") or {})
                if step["urn"].endswith("-agent") and inputs.get("stdin"):
                    match = _AGENT.search(inputs["stdin"])
                    assert match
                    inputs |= {"stdin": match[0] + "\n", "create": "", "delete": ""}
                if step["op"] == "same":
                    inputs.pop("stdin", None)
                kept[key] = {"custom": state.get("custom"), "inputs": inputs}
        _drop_equal_files(kept)
        steps.append(kept)
    said = [item for item in document["diagnostics"] if "from $PATH" not in item["message"]]
    return {"steps": steps, "diagnostics": said, "changeSummary": document.get("changeSummary")}


def _drop_equal_files(step: dict[str, Any]) -> None:
    """Files that a bundle has before and after alike are in no report."""
    sides = [step[key]["inputs"] for key in ("oldState", "newState") if key in step]
    if step["op"] == "create" or not all(
        str(inputs.get("stdin", "")).startswith("{") for inputs in sides
    ):
        return
    manifests = [json.loads(inputs["stdin"]) for inputs in sides]
    for path in [*manifests[0].get("files", {})]:
        entries = [manifest.get("files", {}).get(path) for manifest in manifests]
        if step["op"] == "delete":
            entries[0]["content"] = ""
        elif entries[0] == entries[-1]:
            for manifest in manifests:
                del manifest["files"][path]
    for inputs, manifest in zip(sides, manifests, strict=True):
        inputs["stdin"] = json.dumps(manifest, indent=2, sort_keys=True)


if __name__ == "__main__":
    text = json.dumps(trim(json.load(sys.stdin)), indent=1, sort_keys=True, ensure_ascii=False)
    (HERE / f"{sys.argv[1]}.json").write_text(text + "\n")
