"""`unpack.py PACK DIRECTORY`: lay out the files of a pack, as render/tls_reports.py makes it."""

from __future__ import annotations

import base64
import bz2
import json
import sys
from pathlib import Path


def unpack(text: str, directory: Path) -> None:
    """Write the files of a pack below the directory."""
    for name, content in json.loads(bz2.decompress(base64.b64decode(text))).items():
        path = directory / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        path.chmod(0o644)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]).read_text(), Path(sys.argv[2]))
