"""Stand-in for ``pulumi-resource-command`` 1.2.1, for labs that cannot download the original.

It answers the engine as the original does; the recorded answers are in
``tests/engine/traces/command``. Served types: ``command:remote:Command``,
``command:local:Command``, ``command:remote:CopyToRemote`` (see copy.py) and the function
``command:local:run``.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from lab.engine import command_schema as schema
from lab.engine import copy
from lab.engine.plugin import (
    UNKNOWN,
    Log,
    Secret,
    engine_address,
    engine_stub,
    from_struct,
    plain,
    serve,
    to_struct,
)
from lab.engine.ssh import STDERR, STDOUT, CommandError, Connection, Result

VERSION = "1.2.1"
FRAMEWORK_VERSION = "1.2.0"
REMOTE, LOCAL, RUN = "command:remote:Command", "command:local:Command", "command:local:run"
COPY = "command:remote:CopyToRemote"
DEFAULTS = {"dialErrorLimit": 10, "perDialTimeout": 15, "port": 22, "user": "root"}
SECRET_FIELDS = ("password", "privateKey", "privateKeyPassword")
OUTPUTS = ("stdout", "stderr")
PREVIOUS = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}
LOGGED = {
    "stdout": (STDOUT,),
    "stderr": (STDERR,),
    "stdoutAndStderr": (STDOUT, STDERR),
    "none": (),
}
NOT_UTF_8 = "grpc: error while marshaling: string field contains invalid UTF-8"
# The original never answers once a logged stream has had a line of this many bytes.
HANGS_FROM = 65536
# The original's text, with its line breaks and tabs.
REFUSED = (
    "Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the "
    "remote host, you could\n"
    "\tprefix the command itself with the variables in the form 'VAR=value command'"
)
ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n",
    "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip


def quote(text: str) -> str:
    """The text as Go's ``%q`` writes it."""
    parts = []
    for char in text:
        if char in ESCAPES:
            parts.append(ESCAPES[char])
        elif char.isprintable():
            parts.append(char)
        elif ord(char) < 0x80:
            parts.append(f"\\x{ord(char):02x}")
        elif ord(char) < 0x10000:
            parts.append(f"\\u{ord(char):04x}")
        else:
            parts.append(f"\\U{ord(char):08x}")
    return '"' + "".join(parts) + '"'


def failure(error: str, command: str, output: bytes) -> CommandError:
    """The error of a command that failed: the whole text and all it wrote."""
    return CommandError(f"{error}: running {quote(command)}:\n{output.decode(errors='replace')}")


class Lines:
    """Cuts output into lines and logs each as it is complete, of the chosen streams only."""

    def __init__(self, logger: Log, urn: str, mode: str | None) -> None:
        self._logger, self._urn = logger, urn
        self._streams = LOGGED.get(mode or "stdoutAndStderr", (STDOUT, STDERR))
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {stream: decoder(errors="replace") for stream in (STDOUT, STDERR)}
        self._rest = {STDOUT: "", STDERR: ""}
        self._lock = threading.Lock()
        self.hangs = False

    def __call__(self, stream: int, data: bytes) -> None:
        """Take a piece of output."""
        if stream not in self._streams:
            return
        with self._lock:
            text = self._rest[stream] + self._decoders[stream].decode(data)
            *lines, self._rest[stream] = text.split("\n")
        for line in lines:
            self.hangs = self.hangs or len(line.encode()) >= HANGS_FROM
            self._logger.info(line.removesuffix("\r"), self._urn, status=True)

    def finish(self) -> None:
        """Log what is left without a newline at its end."""
        for stream in (STDOUT, STDERR):
            if self._rest[stream]:
                self._logger.info(self._rest[stream], self._urn, status=True)
                self._rest[stream] = ""


def check_connection(value: Any, defaults: Mapping[str, Any] = DEFAULTS) -> Any:
    """Fill in the defaults of a connection and mark its secrets."""
    inner = value.value if isinstance(value, Secret) else value
    if not isinstance(inner, Mapping):
        return Secret(inner)
    result = {**defaults, **{key: item for key, item in inner.items() if item is not None}}
    _mark(result)
    if isinstance(result.get("proxy"), Mapping):
        result["proxy"] = {**defaults, **result["proxy"]}
        _mark(result["proxy"])
    return Secret(result)


def _mark(fields: dict[str, Any]) -> None:
    for key in SECRET_FIELDS:
        if key in fields and not isinstance(fields[key], Secret):
            fields[key] = Secret(fields[key])


def compare(old: Any, new: Any, path: str, found: dict[str, str]) -> None:
    """Collect the paths that differ, each with ADD, DELETE or UPDATE."""
    if isinstance(old, Secret) and isinstance(new, Secret):
        compare(old.value, new.value, path, found)
    elif copy.is_asset(old) and copy.is_asset(new):
        if old.get("hash") != new.get("hash"):
            found[path] = "UPDATE"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            name = f"{path}.{key}" if path else key
            _compare_item(old, new, key, name, found)
    elif isinstance(old, list) and isinstance(new, list):
        was, now = dict(enumerate(old)), dict(enumerate(new))
        for index in sorted({*was, *now}):
            _compare_item(was, now, index, f"{path}[{index}]", found)
    elif type(old) is not type(new) or old != new:
        found[path] = "UPDATE"


def _compare_item(
    old: Mapping[Any, Any], new: Mapping[Any, Any], key: Any, path: str, found: dict[str, str]
) -> None:
    if key not in old:
        found[path] = "ADD"
    elif key not in new:
        found[path] = "DELETE"
    else:
        compare(old[key], new[key], path, found)


def new_id(name: str) -> str:
    """The resource's name and eight random hexadecimal digits."""
    return name + secrets.token_hex(4)


class CommandProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The plug-in's side of the provider protocol."""

    def __init__(self, logger: Log) -> None:
        self._logger = logger
        self._cancelled = threading.Event()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    # The names of the methods are the protocol's.

    def Handshake(self, request: Any, context: Any) -> Any:
        """Refuse, as the original does: it is older than this call."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "method Handshake not implemented")

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Add the version of the original's framework, which its state carries."""
        inputs = {**from_struct(request.news), "__pulumi-go-provider-version": FRAMEWORK_VERSION}
        return provider_pb2.CheckResponse(inputs=to_struct(inputs))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Refuse, as the original does."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "DiffConfig is not implemented")

    def Configure(self, request: Any, context: Any) -> Any:
        """There is nothing to configure; tell what this plug-in understands."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        """Fill in defaults and mark the connection secret."""
        kind = self._kind(request, context)
        inputs = from_struct(request.news)
        failures = []
        if kind == COPY:
            refused = copy.refusal(inputs)
            if refused is None:
                inputs["connection"] = check_connection(inputs["connection"])
            else:
                failure_ = provider_pb2.CheckFailure(property=refused[0], reason=refused[1])
                failures.append(failure_)
        else:
            inputs = schema.normal(inputs)
            package, fields = "local", schema.LOCAL_FIELDS
            if kind == REMOTE:
                package, fields = "remote", schema.REMOTE_FIELDS
            reasons = schema.failures(package, inputs, fields)
            if kind == REMOTE and "connection" not in inputs:
                reasons["connection"] = (
                    "Missing required field 'connection' on 'remote.CommandInputs'"
                )
            elif kind == REMOTE:
                inputs["connection"] = check_connection(
                    inputs["connection"], {} if reasons else DEFAULTS
                )
            failures = [
                provider_pb2.CheckFailure(property=key, reason=text)
                for key, text in reasons.items()
            ]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the inputs; only ``triggers`` as a whole replaces."""
        self._kind(request, context)
        old = from_struct(request.old_inputs)
        if not old:
            old = {k: v for k, v in from_struct(request.olds).items() if k not in OUTPUTS}
        found: dict[str, str] = {}
        compare(old, from_struct(request.news), "", found)
        kinds = provider_pb2.PropertyDiff.Kind
        detailed, replaces, diffs = {}, [], []
        for path, kind in found.items():
            top = path.replace("[", ".").split(".")[0]
            replace = path == "triggers"
            name = f"{kind}_REPLACE" if replace else kind
            detailed[path] = provider_pb2.PropertyDiff(kind=kinds.Value(name))
            if replace:
                replaces.append(top)
            if top not in diffs:
                diffs.append(top)
        changes = provider_pb2.DiffResponse.DiffChanges
        return provider_pb2.DiffResponse(
            changes=changes.Value("DIFF_SOME" if found else "DIFF_NONE"),
            diffs=diffs,
            replaces=replaces,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Run ``create``."""
        kind = self._kind(request, context)
        inputs = from_struct(request.properties)
        if kind == COPY:
            if not request.preview:
                self._copy(request.urn, inputs, context)
            return provider_pb2.CreateResponse(id=new_id(""), properties=request.properties)
        state = {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}
        if not request.preview:
            state.update({"stdout": "", "stderr": ""})
            self._operate(kind, request.urn, inputs, inputs.get("create"), state, context)
        return provider_pb2.CreateResponse(
            id=new_id(request.name or request.urn.rsplit("::", 1)[-1]), properties=to_struct(state)
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Run ``update``, or else ``create`` again."""
        kind = self._kind(request, context)
        inputs, olds = from_struct(request.news), from_struct(request.olds)
        if kind == COPY:
            if not request.preview and copy.needed(olds, inputs):
                self._copy(request.urn, inputs, context)
            return provider_pb2.UpdateResponse(properties=request.news)
        state = {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}
        if not request.preview:
            state.update({key: olds.get(key, "") for key in OUTPUTS})
            command = inputs.get("update")
            if command is None:
                command = inputs.get("create")
            self._operate(kind, request.urn, inputs, command, state, context)
        return provider_pb2.UpdateResponse(properties=to_struct(state))

    def Delete(self, request: Any, context: Any) -> Any:
        """Run ``delete`` with the text and the connection of the state."""
        kind = self._kind(request, context)
        if kind == COPY:
            return empty_pb2.Empty()  # what was copied stays
        state = from_struct(request.properties)
        self._operate(kind, request.urn, state, state.get("delete"), dict(state), context)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:
        """Give the state back: the original cannot look at the host."""
        self._kind(request, context)
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Invoke(self, request: Any, context: Any) -> Any:
        """Run ``command:local:run``, in previews too."""
        if request.tok != RUN:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Invoke '{request.tok}' not found")
        inputs = from_struct(request.args)
        state = {**inputs, "stdout": "", "stderr": ""}
        self._operate(LOCAL, "", inputs, inputs.get("command"), state, context)
        return provider_pb2.InvokeResponse(**{"return": to_struct(state)})

    def Cancel(self, request: Any, context: Any) -> Any:
        """Kill local commands and stop dialing; a remote command runs on, as in the original."""
        self._cancelled.set()
        with self._lock:
            for process in self._running:
                process.kill()
        return empty_pb2.Empty()

    def _kind(self, request: Any, context: Any) -> str:
        kind = request.type or request.urn.split("::")[-2].split("$")[-1]
        if kind not in (REMOTE, LOCAL, COPY):
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not serve the type {kind}"
            )
        return str(kind)

    def _operate(
        self,
        kind: str,
        urn: str,
        inputs: Mapping[str, Any],
        command: Any,
        state: dict[str, Any],
        context: Any,
    ) -> None:
        """Run a command and put its outputs into the state."""
        if command is None:
            return
        values, previous = plain(inputs), plain(state)
        if values.get("addPreviousOutputInEnv") is False:
            previous = {}
        lines = Lines(self._logger, urn, values.get("logging"))
        run = self._remote if kind == REMOTE else self._local
        try:
            result = run(urn, plain(command), values, previous, lines)
            lines.finish()
            if lines.hangs:
                raise failure(
                    f"a logged line of {HANGS_FROM} bytes or more: the vendor's plug-in hangs here",
                    plain(command),
                    b"",
                )
            if result.error is not None:
                raise failure(result.error, plain(command), result.both)
        except CommandError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        for key, data in (("stdout", result.stdout), ("stderr", result.stderr)):
            try:
                state[key] = data.decode().removesuffix("\n")
            except UnicodeDecodeError:
                # The command has run, and the original cannot send what it wrote.
                context.abort(grpc.StatusCode.INTERNAL, NOT_UTF_8)

    def _connection(self, urn: str, settings: Mapping[str, Any]) -> Connection:
        def retrying(dials: int, limit: int) -> None:
            total = "inf" if limit < 0 else str(limit)
            self._logger.info(f"Dial {dials}/{total} failed: retrying", urn, status=True)

        return Connection(settings, cancelled=self._cancelled, retrying=retrying)

    def _copy(self, urn: str, inputs: Mapping[str, Any], context: Any) -> None:
        try:
            connection = self._connection(urn, plain(inputs["connection"]))
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
        connection = self._connection(urn, values["connection"])
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
        for key in ("assetPaths", "archivePaths"):
            if values.get(key):
                raise CommandError(f"the stand-in does not serve {key}")
        environment = {
            **os.environ,
            **{k: str(v) for k, v in (values.get("environment") or {}).items()},
        }
        environment.update(
            {name: previous[key] for key, name in PREVIOUS.items() if previous.get(key)}
        )
        arguments = [*(values.get("interpreter") or ["/bin/sh", "-c"]), command]
        try:
            with self._lock:
                process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=values.get("dir"),
                    env=environment,
                )
                self._running.add(process)
        except OSError as error:
            text = os.strerror(error.errno or 0).lower()
            cause = (
                f"chdir {values['dir']}"
                if error.filename == values.get("dir")
                else (f"fork/exec {arguments[0]}")
            )
            raise failure(f"{cause}: {text}", command, b"") from error
        try:
            return _collect(process, (values.get("stdin") or "").encode(), sink)
        finally:
            with self._lock:
                self._running.discard(process)


def _collect(
    process: subprocess.Popen[bytes], stdin: bytes, sink: Callable[[int, bytes], None]
) -> Result:
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
        error = f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    return Result(b"".join(parts[STDOUT]), b"".join(parts[STDERR]), b"".join(both), error)


def main() -> None:
    """Serve the engine whose address is the first argument."""
    # Failed dials are reported as errors of their operation; the library's tracebacks are noise.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
    address = engine_address(sys.argv[1:])
    serve(CommandProvider(Log(engine_stub(address) if address else None)))
