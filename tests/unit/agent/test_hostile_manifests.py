"""Hostile manifests: parsed, or refused in the agent's words; no other exception ever."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from components.agent.files import Want
from components.agent.manifest import parse_manifest
from components.agent.process import BadManifest
from components.agent.words import unified

BASE: dict[str, Any] = {
    "bundle": "x",
    "owner": "mx/x",
    "packages": ["a"],
    "debconf": ["a a/b string c"],
    "groups": {"a": ["b"]},
    "directories": {"/etc/x": {"mode": "0755"}},
    "files": {"/etc/x/y": {"content": "z", "mode": "0644", "restart": ["a.service"]}},
    "assemble": {"/etc/x/z": {"directory": "/etc/x/d"}},
    "build": [{"run": ["a"], "makes": ["/etc/x/b"]}],
    "check": [{"run": ["a"], "fail_on_output": "x"}],
    "units": {"a.service": {"restart_when": "x"}},
    "run": [{"run": ["a"], "creates": "/etc/x/c", "timeout": 5}],
    "undo": [{"run": ["a"]}],
    "compare": [{"name": "n", "run": ["a"]}],
    "probe": [{"tcp": "127.0.0.1:25"}],
}
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, float("inf"), "", "x", "\0", "9" * 5000, "/etc/x/q"),
    *([], {}, [None], {"": None}, ["x"], [["x"]], {"run": []}),
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in range(len(node)) if isinstance(node, list) else node:
        yield (*path, key)
        if isinstance(node[key], dict | list):
            yield from places(node[key], (*path, key))


def changed(rng: random.Random, spots: list[tuple[Any, ...]]) -> str:
    document = copy.deepcopy(BASE)
    for _ in range(rng.randint(1, 2)):
        *way, last = rng.choice(spots)
        node: Any = document
        try:
            for key in way:
                node = node[key]
            node[last] = copy.deepcopy(rng.choice(ODD))
        except (KeyError, TypeError, IndexError):
            continue
    return json.dumps(document)


def test_a_changed_manifest_is_parsed_or_refused() -> None:
    rng, spots, came = random.Random(3), list(places(BASE)), Counter[str]()
    for _ in range(4000):
        try:
            parse_manifest(changed(rng, spots))
            came["parsed"] += 1
        except BadManifest:
            came["refused"] += 1
    assert came["parsed"] > 100
    assert came["refused"] > 1000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="lists nested deep"),
        pytest.param('{"a":' * 50_000, id="objects nested deep"),
        pytest.param("\ufeff{}", id="a byte order mark"),
        pytest.param("nul", id="half a word"),
        pytest.param('{"bundle": "x", "bundle": "y", "owner": "o"}', id="a key twice"),
        pytest.param(
            '{"bundle": "x", "owner": "o", "files": {"/etc/a": {"content": "1"}, '
            '"/etc/a": {"content": "2"}}}',
            id="a file twice",
        ),
        pytest.param("1e999", id="a number"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(BadManifest):
        parse_manifest(text)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/x", "etc/x", "//etc/x", "/etc//x", "/etc/x/", "/etc/./x", "/etc/../root/x"),
        *("/etc/\0x", "/etc/a\nb", "/var/lib/mx-agent", "/var/lib/mx-agent/bundles/x.json"),
        *("/usr/local/sbin/mx-agent", "/usr/local/sbin/../sbin/mx-agent"),
        *("/var/lib/../lib/mx-agent/x", "/etc/systemd/system/mx-agent-recover.service"),
    ],
)
def test_a_path_that_is_not_one_of_a_bundle_is_refused(path: str) -> None:
    with pytest.raises(BadManifest):
        parse_manifest(json.dumps(BASE | {"files": {path: {"content": "z"}}}))


def test_a_separator_in_a_file_draws_no_line_of_its_own_in_a_diff() -> None:
    there = Want(data="a\u2028+b\x0c-c\x85 d\n".encode())
    assert unified("a\n", there) == ["@@ -1 +1 @@", "-a", "+a\u2028+b\x0c-c\x85 d"]
