"""Settings of an apt repository besides Debian's own."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, StringConstraints

from components.settings.types import Model

CODENAMES = {12: "bookworm", 13: "trixie"}
"""Debian release to its code name (https://www.debian.org/releases/)."""

_WORD = r"[A-Za-z0-9][A-Za-z0-9.+~_-]*"
Url = Annotated[
    str,
    StringConstraints(
        pattern=rf"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{{1,5}})?(/{_WORD})*/?$",
        max_length=300,
    ),
]
Suite = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]|\{codename\})([A-Za-z0-9.+~_-]|\{codename\})*$"),
]
FilePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]


class PackageSource(Model):
    """A signed apt repository that a host takes one package from (sources.list(5))."""

    url: Url = Field(
        description="Where the repository is: `https://` or `http://`, a host name that serves no "
        "other repository of the hosts, and the path.",
    )
    suite: Suite = Field(
        "{codename}",
        description="Suite in that repository. `{codename}` stands for the code name of the host's "
        "Debian release.",
    )
    components: Annotated[
        list[Annotated[str, StringConstraints(pattern=rf"^{_WORD}$")]], Field(min_length=1)
    ] = Field(["main"], description="Components of that suite.")
    key_file: FilePath = Field(
        description="File with the OpenPGP public key that signs the repository, in ASCII armour. "
        "The path starts in the folder of the stack file.",
    )
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{40}$")] = Field(
        description="Fingerprint of that key: 40 hexadecimal digits without blanks. Take it from "
        "the vendor, not from the file.",
    )

    @property
    def site(self) -> str:
        """The host name in the URL."""
        return re.split(r"[/:]", self.url.partition("://")[2])[0]

    def suite_of(self, debian: int) -> str:
        """The suite for hosts with this Debian release."""
        return self.suite.replace("{codename}", CODENAMES[debian])
