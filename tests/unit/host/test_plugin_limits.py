"""What the vendor's command plug-in cannot take, the program never gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest

from components.host.ask import SCRIPT, parse
from components.host.target import host_key_of
from components.settings.environment import from_mapping
from tests.support.agent_host import Staged
from tests.support.mapping import KEY, mapping
from tests.support.stacks import ROOT

# A logged line of this many bytes is never answered.
HANGS = 65536


def longest(text: str) -> int:
    return max(len(line.encode()) for line in text.splitlines())


def test_step_of_a_bundle_with_a_thousand_paths(
    agent: Staged,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = [f"/etc/dehydrated/domains.d/mta-sts.domain-{n:04}.example_ecdsa" for n in range(2000)]
    agent.step("swap", " ".join(paths))
    agent.warn("first\n" + "\N{GRINNING FACE}" * HANGS + "\nlast")
    said = capsys.readouterr()
    assert longest(said.out) < HANGS
    assert longest(said.err) < HANGS
    assert said.out.startswith("swap: /etc/dehydrated/domains.d/mta-sts.domain-0000.example_ecdsa ")
    assert said.out.endswith(" characters more\n")
    assert said.err.splitlines()[::2] == ["first", "last"]


def test_name_of_a_file_that_is_not_utf_8() -> None:
    """Where Python reads such a byte of a name, it writes the same byte again."""
    program = "from components.agent.verbs import Agent; Agent().say('a' + chr(0xDCFF) + 'b')"
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:surrogateescape"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"a\\udcffb\n"


def test_answer_of_a_host_that_is_not_utf_8(tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nprintf 'one\\377two\\nthree'; printf '\\303' >&2; exit 5\n")
    ssh.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", SCRIPT.read_text()],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "MX_HOSTS": f"mx1 198.18.77.11 22 root - {KEY}",
            "MX_VERB": "status",
        },
        capture_output=True,
        check=True,
    )
    assert parse(done.stdout.decode("utf-8")) == {"mx1": (5, "onetwo\nthree", "")}


ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY="
RSA = "ssh-rsa AAAAB3NzaC1yc2E="


@pytest.mark.parametrize(
    ("lines", "taken"), [([RSA, ECDSA, KEY], KEY), ([RSA, ECDSA], ECDSA), ([ECDSA, RSA], ECDSA)]
)
def test_known_hosts_with_an_rsa_line_first(lines: list[str], taken: str, tmp_path: Path) -> None:
    assert key_from(lines, tmp_path) == taken


def test_known_hosts_with_an_rsa_line_alone(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        key_from([RSA], tmp_path)
    assert "known_hosts has only lines of type ssh-rsa for 198.18.77.11 or" in str(caught.value)
    assert "cat /etc/ssh/ssh_host_ed25519_key.pub" in str(caught.value)


def key_from(lines: list[str], folder: Path) -> str:
    known = folder / "known_hosts"
    known.write_text("".join(f"198.18.77.11 {line}\n" for line in lines))
    values = mapping()
    del values["hosts"]["mx1"]["hostKey"]
    values["ssh"] = {"knownHostsFile": str(known)}
    return host_key_of("mx1", from_mapping(values))
