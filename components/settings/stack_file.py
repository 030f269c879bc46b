"""A stack's file, read without the engine."""

from __future__ import annotations

from pathlib import Path

import yaml

from components.settings.environment import Settings, SettingsError, from_mapping

_ROOT = Path(__file__).resolve().parents[2]


def path(stack: str) -> Path:
    """The file of a stack."""
    return _ROOT / "stacks" / f"Pulumi.{stack}.yaml"


def settings_of(stack: str) -> Settings:
    """The settings in a stack's file. Raises SettingsError."""
    source = f"stacks/Pulumi.{stack}.yaml"
    try:
        document = yaml.safe_load(path(stack).read_text())
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: {error}") from None
    config = document.get("config") if isinstance(document, dict) else None
    mail = config.get("mx:mail") if isinstance(config, dict) else None
    if not isinstance(mail, dict):
        raise SettingsError(f"{source}: config.mx:mail: missing; see stacks/README.md")
    return from_mapping(mail, source)
