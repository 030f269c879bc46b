"""Every rendered file and every manifest of the example stacks, compared with what was reviewed.

`tests/golden/STACK/HOST/files` has the texts below their target paths. `manifests` has all that the
agent is asked to do besides: modes, owners, packages, units, checks, steps, probes; in place of the
content of a file stands the beginning of its SHA-256.

`GOLDEN_WRITE=1 scripts/test tests/golden` accepts the present state; review its diff.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from pathlib import Path

import pytest

from components.host.contents import files
from components.host.manifest import Manifest
from components.services.tls_reports import component as tls_reports
from tests.support.stacks import HOSTS, ROOT, manifests_of, secret_manifests_of

HERE = Path(__file__).parent
ACCEPT = "GOLDEN_WRITE=1 scripts/test tests/golden"
# Files that are laid on a host as they stand in the repository, or in a package of the lock.
AS_THEY_ARE = {
    path.read_text()
    for path in (ROOT / "components").glob("services/*/files/**/*")
    if path.is_file() and path.suffix != ".pyc"
}
AS_THEY_ARE.add(tls_reports.pack(tls_reports.program()))


def compare(found: dict[str, str], tree: Path) -> None:
    """Hold texts by their path against the files of a tree, or write the tree anew."""
    golden = {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
    if os.environ.get("GOLDEN_WRITE") == "1":
        for stale in golden.keys() - found.keys():
            golden[stale].unlink()
        for name, text in found.items():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return
    lines: list[str] = []
    for name in sorted(golden.keys() | found.keys()):
        old = golden[name].read_text() if name in golden else ""
        new = found.get(name, "")
        if old != new or (name in golden) != (name in found):
            lines += difflib.unified_diff(
                old.splitlines(),
                new.splitlines(),
                f"reviewed: {name}" if name in golden else "reviewed: no such file",
                f"now: {name}" if name in found else "now: no such file",
                lineterm="",
                n=1,
            )
    if lines:
        place = tree.relative_to(ROOT)
        pytest.fail("\n".join([f"{place}: accept with {ACCEPT}", *lines[:200]]), pytrace=False)


def without_contents(manifest: Manifest) -> str:
    """A manifest as JSON, with the beginning of a SHA-256 in the place of each content."""
    document = manifest.document()
    for entry in document["files"].values():
        digest = hashlib.sha256(entry["content"].encode()).hexdigest()
        entry["content"] = f"sha256:{digest[:12]}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


@pytest.mark.parametrize(("stack", "host"), HOSTS)
def test_rendered_files_are_the_reviewed_ones(stack: str, host: str) -> None:
    found = files(manifests_of(stack, host))
    del found["/etc/postfix/main.cf"]  # the sections beside it, one after another
    rendered = {path.lstrip("/"): text for path, text in found.items() if text not in AS_THEY_ARE}
    compare(rendered, HERE / stack / host / "files")


@pytest.mark.parametrize(("stack", "host"), HOSTS)
def test_manifests_are_the_reviewed_ones(stack: str, host: str) -> None:
    all_of_them = (*manifests_of(stack, host), *secret_manifests_of(stack, host))
    found = {f"{each.bundle}.json": without_contents(each) for each in all_of_them}
    compare(found, HERE / stack / host / "manifests")


def test_every_golden_tree_is_that_of_a_host() -> None:
    there = {(path.parent.name, path.name) for path in HERE.glob("*/*") if path.is_dir()}
    # The trees of test_package_source.py are of no example stack.
    there = {pair for pair in there if not {"__pycache__", "package-source"} & {*pair}}
    new, gone = set(HOSTS) - there, there - set(HOSTS)
    assert not new, f"no tree of {sorted(new)}: {ACCEPT}"
    assert not gone, f"the hosts of these trees are gone: {sorted(gone)}: git rm -r their folders"
