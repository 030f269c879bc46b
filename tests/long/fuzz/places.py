"""Where text stands in a stack file: the places of the schema, and those of a document.

A place of the schema is a path with `*` for each item of a list or key of a mapping; one that ends
in `*key` is the key itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
KEY = "*key"


def of_schema(schema: Mapping[str, Any]) -> set[str]:
    """The places of a JSON schema at which any text may stand; choices are none."""
    return set(_of(schema, schema.get("$defs", {}), ""))


def _of(node: Mapping[str, Any], models: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in node:
        yield from _of(models[node["$ref"].rpartition("/")[2]], models, path)
    for each in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _of(each, models, path)
    if node.get("type") == "string" and not {"enum", "const"} & node.keys():
        yield path
    if "items" in node:
        yield from _of(node["items"], models, f"{path}[*]")
    for name, each in node.get("properties", {}).items():
        yield from _of(each, models, f"{path}.{name}" if path else name)
    inner = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
    if any(isinstance(each, Mapping) for each in inner):
        yield f"{path}.{KEY}"
    for each in inner:
        if isinstance(each, Mapping):
            yield from _of(each, models, f"{path}.*")


@dataclass(frozen=True)
class Spot:
    """One text of a document. `key`: the text is the last part of the path, not what is there."""

    path: Path
    text: str
    key: bool = False

    def __str__(self) -> str:
        """The path as a stack file's errors write it."""
        words = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)[1:]
        return f"the key {words}" if self.key else words

    def put(self, document: Mapping[str, Any], text: str) -> dict[str, Any]:
        """A copy of the document with another text here; the order of keys stays."""
        whole = copy.deepcopy(dict(document))
        node: Any = whole
        for part in self.path[:-1]:
            node = node[part]
        if self.key:
            items = [(text if key == self.path[-1] else key, value) for key, value in node.items()]
            node.clear()
            node.update(items)
        else:
            node[self.path[-1]] = text
        return whole


def of_document(document: object, path: Path = ()) -> Iterator[Spot]:
    """Every text of a document, keys among it."""
    if isinstance(document, Mapping):
        for key, each in document.items():
            yield Spot((*path, key), key, key=True)
            yield from of_document(each, (*path, key))
    elif isinstance(document, list):
        for index, each in enumerate(document):
            yield from of_document(each, (*path, index))
    elif isinstance(document, str):
        yield Spot(path, document)


def filled(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the document, with the default of each setting that is text and not given there."""
    whole: dict[str, Any] = _filled(document, schema, schema.get("$defs", {}))
    return whole


def _filled(node: Any, schema: Mapping[str, Any], models: Mapping[str, Any]) -> Any:
    if not isinstance(node, Mapping):
        return copy.deepcopy(node)
    if "$ref" in schema:
        schema = models[schema["$ref"].rpartition("/")[2]]
    known = schema.get("properties", {})
    defaults = {
        name: each["default"]
        for name, each in known.items()
        if isinstance(each.get("default"), str) and not {"enum", "const", "$ref"} & each.keys()
    }
    given = {name: _filled(each, known.get(name, {}), models) for name, each in node.items()}
    return defaults | given


def place(spot: Spot, schema: Mapping[str, Any]) -> str | None:
    """The place of the schema that a text of a document stands at; None for a fixed key."""
    models = schema.get("$defs", {})
    found, nodes = "", [schema]
    parts = spot.path
    for index, part in enumerate(parts):
        nodes = [inner for node in nodes for inner in _choices(node, models)]
        last = index == len(parts) - 1
        if isinstance(part, int):
            nodes, found = [node["items"] for node in nodes if "items" in node], f"{found}[*]"
            continue
        fixed = [node["properties"][part] for node in nodes if part in node.get("properties", {})]
        if fixed:
            if last and spot.key:
                return None
            nodes, found = fixed, f"{found}.{part}" if found else part
            continue
        nodes = [
            each
            for node in nodes
            for each in (
                node.get("additionalProperties"),
                *node.get("patternProperties", {}).values(),
            )
            if isinstance(each, Mapping)
        ]
        if last and spot.key:
            return f"{found}.{KEY}"
        found = f"{found}.*"
    return found


def _choices(node: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    if "$ref" in node:
        yield from _choices(models[node["$ref"].rpartition("/")[2]], models)
    for each in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _choices(each, models)


def renamed(document: Any, old: str, new: str) -> Any:
    """A copy of the document with another text wherever the old one stands alone, keys among it."""
    if isinstance(document, Mapping):
        return {
            (new if key == old else key): renamed(each, old, new) for key, each in document.items()
        }
    if isinstance(document, list):
        return [renamed(each, old, new) for each in document]
    return new if document == old else document
