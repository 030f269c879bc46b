"""Every command line: its help on 80 columns, what a wrong call and Ctrl-C look like, and calls."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.support.stacks import ROOT
from tools.mx.__main__ import VERBS
from tools.mx.app import mx, run
from tools.mx.codes import USAGE

_HABIT = "A name for habit"
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file())
OWN = [name for name in SCRIPTS if _HABIT not in (ROOT / "scripts" / name).read_text()]
# pytest has exit codes of its own.
REFUSING = [name for name in OWN if name not in {"mx", "test"}]
LONG = sorted(
    path.name for path in (ROOT / "tests/long").iterdir() if path.is_file() and not path.suffix
)


def call(name: str, option: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / name, option],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", OWN)
def test_help_of_a_script_fits_80_columns_and_has_no_colour_in_a_pipe(name: str) -> None:
    done = call(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"scripts/{name}" in done.stdout or name == "mx"
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", LONG)
def test_help_of_a_long_test_tells_what_it_does_and_starts_nothing(name: str) -> None:
    done = subprocess.run(
        [ROOT / "tests/long" / name, "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize("name", REFUSING)
def test_option_that_a_script_does_not_know_is_64_before_anything_is_done(name: str) -> None:
    done = call(name, "--no-such-option")
    assert (done.returncode, done.stdout) == (64, ""), done.stderr
    assert f"scripts/{name}" in done.stderr or "--no-such-option" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", sorted(mx.commands))
def test_option_that_a_command_does_not_know_is_64_and_no_name_of_a_stack(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([verb, "--no-such-option"]) == USAGE
    shown = capsys.readouterr()
    assert "--no-such-option" in shown.err
    assert "init --no-such-option" not in shown.err
    assert shown.out == ""


def test_list_of_commands_cuts_no_sentence_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(VERBS) > 0
    context = click.Context(mx, info_name="mx", terminal_width=80, max_content_width=80)
    assert "..." not in mx.get_help(context).partition("Commands:")[2]


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr of a process that gets SIGINT, as Ctrl-C sends it."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.mx", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_while_modules_are_loaded_is_one_line_and_130(tmp_path: Path) -> None:
    slow = "import time\nprint('loading', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "rich.py").write_text(slow)
    process = started(tmp_path, "drift", "--help")
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    assert interrupted(process) == (130, "\nmx: ended by Ctrl-C\n")


def test_ctrl_c_while_a_command_reads_is_one_line_and_130(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "main.cf")
    process = started(tmp_path, "audit", str(tmp_path / "main.cf"))
    # A pipe opens for writing when the command has opened it for reading.
    with (tmp_path / "main.cf").open("w"):
        assert interrupted(process) == (130, "\nmx: ended by Ctrl-C\n")


def test_reader_of_a_pipe_that_went_is_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tools.mx", "man"],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


# Calls in workflows, pages and runbooks: of mx, or of a name for habit.
PAGES = sorted(
    [
        *(ROOT / ".github/workflows").glob("*.yml"),
        *({*(ROOT / "docs").rglob("*.md")} - {ROOT / "docs/commands.md"}),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    ]
)
CALL = re.compile(
    rf"(?<![\w/-])(?<!spf1 )(?:(?:scripts/)?mx|scripts/(?={'|'.join(set(SCRIPTS) - set(OWN))})) ?"
    r"([a-z]+)((?: [^`#|>&;)]*)?)"
)
# The rest of these command lines is of the engine or of a host.
OPEN = {"pulumi", "run", "up", "destroy", "records"}


def calls(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Verb and options of each call on a page, in code."""
    text = re.sub(r"\\?\n +(?=--)", " ", page.read_text())
    code = (
        text if page.suffix == ".yml" else "\n".join(re.findall(r"`[^`\n]+`|(?s:```.*?```)", text))
    )
    for verb, rest in CALL.findall(code):
        yield verb, re.findall(r"(?<=\s)--[a-z-]+", re.split(r"\n| -- ", rest)[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_call_on_a_page_is_one_that_mx_takes(page: Path) -> None:
    for verb, options in calls(page):
        assert verb in mx.commands, f"mx {verb}"
        if verb not in OPEN:
            known = {
                name
                for one in mx.commands[verb].params
                for name in (*one.opts, *one.secondary_opts)
            }
            assert {*options} <= known | {"--help"}, f"mx {verb} {' '.join(options)}"


def test_calls_of_the_workflows_are_found() -> None:
    found = [call for page in PAGES for call in calls(page)]
    assert (
        "comment",
        ["--plan", "--forge", "--api", "--repository", "--commit", "--author"],
    ) in found
    assert len(found) > 150
