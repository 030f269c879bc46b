"""Commands on the operator's machine, which a Cancel kills."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lab.engine.command_output import failure, quote
from lab.engine.command_result import STDERR, STDOUT, CommandError, Result


class LocalCommands:
    """The local commands of a plug-in's process."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def kill(self) -> None:
        """Kill all that run."""
        with self._lock:
            for process in self._running:
                process.kill()

    def run(
        self,
        command: str,
        values: Mapping[str, Any],
        previous: Mapping[str, str],
        sink: Callable[[int, bytes], None],
    ) -> Result:
        """Run one; `values`: its inputs, `previous`: variables. Raises CommandError."""
        for key in ("assetPaths", "archivePaths"):
            if values.get(key):
                raise CommandError(f"the stand-in does not serve {key}")
        environment = {
            **os.environ,
            **{k: str(v) for k, v in (values.get("environment") or {}).items()},
        }
        environment.update(previous)
        arguments = [*(values.get("interpreter") or ["/bin/sh", "-c"]), command]
        folder = values.get("dir") or None
        _refuse(arguments, environment, folder, command)
        try:
            with self._lock:
                process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=folder,
                    env=environment,
                )
                self._running.add(process)
        except OSError as error:
            text = os.strerror(error.errno or 0).lower()
            raise failure(f"fork/exec {arguments[0]}: {text}", command, b"") from error
        try:
            return collect(process, (values.get("stdin") or "").encode(), sink)
        finally:
            with self._lock:
                self._running.discard(process)


def _refuse(
    arguments: list[str], environment: Mapping[str, str], folder: str | None, command: str
) -> None:
    """What Go finds before it starts a process. Raises CommandError."""
    program = arguments[0]
    reason = ""
    if not program:
        reason = "exec: no command"
    elif "/" not in program and shutil.which(program, path=environment.get("PATH")) is None:
        reason = f"exec: {quote(program)}: executable file not found in $PATH"
    elif folder is not None and not os.path.exists(folder):
        reason = f"chdir {folder}: no such file or directory"
    elif any("\0" in value for value in environment.values()):
        reason = "exec: environment variable contains NUL"
    elif any("\0" in word for word in arguments):
        reason = f"fork/exec {program}: invalid argument"
    if reason:
        raise failure(reason, command, b"")


def collect(
    process: subprocess.Popen[bytes], stdin: bytes, sink: Callable[[int, bytes], None]
) -> Result:
    """Feed a process, and hand each piece of its output to the sink, until it has ended."""
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    both: list[bytes] = []
    lock = threading.Lock()

    def feed() -> None:
        assert process.stdin is not None  # noqa: S101 -- for the type checker
        # A command may end before it has read everything.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(stdin)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()

    def read(stream: int, pipe: Any) -> None:
        while data := os.read(pipe.fileno(), 65536):
            with lock:
                parts[stream].append(data)
                both.append(data)
            sink(stream, data)
        pipe.close()

    threads = [
        threading.Thread(target=feed, daemon=True),
        threading.Thread(target=read, args=(STDOUT, process.stdout), daemon=True),
        threading.Thread(target=read, args=(STDERR, process.stderr), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    code = process.wait()
    error = None
    if code > 0:
        error = f"exit status {code}"
    elif code < 0:
        named = -code < signal.SIGRTMIN
        error = f"signal: {(signal.strsignal(-code) or '').lower() if named else f'signal {-code}'}"
    return Result(b"".join(parts[STDOUT]), b"".join(parts[STDERR]), b"".join(both), error)
