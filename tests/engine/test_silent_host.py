"""A host that takes connections and says nothing, which the vendor's plug-in waits for for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from components.host.silent import Silent, look

from .conftest import Project

pytestmark = pytest.mark.engine

GREETING = b"SSH-2.0-x\r\n"
PROGRAM = """
import pulumi
import pulumi_command as command
from components.host.silent import Look

config = pulumi.Config()
port = config.get_int("port") or 1
opts = pulumi.ResourceOptions()
if config.get_bool("look"):
    opts = Look("mx1", "127.0.0.1", port).options(opts)
word = config.get("word")
command.local.Command("there", create="echo one", update="echo two", stdin=word, opts=opts)
command.local.Command("elsewhere", create="echo three")
"""


@contextlib.contextmanager
def server(greeting: bytes, closes: bool = False, every: float = 0) -> Iterator[int]:
    """A server that says so much, once or at intervals; its port."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    taken.append(connection)
                    connection.sendall(greeting)
                    while every:
                        time.sleep(every)
                        connection.sendall(greeting)
                    if closes:
                        connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


@pytest.mark.parametrize(
    ("greeting", "missing"), [(b"", "no greeting"), (b"hello\r\n" + GREETING, "no key exchange")]
)
def test_server_that_stops_talking(greeting: bytes, missing: str) -> None:
    with server(greeting) as port, pytest.raises(Silent, match=f"says nothing: {missing} within"):
        look("mx1", "127.0.0.1", port, patience=0.2)


def test_tarpit_that_says_a_byte_now_and_then() -> None:
    with server(b"x", every=0.05) as port, pytest.raises(Silent, match="no greeting"):
        look("mx1", "127.0.0.1", port, patience=0.5)


def test_server_that_talks_closes_or_is_not_there_is_left_to_the_plug_in() -> None:
    with server(GREETING + b"\0\0\5\x0c", closes=False) as port:
        look("mx1", "127.0.0.1", port, patience=0.2)
    with server(b"Exceeded MaxStartups\r\n", closes=True) as port:
        look("mx1", "127.0.0.1", port, patience=5)
    look("mx1", "127.0.0.1", port, patience=5)


def test_operation_on_a_silent_host_fails_and_the_rest_is_done(project: Project) -> None:
    (project.folder / "__main__.py").write_text(PROGRAM)
    project.init("silent")
    up = ["up", "--yes", "--skip-preview", "--continue-on-error", "--stack", "silent"]
    with server(b"") as port:
        done = project.run(*up, "-c", "mx:look=true", "-c", f"mx:port={port}")
        output = done.stdout + done.stderr
        assert done.returncode != 0
        assert f"mx1 (127.0.0.1 port {port}) takes connections and then says nothing" in output
        assert "Traceback" not in output
        state = project.run("stack", "export", "--stack", "silent").stdout
        assert "::elsewhere" in state
        assert "::there" not in state
    # Nothing answers there now: that is the plug-in's to say.
    done = project.run(*up, "-c", "mx:look=true", "-c", f"mx:port={port}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_stack_of_the_time_before_the_look_shows_no_change(project: Project) -> None:
    (project.folder / "__main__.py").write_text(PROGRAM)
    project.init("silent")
    up = ["up", "--yes", "--skip-preview", "--stack", "silent"]
    assert project.run(*up).returncode == 0
    with server(b"") as port:
        look = ["-c", "mx:look=true", "-c", f"mx:port={port}"]
        done = project.run("preview", "--expect-no-changes", "--stack", "silent", *look)
        assert done.returncode == 0, done.stdout + done.stderr
        # Without an operation there nobody looks.
        done = project.run(*up, "--expect-no-changes", *look)
        assert done.returncode == 0, done.stdout + done.stderr
        done = project.run(*up, "-c", "mx:word=x", *look)
        assert "says nothing: no greeting" in done.stdout + done.stderr
    assert project.run("destroy", "--yes", "--skip-preview", "--stack", "silent").returncode == 0
