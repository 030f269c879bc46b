"""Rspamd from another apt repository than Debian's: sources.list(5), apt_preferences(5)."""

from __future__ import annotations

from pathlib import Path

from components.host.manifest import Check, Directory, File, Manifest, Step
from components.settings import source_key
from components.settings.environment import Settings
from components.settings.package_source import PackageSource

PACKAGE = "rspamd"
SOURCES = "/etc/apt/sources.list.d/mx-spam-filter.sources"
PREFERENCES = "/etc/apt/preferences.d/mx-spam-filter"
KEY = "/etc/apt/keyrings/mx-spam-filter.asc"
PROGRAM = "/usr/local/lib/mx/mx_package_source.py"
_FILES = Path(__file__).resolve().parent / "files"


def words(source: PackageSource, debian: int) -> str:
    """The repository and its key in one line; another line is another repository."""
    parts = " ".join([source.url, source.suite_of(debian), *source.components])
    return f"{parts}, key {source.fingerprint.upper()}"


def sources(source: PackageSource, debian: int) -> str:
    """The deb822 entry: signed by this key, and by no other that the host trusts."""
    return (
        "# Written by mx.\n"
        "Types: deb\n"
        f"URIs: {source.url}\n"
        f"Suites: {source.suite_of(debian)}\n"
        f"Components: {' '.join(source.components)}\n"
        f"Signed-By: {KEY}\n"
    )


def preferences(source: PackageSource) -> str:
    """Only Rspamd may come from there, and only if it is newer than Debian's.

    The pin is on the name of the server: what a Release file says, its author may choose.
    """
    return (
        "Explanation: Written by mx. Nothing comes from this repository,\n"
        "Package: *\n"
        f'Pin: origin "{source.site}"\n'
        "Pin-Priority: -1\n"
        "\n"
        "Explanation: except this package, if it is newer than Debian's.\n"
        f"Package: {PACKAGE}\n"
        f'Pin: origin "{source.site}"\n'
        "Pin-Priority: 500\n"
    )


def manifest(settings: Settings, host: str, owner: str) -> Manifest | None:
    """The repository on a host; None without one.

    Raises SettingsError when the file of the key cannot be read or holds another key.
    """
    source = settings.spam_filter.source
    if source is None:
        return None
    debian = settings.hosts[host].debian
    return Manifest(
        bundle="spam-filter-source",
        owner=owner,
        packages=["ca-certificates"],  # for https
        directories={"/etc/apt/keyrings": Directory(), "/usr/local/lib/mx": Directory()},
        files={
            KEY: File(source_key.read_key(source, "spamFilter.source")),
            PREFERENCES: File(preferences(source)),
            PROGRAM: File((_FILES / PROGRAM.lstrip("/")).read_text()),
            SOURCES: File(sources(source, debian)),
        },
        check=[Check(["/usr/bin/python3", "-I", "-B", PROGRAM, "check", source.site, SOURCES])],
        run=[
            Step(
                ["/usr/bin/python3", "-I", "-B", PROGRAM, "fetch", source.url, SOURCES, PACKAGE],
                timeout=900,
            )
        ],
    )
