"""JSON Schema and manual of the stack files, and JSON Schema of the outputs.

Run as a module it writes them into stacks/ and docs/, with the pages of all commands and services.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from components.settings.environment import Settings
from components.stack.outputs import Outputs
from tools import services_page
from tools.mx import manual as commands

ROOT = Path(__file__).resolve().parents[1]
STACKS = ROOT / "stacks"
DOCS = ROOT / "docs"
OUTPUTS = DOCS / "outputs.schema.json"


def schema() -> str:
    """JSON Schema (2020-12) of a stack file; keys of other namespaces stay open."""
    mail = Settings.model_json_schema(by_alias=True)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of mx",
        "type": "object",
        "properties": {
            "config": {"type": "object", "properties": {"mx:mail": {"$ref": "#/$defs/Settings"}}}
        },
        "$defs": mail.pop("$defs") | {"Settings": mail},
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def outputs_schema() -> str:
    """JSON Schema (2020-12) of what `pulumi stack output --json` prints."""
    document = Outputs.model_json_schema(by_alias=True, mode="serialization")
    document |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Outputs of a stack of mx",
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def manual() -> str:
    """Every key with its type, default and meaning, as a Markdown page; a section is its path."""
    mail = Settings.model_json_schema(by_alias=True)
    paths = _paths(mail)
    lines = [
        "# Keys of a stack file",
        "",
        "All keys are below `config: mx:mail:` in `stacks/Pulumi.<stack>.yaml`.",
        "`stacks/Pulumi.everything.yaml` is an example with nearly all of them.",
        "`scripts/schema` writes this page; do not edit it.",
    ]
    for name, path in paths.items():
        model = _models(mail)[name]
        lines += ["", f"## {path}", "", _sentence(model), ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, field in model["properties"].items():
            required = key in model.get("required", [])
            default = "required" if required else f"`{json.dumps(field.get('default'))}`"
            if not required and "default" not in field:
                default = "empty"
            referred = [_sentence(_models(mail)[one]) for one in _references(field)]
            meaning = str(field.get("description") or "".join(referred)).replace("|", "\\|")
            lines.append(f"| `{key}` | {_type(field, paths)} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _models(mail: dict[str, Any]) -> dict[str, Any]:
    """All sections of the schema by the names of their classes."""
    return {"Settings": mail, **mail["$defs"]}


def _sentence(model: dict[str, Any]) -> str:
    return str(model.get("description", "")).split("\n")[0]


def _references(field: dict[str, Any]) -> list[str]:
    return re.findall(r"#/\$defs/(\w+)", json.dumps(field))


def _type(field: dict[str, Any], paths: dict[str, str]) -> str:
    if "$ref" in field:
        path = paths[str(field["$ref"]).rpartition("/")[2]]
        return f"[{path}](#{re.sub(r'[^a-z0-9-]', '', path.lower())})"
    if "anyOf" in field:
        types = (_type(one, paths) for one in field["anyOf"] if one.get("type") != "null")
        return " or ".join(dict.fromkeys(types))
    if field.get("type") == "array":
        return f"list of {_type(field['items'], paths)}"
    if field.get("type") == "object":
        # Keys with a pattern stand under patternProperties.
        patterns = list(field.get("patternProperties", {}).values())
        value = patterns[0] if patterns else field["additionalProperties"]
        return f"mapping to {_type(value, paths)}"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    return str(field.get("format", field.get("type")))


def _paths(mail: dict[str, Any]) -> dict[str, str]:
    """The classes of the schema with the paths at which a reader of a stack file meets them first.

    An entry of a mapping is NAME, and one of a list is [].
    """
    models = _models(mail)
    found: dict[str, str] = {}
    waiting = [("Settings", "mx:mail")]
    while waiting:
        name, path = waiting.pop(0)
        if name in found or "properties" not in models[name]:
            continue
        found[name] = path
        before = "" if name == "Settings" else f"{path}."
        for key, field in models[name]["properties"].items():
            kinds = {field.get("type"), *(one.get("type") for one in field.get("anyOf", []))}
            entry = ".NAME" if "object" in kinds else "[]" if "array" in kinds else ""
            waiting += [(one, f"{before}{key}{entry}") for one in _references(field)]
    return found


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    return {
        STACKS / "schema.json": schema(),
        STACKS / "README.md": manual(),
        DOCS / "settings.md": manual(),
        DOCS / "commands.md": commands.page(),
        DOCS / "services.md": services_page.page(),
        OUTPUTS: outputs_schema(),
    }


if __name__ == "__main__":
    for target, content in generated().items():
        target.write_text(content)
