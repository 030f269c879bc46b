"""The agent's byte code: taken when it is of this very archive, passed over when it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.agent.compiled import FOLDER, compile_archive, name_of
from components.host.agent import archive, sources


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The archive as the bootstrap writes it, with a state of its own."""
    path = tmp_path / "mx-agent"
    text = sources().replace("/var/lib/mx-agent/compiled", str(tmp_path / FOLDER))
    path.write_bytes(archive(text))
    return path


def modules_from(program: Path) -> set[str]:
    """Where the agent's modules came from in one start of the program."""
    look = (
        "import runpy, sys; sys.argv = ['mx-agent', 'version']; sys.path.insert(0, {0!r})\n"
        "try: runpy.run_path({0!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*{{m.__loader__.archive for n, m in sys.modules.items() if n[:9] == 'mx_agent.'}})"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", look.format(str(program))],
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(word).name for word in done.stdout.split("\n")[1].split()}


def test_a_start_takes_the_byte_code_of_its_archive(program: Path, tmp_path: Path) -> None:
    assert modules_from(program) == {"mx-agent"}
    compile_archive(program, tmp_path)
    assert modules_from(program) == {name_of(program)}


def test_byte_code_of_another_archive_or_another_python_is_not_taken(
    program: Path, tmp_path: Path
) -> None:
    compile_archive(program, tmp_path)
    (made,) = (tmp_path / FOLDER).iterdir()
    made.rename(made.with_name(made.name.replace("cpython-3", "cpython-2")))
    assert modules_from(program) == {"mx-agent"}
    compile_archive(program, tmp_path)
    (tmp_path / "mx-agent.new").write_bytes(program.read_bytes())
    (tmp_path / "mx-agent.new").rename(program)
    assert modules_from(program) == {"mx-agent"}
    compile_archive(program, tmp_path)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [name_of(program)]


def test_byte_code_that_was_cut_off_is_passed_over(program: Path, tmp_path: Path) -> None:
    compile_archive(program, tmp_path)
    (made,) = (tmp_path / FOLDER).iterdir()
    os.truncate(made, 1000)
    assert modules_from(program) == {"mx-agent"}


def test_nobody_else_can_put_byte_code_there(program: Path, tmp_path: Path) -> None:
    compile_archive(program, tmp_path)
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
