"""The agent as it is shipped: its modules as JSON, of which the host makes one zip archive.

The archive is one file, /usr/local/sbin/mx-agent, so that one rename replaces the whole program.
JSON goes over the wire, not the archive: a preview shows its changes module by module.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1] / "agent"
# What Python runs when it is given the archive. Modules in an archive are compiled at each start;
# agent/compiled.py says where their byte code is. Each change starts the agent twice: the verb
# _stage needs few modules.
_MAIN = """\
import os
import sys

made = os.stat(sys.path[0])
compiled = (
    f"/var/lib/mx-agent/compiled/{sys.implementation.cache_tag}"
    f"-{made.st_ino}-{made.st_mtime_ns}.zip"
)
if os.access(compiled, os.R_OK):
    sys.path.insert(0, compiled)

if sys.argv[1:] == ["_stage"]:
    from mx_agent.staging import stage_main

    sys.exit(stage_main())

from mx_agent.main import main

sys.exit(main(sys.argv[1:]))
"""


def sources() -> str:
    """The files of the archive by their names, as JSON with sorted keys."""
    modules = {f"mx_agent/{path.name}": path.read_text() for path in _PACKAGE.glob("*.py")}
    return json.dumps(modules | {"__main__.py": _MAIN}, indent=1, sort_keys=True) + "\n"


def archive(text: str) -> bytes:
    """The program that bootstrap.sh makes of `sources` on the host, byte for byte.

    Nothing in it is compressed, and no file has a date: the bytes are the same everywhere.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as pack:
        for name, source in sorted(json.loads(text).items()):
            pack.writestr(zipfile.ZipInfo(name), source)
    return b"#!/usr/bin/python3 -I\n" + packed.getvalue()


def digest(text: str) -> str:
    """SHA-256 in hex of the program that a host has once it was given `text`.

    Agents before 1.5 were one program text, which lay on the host as it was.
    """
    shipped = archive(text) if text.startswith("{") else text.encode()
    return hashlib.sha256(shipped).hexdigest()
