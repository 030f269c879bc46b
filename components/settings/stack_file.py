"""Reads a stack's file without the engine, with the same result as the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from components.settings import engine_yaml
from components.settings.environment import Settings, SettingsError, from_mapping
from components.settings.lines import with_lines

_ROOT = Path(__file__).resolve().parents[2]


def path(stack: str) -> Path:
    """The file of a stack."""
    return _ROOT / "stacks" / f"Pulumi.{stack}.yaml"


def document(stack: str) -> dict[str, Any]:
    """The whole file of a stack. Raises SettingsError with file, line and column."""
    source = f"stacks/Pulumi.{stack}.yaml"
    try:
        found = engine_yaml.load(path(stack).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{source}: the file is not UTF-8: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        raise SettingsError(f"{source}{at}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
        raise SettingsError(f"{source}: config: missing; stacks/README.md lists the keys")
    return found


def settings_of(stack: str) -> Settings:
    """The settings in a stack's file. Raises SettingsError."""
    source = f"stacks/Pulumi.{stack}.yaml"
    mail = document(stack)["config"].get("mx:mail")
    if not isinstance(mail, dict):
        raise SettingsError(f"{source}: config.mx:mail: missing; stacks/README.md lists the keys")
    try:
        return from_mapping(mail, source)
    except SettingsError as error:
        raise SettingsError(located(str(error))) from None


def located(text: str) -> str:
    """An error about a stack file with the line, where the text has the YAML path."""
    return with_lines(text, path)
