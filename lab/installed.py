"""The stand-ins where the engine looks for installed plug-ins, in the place of PATH.

`MX_LAB_PLUGINS=installed` asks for that. The engine installs them, from archives, so they lie as
`pulumi plugin install` leaves the vendor's, and the engine finds them as it finds those.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "MX_LAB_PLUGINS"


def wanted() -> bool:
    """Whether the variable asks for it. Raises SystemExit when its value is an unknown one."""
    value = os.environ.get(VARIABLE, "")
    if value not in ("", "installed"):
        raise SystemExit(f"{VARIABLE}={value}: expected `installed`, or nothing for PATH")
    return value == "installed"


def install(pulumi: Path, home: Path, stand_ins: Mapping[str, tuple[str, Path]]) -> None:
    """Have the engine install stand-ins in a PULUMI_HOME, by plug-in: version and program."""
    for name, (version, program) in stand_ins.items():
        shown = home / "plugins" / f"resource-{name}-v{version}" / program.name
        text = f'#!/bin/sh\nexec "{program}" "$@"\n'
        if shown.is_file() and shown.read_text(errors="replace") == text:
            continue
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / program.name
            script.write_text(text)
            script.chmod(0o755)
            archive = Path(folder) / "plugin.tar.gz"
            with tarfile.open(archive, "w:gz") as tar:
                tar.add(script, script.name)
            words = ["plugin", "install", "resource", name, version, "--reinstall", "--file"]
            variables = {"PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
            subprocess.run(
                [pulumi, *words, archive],
                env=os.environ | variables,
                stdout=subprocess.DEVNULL,
                check=True,
            )
