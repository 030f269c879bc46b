"""The text of an assembled file is the one that the agent makes on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.agent.files import concatenate, pieces
from components.host.contents import files
from components.host.manifest import Assemble, File, Manifest


@pytest.mark.parametrize("last", ["b = 2\n", "b = 2", "b = 2\n\n", ""])
def test_a_section_without_a_final_newline_ends_as_on_the_host(tmp_path: Path, last: str) -> None:
    texts = {"/d/10-a.cf": last, "/d/20-b.cf": "c = 3\n", "/d/notes": "no piece\n"}
    manifest = Manifest(
        bundle="x",
        owner="mx/test",
        files={path: File(text) for path, text in texts.items()},
        assemble={"/whole": Assemble("/d")},
    )
    (tmp_path / "d").mkdir()
    for path, text in texts.items():
        (tmp_path / path.lstrip("/")).write_text(text)
    made = files([manifest])["/whole"]
    assert made.encode() == concatenate(pieces(tmp_path, "/d"))
