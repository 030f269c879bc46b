"""Runs the command of a resource, there or here, and puts its outputs into the state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]

from lab.engine import copy
from lab.engine.command_local import LocalCommands
from lab.engine.command_output import HANGS_FROM, Lines, failure, quote
from lab.engine.command_result import CommandError, Result
from lab.engine.plugin import Log, Secret, Unknown, plain
from lab.engine.ssh import Connection

PREVIOUS = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}
NOT_UTF_8 = "grpc: error while marshaling: string field contains invalid UTF-8"
# The original's text, with its line breaks and tabs.
REFUSED = (
    "Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the "
    "remote host, you could\n"
    "\tprefix the command itself with the variables in the form 'VAR=value command'"
)


def known(value: Any) -> Any:
    """The value with an empty text for each unknown."""
    if isinstance(value, Mapping):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [known(item) for item in value]
    return "" if isinstance(value, Unknown) else value


def without_nulls(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without what is null in them or in their connection."""
    kept = {key: value for key, value in inputs.items() if value is not None}
    connection = kept.get("connection")
    if isinstance(connection, Secret) and isinstance(connection.value, Mapping):
        bare = {key: value for key, value in connection.value.items() if value is not None}
        kept["connection"] = Secret(bare)
    return kept


class Runner:
    """Everything of a plug-in that leaves its process."""

    def __init__(self, logger: Log) -> None:
        self._logger = logger
        self._cancelled = threading.Event()
        self._here = LocalCommands()

    def cancel(self) -> None:
        """Kill local commands and stop dialing; a remote command runs on, as in the original."""
        self._cancelled.set()
        self._here.kill()

    def operate(
        self,
        remote: bool,
        urn: str,
        inputs: Mapping[str, Any],
        command: Any,
        state: dict[str, Any],
        context: Any,
    ) -> None:
        """Run a command and put its outputs into the state."""
        if command is None:
            return
        # What is not known is empty where something is run all the same.
        values, previous, text = known(plain(inputs)), plain(state), known(plain(command))
        if values.get("addPreviousOutputInEnv") is False:
            previous = {}
        lines = Lines(self._logger, urn, values.get("logging"))
        run = self._remote if remote else self._local
        try:
            result = run(urn, text, values, previous, lines)
            lines.finish()
            if lines.hangs:
                raise failure(
                    f"a logged line of {HANGS_FROM} bytes or more: the vendor's plug-in hangs here",
                    text,
                    b"",
                )
            if result.error is not None:
                raise failure(result.error, text, result.both)
        except CommandError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        for key, data in (("stdout", result.stdout), ("stderr", result.stderr)):
            try:
                state[key] = data.decode().removesuffix("\n")
            except UnicodeDecodeError:
                # The command has run, and the original cannot send what it wrote.
                context.abort(grpc.StatusCode.INTERNAL, NOT_UTF_8)

    def connection(self, urn: str, settings: Mapping[str, Any]) -> Connection:
        """A connection to a host. Raises CommandError."""

        def retrying(what: str, dials: int, limit: int) -> None:
            total = "inf" if limit < 0 else str(limit)
            self._logger.info(f"{what} {dials}/{total} failed: retrying", urn, status=True)

        return Connection(settings, cancelled=self._cancelled, retrying=retrying)

    def copy(self, urn: str, inputs: Mapping[str, Any], context: Any) -> None:
        """Copy an asset to its place on a host."""
        try:
            connection = self.connection(urn, plain(inputs["connection"]))
            try:
                copy.copy(connection, inputs)
            finally:
                connection.close()
        except CommandError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    def _remote(
        self,
        urn: str,
        command: str,
        values: Mapping[str, Any],
        previous: Mapping[str, Any],
        sink: Callable[[int, bytes], None],
    ) -> Result:
        connection = self.connection(urn, values["connection"])
        try:
            channel = connection.session()
            for name, value in (values.get("environment") or {}).items():
                if not connection.setenv(channel, name, str(value)):
                    self._logger.error(REFUSED.format(name=name), urn)
                    raise CommandError(
                        f"could not set environment variable {quote(name)}: ssh: setenv failed"
                    )
            for key, name in PREVIOUS.items():
                text = previous.get(key)
                if text and not connection.setenv(channel, name, text):
                    self._logger.warning(REFUSED.format(name=name), urn)
            return connection.run(channel, command, values.get("stdin") or "", sink)
        finally:
            connection.close()

    def _local(
        self,
        urn: str,
        command: str,
        values: Mapping[str, Any],
        previous: Mapping[str, Any],
        sink: Callable[[int, bytes], None],
    ) -> Result:
        variables = {name: previous[key] for key, name in PREVIOUS.items() if previous.get(key)}
        return self._here.run(command, values, variables, sink)
