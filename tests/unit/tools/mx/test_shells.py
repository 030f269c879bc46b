"""The shells complete `mx`, and man(1) shows its page: asked of bash, zsh and man themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.stacks import ROOT
from tools.mx.app import mx

SECONDS = 60


def missing(program: str) -> str:
    return f"{program} is missing: scripts/packages test"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `mx` on PATH and the lines for each shell."""
    folder = tmp_path_factory.mktemp("shells")
    (folder / "mx").symlink_to(ROOT / "scripts/mx")
    for shell in ("bash", "zsh"):
        lines = subprocess.run(
            [folder / "mx", "completion", shell], stdout=subprocess.PIPE, check=True
        ).stdout
        (folder / shell).write_bytes(lines)
    return folder


def typed(shell: list[str], folder: Path, prompt: str, lines: list[str], wanted: str) -> str:
    """What an interactive shell shows after these lines, until `wanted` is there."""
    pid, master = pty.fork()
    if pid == 0:
        environ = os.environ | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PS1": prompt,
            "TERM": "dumb",
        }
        os.execvpe(shell[0], shell, environ)
    shown = ""
    deadline = time.monotonic() + SECONDS
    try:
        for number, line in enumerate([*lines, ""]):
            awaited = prompt if number < len(lines) else wanted
            before = len(shown)
            while awaited not in shown[before:] and time.monotonic() < deadline:
                if select.select([master], [], [], 1)[0]:
                    shown += os.read(master, 65536).decode(errors="replace")
            os.write(master, line.encode())
    finally:
        os.close(master)
        os.waitpid(pid, 0)
    return shown


CASES = {
    "a command": ("mx prev", "mx preview"),
    "a stack": ("mx drift stag", "mx drift staging"),
}


@pytest.mark.parametrize("case", CASES)
def test_bash_completes(folder: Path, case: str) -> None:
    assert shutil.which("bash"), missing("bash")
    begun, whole = CASES[case]
    lines = [f". {folder}/bash\n", f"{begun}\t"]
    shown = typed(["bash", "--norc", "--noprofile", "-i"], folder, "ready> ", lines, whole)
    assert whole in shown, shown


@pytest.mark.parametrize("case", CASES)
def test_zsh_completes(folder: Path, case: str) -> None:
    assert shutil.which("zsh"), missing("zsh")
    begun, whole = CASES[case]
    lines = [
        f"autoload -Uz compinit && compinit -u -d {folder}/dump && . {folder}/zsh\n",
        f"{begun}\t",
    ]
    shown = typed(["zsh", "-f", "-i"], folder, "ready> ", lines, whole)
    assert whole in shown, shown


def test_man_shows_the_page_and_has_no_complaint(folder: Path) -> None:
    assert shutil.which("man"), missing("man-db")
    page = subprocess.run([folder / "mx", "man"], stdout=subprocess.PIPE, check=True).stdout
    (folder / "mx.1").write_bytes(page)
    done = subprocess.run(
        ["man", "--warnings", "-l", folder / "mx.1"],
        env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    plain = re.sub(".\b", "", done.stdout)
    assert all(f"mx {name} " in plain for name in mx.commands)
    assert all(len(line) <= 80 for line in plain.splitlines())
