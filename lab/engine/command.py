"""Stand-in for ``pulumi-resource-command`` 1.2.1, for labs that cannot download the original.

It answers the engine as the original does; the recorded answers are in
``tests/engine/traces/command``. Served types: ``command:remote:Command``,
``command:local:Command``, ``command:remote:CopyToRemote`` (see copy.py) and the function
``command:local:run``.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Iterable, Mapping
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
from lab.engine.command_diff import compare
from lab.engine.command_run import Runner, known, without_nulls
from lab.engine.plugin import (
    UNKNOWN,
    Log,
    engine_address,
    engine_stub,
    from_struct,
    plain,
    serve,
    to_struct,
)

VERSION = "1.2.1"
FRAMEWORK_VERSION = "1.2.0"
REMOTE, LOCAL, RUN = "command:remote:Command", "command:local:Command", "command:local:run"
COPY = "command:remote:CopyToRemote"
OUTPUTS = ("stdout", "stderr")


def new_id(name: str) -> str:
    """The resource's name and eight random hexadecimal digits."""
    return name + secrets.token_hex(4)


def ignoring(keys: Iterable[str], olds: Mapping[str, Any], news: Mapping[str, Any]) -> Any:
    """The new inputs without nulls, and with the old values of what is ignored."""
    found = {key: value for key, value in news.items() if value is not None and key not in keys}
    return {**found, **{key: olds[key] for key in keys if key in olds}}


class CommandProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The plug-in's side of the provider protocol."""

    def __init__(self, logger: Log) -> None:
        self._runner = Runner(logger)

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
                inputs["connection"] = schema.check_connection(inputs["connection"])
            else:
                failure_ = provider_pb2.CheckFailure(property=refused[0], reason=refused[1])
                failures.append(failure_)
        else:
            name, fields = "local.CommandInputs", schema.LOCAL_FIELDS
            if kind == REMOTE:
                name, fields = "remote.CommandInputs", schema.REMOTE_FIELDS
            inputs = schema.inputs(inputs, fields)
            reasons = schema.failures(name, inputs, fields)
            if kind == REMOTE and "connection" not in inputs:
                reasons["connection"] = (
                    "Missing required field 'connection' on 'remote.CommandInputs'"
                )
            elif kind == REMOTE:
                inputs["connection"] = schema.check_connection(
                    inputs["connection"], {} if reasons else schema.DEFAULTS
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
        news = ignoring(request.ignoreChanges, old, from_struct(request.news))
        compare(old, news, "", found)
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
                self._runner.copy(request.urn, inputs, context)
            return provider_pb2.CreateResponse(id=new_id(""), properties=request.properties)
        inputs = without_nulls(inputs)
        if request.preview:
            state = {**schema.shown(inputs), "stdout": UNKNOWN, "stderr": UNKNOWN}
        else:
            state = {**known(inputs), "stdout": "", "stderr": ""}
            command = inputs.get("create")
            self._runner.operate(kind == REMOTE, request.urn, inputs, command, state, context)
        return provider_pb2.CreateResponse(
            id=new_id(request.name or request.urn.rsplit("::", 1)[-1]), properties=to_struct(state)
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Run ``update``, or else ``create`` again."""
        kind = self._kind(request, context)
        olds, inputs = from_struct(request.olds), from_struct(request.news)
        if kind == COPY:
            if not request.preview and copy.needed(olds, inputs):
                self._runner.copy(request.urn, inputs, context)
            return provider_pb2.UpdateResponse(properties=request.news)
        inputs = ignoring(request.ignoreChanges, olds, inputs)
        outputs = {key: plain(olds.get(key, "")) for key in OUTPUTS}
        state = {**known(inputs), **outputs}
        if request.preview:
            # What is only added leaves them known.
            before = {key: value for key, value in olds.items() if key not in OUTPUTS}
            changed = any(inputs.get(key) != value for key, value in before.items())
            state = {**schema.shown(inputs), **outputs}
            if changed:
                state |= dict.fromkeys(OUTPUTS, UNKNOWN)
        else:
            command = inputs.get("update")
            if command is None:
                command = inputs.get("create")
            self._runner.operate(kind == REMOTE, request.urn, inputs, command, state, context)
        return provider_pb2.UpdateResponse(properties=to_struct(state))

    def Delete(self, request: Any, context: Any) -> Any:
        """Run ``delete`` with the text and the connection of the state."""
        kind = self._kind(request, context)
        if kind == COPY:
            return empty_pb2.Empty()  # what was copied stays
        state = from_struct(request.properties)
        self._runner.operate(
            kind == REMOTE, request.urn, state, state.get("delete"), dict(state), context
        )
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
        reasons = schema.failures("local.RunInputs", inputs, schema.RUN_FIELDS)
        if inputs.get("command") is None:
            reasons["command"] = "Missing required field 'command' on 'local.RunInputs'"
        if reasons:
            refused = [
                provider_pb2.CheckFailure(property=key, reason=text)
                for key, text in reasons.items()
            ]
            return provider_pb2.InvokeResponse(**{"return": to_struct({})}, failures=refused)
        state = {**inputs, "stdout": "", "stderr": ""}
        self._runner.operate(False, "", inputs, inputs.get("command"), state, context)
        return provider_pb2.InvokeResponse(**{"return": to_struct(state)})

    def Cancel(self, request: Any, context: Any) -> Any:
        """Kill local commands and stop dialing; a remote command runs on, as in the original."""
        self._runner.cancel()
        return empty_pb2.Empty()

    def _kind(self, request: Any, context: Any) -> str:
        kind = request.type or request.urn.split("::")[-2].split("$")[-1]
        if kind not in (REMOTE, LOCAL, COPY):
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not serve the type {kind}"
            )
        return str(kind)


def main() -> None:
    """Serve the engine whose address is the first argument."""
    # Failed dials are reported as errors of their operation; the library's tracebacks are noise.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
    address = engine_address(sys.argv[1:])
    serve(CommandProvider(Log(engine_stub(address) if address else None)))
