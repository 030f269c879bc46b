"""The operator's contract: everything that a stack file may say."""

from components.settings.environment import Settings, SettingsError, from_mapping

__all__ = ["Settings", "SettingsError", "from_mapping"]
