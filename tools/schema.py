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
    """Every key with its type, default and meaning, as a Markdown page."""
    mail = Settings.model_json_schema(by_alias=True)
    lines = [
        "# Keys of a stack file",
        "",
        "All keys are below `config: mx:mail:` in `stacks/Pulumi.<stack>.yaml`.",
        "`scripts/schema` writes this page; do not edit it.",
    ]
    for name, model in _in_order(mail):
        lines += ["", f"## {name}", "", model["description"].split("\n")[0], ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, field in model["properties"].items():
            required = key in model.get("required", [])
            default = "required" if required else f"`{json.dumps(field.get('default'))}`"
            if not required and "default" not in field:
                default = "empty"
            meaning = str(field.get("description", "")).replace("|", "\\|")
            lines.append(f"| `{key}` | {_type(field)} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"] if one.get("type") != "null")
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("type") == "object":
        # Keys with a pattern stand under patternProperties.
        patterns = list(field.get("patternProperties", {}).values())
        return f"mapping to {_type(patterns[0] if patterns else field['additionalProperties'])}"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    return str(field.get("format", field.get("type")))


def _in_order(mail: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The models of the schema in the order in which a reader of a stack file meets them."""
    models: dict[str, dict[str, Any]] = mail["$defs"]
    found: dict[str, dict[str, Any]] = {}
    waiting = [("Settings", mail)]
    while waiting:
        name, model = waiting.pop(0)
        if name not in found:
            found[name] = model
            text = json.dumps(model.get("properties", {}))
            waiting += [(key, models[key]) for key in re.findall(r"#/\$defs/(\w+)", text)]
    return [(name, model) for name, model in found.items() if "properties" in model]


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
