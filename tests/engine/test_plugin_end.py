"""A stand-in does not outlive the engine that started it."""

from __future__ import annotations

import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

BIN = Path(__file__).parents[2] / "lab/engine/bin"
PROGRAMS = ("resource-command", "resource-cloudflare", "language-python")


def test_plug_ins_end_with_a_killed_engine() -> None:
    with ExitStack() as started:
        with socket.create_server(("127.0.0.1", 0)) as engine:
            address = f"127.0.0.1:{engine.getsockname()[1]}"
            plug_ins = [
                started.enter_context(
                    subprocess.Popen(
                        [BIN / f"pulumi-{program}", address], stdout=subprocess.PIPE, text=True
                    )
                )
                for program in PROGRAMS
            ]
            for plug_in in plug_ins:
                started.callback(plug_in.kill)
                assert plug_in.stdout is not None
                assert int(plug_in.stdout.readline()) > 0
                assert plug_in.poll() is None
        assert [plug_in.wait(60) for plug_in in plug_ins] == [0, 0, 0]
