"""Every rendered file of the example stacks, compared with the tree under its target path.

`GOLDEN_WRITE=1 scripts/test tests/golden` writes the trees anew; review them like any diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.services.tls_reports import component as tls_reports
from components.settings.stack_file import settings_of
from tools.render import files, manifests

HERE = Path(__file__).parent
COMPONENTS = HERE.parents[1] / "components"
# Files that are laid on a host as they stand in the repository, or in a package of the lock.
AS_THEY_ARE = {
    path.read_text()
    for path in COMPONENTS.glob("services/*/files/**/*")
    if path.is_file() and path.suffix != ".pyc"
}
AS_THEY_ARE.add(tls_reports.pack(tls_reports.program()))


@pytest.mark.parametrize("stack", ["lab", "staging", "production"])
@pytest.mark.parametrize("host", ["mx1", "mx2"])
def test_rendered_tree_is_the_golden_one(stack: str, host: str) -> None:
    found = files(manifests(settings_of(stack), host, f"mx/{stack}"))
    del found["/etc/postfix/main.cf"]  # the sections beside it, one after another
    rendered = {path: text for path, text in found.items() if text not in AS_THEY_ARE}
    tree = HERE / stack / host
    if os.environ.get("GOLDEN_WRITE") == "1":
        for path, text in rendered.items():
            target = tree / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    golden = {
        f"/{path.relative_to(tree)}": path.read_text() for path in tree.rglob("*") if path.is_file()
    }
    assert rendered == golden
