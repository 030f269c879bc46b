"""What a report keeps when it is longer than the forge's limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.preview.budget import FORGES
from tools.preview.build import build
from tools.preview.markdown import markdown
from tools.preview.read import read

URN = "urn:pulumi:lab::mx::mx:host:Postfix$command:remote:Command::{}"
MAIN = "/etc/postfix/main.cf"


def state(files: dict[str, str]) -> dict[str, Any]:
    held = {path: {"content": content} for path, content in files.items()}
    manifest = {"bundle": "postfix", "owner": "mx/lab", "files": held}
    command = {"create": "mx-agent apply", "stdin": json.dumps(manifest)}
    return {"custom": True, "inputs": command}


@pytest.mark.parametrize("forge", sorted(FORGES))
def test_two_lines_of_main_cf_are_not_cut_away_behind_hundreds_of_files(forge: str) -> None:
    rows = "".join(f"row {number} of a long table\n" for number in range(12))
    # So many that the fair share of each is too small for the two lines.
    count = FORGES[forge] // 100
    # "aaa" and "zzz": before and after main.cf by name and by bundle.
    others = {f"/etc/{('aaa', 'zzz')[number % 2]}/{number}": rows for number in range(count)}
    old = dict.fromkeys(others, "") | {MAIN: "mynetworks = 127.0.0.0/8\n"}
    new = others | {MAIN: "mynetworks = 0.0.0.0/0\n"}
    names = ("mx1-aaa", "mx1-postfix", "mx1-zzz")
    steps = [
        {
            "op": "update",
            "urn": URN.format(name),
            "oldState": state({path: text for path, text in old.items() if mine(name, path)}),
            "newState": state({path: text for path, text in new.items() if mine(name, path)}),
        }
        for name in names
    ]
    text = markdown(build("lab", read(json.dumps({"steps": steps}), 0)), FORGES[forge])
    assert len(text.encode()) <= FORGES[forge]
    assert "Cut to the forge's limit" in text
    lines = text.splitlines()
    assert "-mynetworks = 127.0.0.0/8" in lines
    assert "+mynetworks = 0.0.0.0/0" in lines


def mine(bundle: str, path: str) -> bool:
    """Whether the bundle has the file."""
    folder = path.split("/")[2]
    return bundle.endswith(folder)
