"""Reads the key of an apt repository, and holds it against the fingerprint in the settings."""

from __future__ import annotations

from components.settings import given_files, openpgp
from components.settings.environment import SettingsError
from components.settings.package_source import PackageSource


def read_key(source: PackageSource, path: str) -> str:
    """The key of a repository in ASCII armour. `path`: YAML path of the settings.

    Raises SettingsError when the file cannot be read, holds no key, several, or another one.
    """
    shown = given_files.shown(source.key_file)
    try:
        text = given_files.read_given(source.key_file).decode("ascii")
        found, armour = openpgp.public_key(text)
    except UnicodeDecodeError:
        raise SettingsError(
            f"{shown}: the file is not ASCII armour (`gpg --armor --export` writes it)"
        ) from None
    except openpgp.KeyFault as error:
        raise SettingsError(f"{shown}: {error}") from None
    if found != source.fingerprint.upper():
        raise SettingsError(
            f"{shown}: the key in this file has the fingerprint {found}, and {path}.fingerprint is "
            f"{source.fingerprint.upper()}; compare both with what the vendor publishes, and "
            "correct the wrong one"
        )
    return armour
