"""Servers that keep the engine's state: a PostgreSQL and an S3-compatible one, on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_START_SECONDS = 30
_ADDRESS = "127.0.0.1"
# initdb(1) and postgres(1) refuse to run as root; Debian's package makes this account.
_ACCOUNT = "postgres"


@dataclass
class Server:
    """A server's process, which can be ended at once and started again on the same data."""

    argv: list[str]
    port: int
    url: str
    account: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    # Says whether the server takes work yet: one that was killed first reads its log.
    ready: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the port answers. Raises RuntimeError when the server ends."""
        process = self.process = subprocess.Popen(
            self.argv,
            env=dict(os.environ) | self.environment,
            user=self.account,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self._answers():
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.argv[0]} did not start")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            socket.create_connection((_ADDRESS, self.port), timeout=1).close()
        except OSError:
            return False
        asked = subprocess.run(self.ready or ["true"], stdout=subprocess.DEVNULL, check=False)
        return asked.returncode == 0

    def kill(self) -> None:
        """End the server without a word to its clients."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind((_ADDRESS, 0))
        port: int = taken.getsockname()[1]
    return port


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's server programs; Debian keeps them out of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parts[-2])
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@contextmanager
def postgres() -> Iterator[Server]:
    """A PostgreSQL with data of its own, in a folder that its account can enter."""
    programs = postgres_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
    account = _ACCOUNT if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="mx-postgres-") as name:
        data = Path(name)
        if account:
            os.chown(data, pwd.getpwnam(account).pw_uid, -1)
        yield from _run(_made(programs, data, account))


def _made(programs: Path, data: Path, account: str | None) -> Server:
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "mx", "-A", "trust", "-E", "UTF8", "--no-sync"],
        user=account,
        cwd="/",
        check=True,
        capture_output=True,
    )
    port = free_port()
    options = {
        "listen_addresses": _ADDRESS,
        "port": str(port),
        "unix_socket_directories": "",
        "logging_collector": "off",
    }
    argv = [str(programs / "postgres"), "-D", str(data)]
    argv += [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    url = f"postgres://mx@{_ADDRESS}:{port}/postgres?sslmode=disable"
    ready = [str(programs / "pg_isready"), "-h", _ADDRESS, "-p", str(port)]
    return Server(argv, port, url, account, ready=ready)


@contextmanager
def s3(folder: Path, program: Path) -> Iterator[Server]:
    """An S3-compatible server, versitygw(1) with its posix backend, with the bucket `state`."""
    for name in ("s3/state", "iam"):
        (folder / name).mkdir(parents=True)
    port = free_port()
    keys = {"ROOT_ACCESS_KEY": "operator", "ROOT_SECRET_KEY": "operators-own-words"}
    argv = [str(program), "--port", f"{_ADDRESS}:{port}", "--iam-dir", str(folder / "iam")]
    argv += ["posix", str(folder / "s3")]
    url = f"s3://state?endpoint=http://{_ADDRESS}:{port}&use_path_style=true&region=us-east-1"
    yield from _run(Server(argv, port, url, None, keys))


S3_CLIENT = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "operators-own-words"}
"""The keys of the server above, as the engine reads them."""


def _run(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


def versitygw() -> Path | None:
    """The program on PATH, if it is there."""
    found = shutil.which("versitygw")
    return Path(found) if found else None
