"""The files that manifests put on a host, assembled ones included."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from components.host.manifest import Manifest


def files(bundles: Iterable[Manifest]) -> dict[str, str]:
    """The text of each file by its path on the host; main.cf is the whole of its sections.

    A section without a newline at its end gets one, as the agent's `concatenate` does.
    """
    listed = list(bundles)
    found = {path: file.content for each in listed for path, file in each.files.items()}
    wholes = {path: entry.directory for each in listed for path, entry in each.assemble.items()}
    for whole, directory in wholes.items():
        parts = sorted(path for path in found if str(PurePosixPath(path).parent) == directory)
        texts = [found[part] for part in parts if part.endswith(".cf")]
        found[whole] = "".join(
            text if text.endswith("\n") else text + "\n" for text in texts if text
        )
    return found
