"""The agent's modules as byte code, beside the archive that Python would compile at each start.

That takes half of a start's time, and a change starts the agent several times. What runs the
archive (components/host/agent.py) takes the byte code only if it was made of this very archive by
this version of Python; otherwise the agent starts as it would without.
"""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from .files import gone, sync_directory

FOLDER = "compiled"


def name_of(archive: Path) -> str:
    """The name of the byte code that belongs to an archive and to the Python that runs."""
    info = archive.stat()
    return f"{sys.implementation.cache_tag}-{info.st_ino}-{info.st_mtime_ns}.zip"


def compile_archive(archive: Path, state: Path) -> None:
    """Write the byte code of an archive below the agent's state, and remove all older.

    Raises OSError, for example when the disk is full; nothing is left of the new one then.
    """
    folder = state / FOLDER
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    fresh = folder / "new"
    try:
        with zipfile.ZipFile(archive) as source, tempfile.TemporaryDirectory(dir=folder) as name:
            source.extractall(name)
            with zipfile.ZipFile(fresh, "w") as pack:
                for path in sorted(Path(name).glob("*/*.py")):
                    inside = str(path.relative_to(name))
                    code = py_compile.compile(
                        str(path),
                        cfile=f"{path}c",
                        dfile=f"{archive}/{inside}",
                        doraise=True,
                        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                    )
                    pack.write(str(code), f"{inside}c")
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.rename(folder / name_of(archive))
    except OSError:
        gone(fresh)
        raise
    sync_directory(folder)
