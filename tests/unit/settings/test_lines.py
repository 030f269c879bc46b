"""An error about a setting names the line of the stack file."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.settings.stack_file import located
from tools.mx.__main__ import VERBS
from tools.mx.app import run
from tools.mx.codes import FAILED
from tools.mx.explain import explain

__all__ = ["VERBS"]  # the command line has all commands, also when this file runs alone

FILE = """\
config:
  mx:mail:
    domains:
      example.test:
        mailboxHost: mailbox1
        recipients:
          - alice
          - bob@x
      example.test.other: {}
    postfix: {sizeLimit: 1}
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "Pulumi.site.yaml"
    found.write_text(FILE)
    for name in ("components.settings.stack_file.path", "tools.mx.app.path"):
        monkeypatch.setattr(name, lambda stack: tmp_path / f"Pulumi.{stack}.yaml")
    return found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("domains.example.test.recipients[1]", 8),
        ("domains.example.test.recipients[7]", 6),
        ("domains.example.test.other.mailboxHost", 9),
        ("postfix.sizeLimit", 10),
        ("hosts", 2),
    ],
)
def test_a_path_leads_to_its_line(path: str, line: int) -> None:
    error = f"stacks/Pulumi.site.yaml: mx:mail.{path}: wrong"
    told = f"stacks/Pulumi.site.yaml:{line}: mx:mail.{path}: wrong"
    assert located(f"{error}\n{error}") == f"{told}\n{told}"
    assert explain(f"error: {error}", "site") == told


def test_a_file_that_is_not_there_or_no_yaml_adds_nothing(file: Path) -> None:
    error = "stacks/Pulumi.{}.yaml: mx:mail.hosts: missing"
    assert located(error.format("nowhere")) == error.format("nowhere")
    file.write_text("a: [")
    assert located(error.format("site")) == error.format("site")


def test_a_command_that_needs_no_engine_names_the_line_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["status", "--stack", "site"]) == FAILED
    assert "stacks/Pulumi.site.yaml:10: mx:mail.postfix.sizeLimit" in capsys.readouterr().err
