"""The stand-in of ``pulumi-resource-cloudflare``: DNS records, DNSSEC and look-ups of zones.

Given the same calls it sends the requests and gives the answers that were recorded of the original.
"""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.engine import cloudflare_config as config
from lab.engine import cloudflare_schema as schema
from lab.engine import cloudflare_zones
from lab.engine.cloudflare_asking import FAILED, Asking
from lab.engine.cloudflare_plan import Plan, PlanError, comparable, creatable, plan, serializable
from lab.engine.cloudflare_properties import DNSSEC, RECORD
from lab.engine.cloudflare_state import (
    as_before,
    body_of,
    defaults,
    dnssec_state,
    finished,
    id_of,
    known_inputs,
    merged,
    meta_of,
    named,
    number_of,
    place,
    planned,
    record_state,
    settled,
)
from lab.engine.plugin import (
    Secret,
    engine_address,
    engine_stub,
    from_struct,
    plain,
    serve,
    to_struct,
)

VERSION = "6.23.1"
PROXIED = (
    "ttl must be set to 1 when `proxied` is true",
    "When a DNS record is marked as `proxied` the TTL must be 1 as Cloudflare will control the TTL "
    "internally.",
)
GONE = (
    "[WARNING] The resource was not found on the server and will be removed from state.: "
    "Resource not found"
)


class CloudflareProvider(Asking, provider_pb2_grpc.ResourceProviderServicer):
    """The plug-in's side of the provider protocol."""

    # The names of the methods are the protocol's.

    def Handshake(self, request: Any, context: Any) -> Any:
        """Refuse, as the original does."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handshake is not yet implemented")

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: Any, context: Any) -> Any:
        """End nothing: no call lasts long."""
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the token's form and mark it secret."""
        inputs = from_struct(request.news)
        token = plain(inputs.get("apiToken"))
        failures = []
        if token is not None:
            inputs["apiToken"] = Secret(token)
            if isinstance(token, str) and not config.TOKEN.fullmatch(token):
                bad = provider_pb2.CheckFailure(property="apiToken", reason=config.BAD_FORM)
                failures.append(bad)
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """No change of the configuration replaces the provider."""
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        """Take the token and the address, from the arguments or the environment."""
        self._credentials = config.credentials(plain(from_struct(request.args)))
        vars(self).pop("_api", None)
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, acceptResources=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        """Refuse what the schema of the original refuses (cloudflare_schema.py)."""
        kind = config.kind_of(request, context)
        inputs = {key: settled(value) for key, value in from_struct(request.news).items()}
        rules = schema.RECORD_RULES if kind == RECORD else schema.DNSSEC_RULES
        name = request.name or request.urn.rpartition("::")[2]
        try:
            reasons = schema.failures(name, inputs, rules, config.REQUIRED[kind])
        except schema.SchemaError as error:
            text = f"cannot encode resource inputs to call ValidateResourceConfig: {error}"
            context.abort(grpc.StatusCode.UNKNOWN, text)
        return provider_pb2.CheckResponse(
            inputs=to_struct(plain(inputs)),
            failures=[provider_pb2.CheckFailure(reason=text) for text in reasons],
        )

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the state with the inputs; another type or zone replaces."""
        found = self._plan(config.kind_of(request, context), request, context)
        self._may(context, comparable, found.olds, words="", news=found.values)
        if not found.changed:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            replaces=[key for key in found.changed if key in ("type", "zoneId")],
            diffs=found.diffs,
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make the resource; a preview tells what is known of it."""
        kind = config.kind_of(request, context)
        inputs = plain(from_struct(request.properties))
        self._may(context, creatable, inputs)
        if request.preview:
            state = planned(kind, inputs)
            return provider_pb2.CreateResponse(properties=to_struct(state))
        if inputs.get("proxied") and inputs.get("ttl") != 1:
            self._fail(context, request.urn, *PROXIED)
        method, path = place(kind, inputs["zoneId"])
        answer = self._call(context, method, path, body_of(kind, inputs), request.urn)
        state = merged(kind, {**defaults(kind), **inputs}, answer)
        properties = to_struct(named(finished(kind, state)))
        return provider_pb2.CreateResponse(id=id_of(state), properties=properties)

    def Read(self, request: Any, context: Any) -> Any:
        """Tell the resource as it is now; nothing if it is gone."""
        kind = config.kind_of(request, context)
        olds = plain(from_struct(request.properties))
        inputs = plain(from_struct(request.inputs))
        zone, number = olds.get("zoneId") or "", number_of(olds)
        self._may(context, serializable, olds, "failed to get current raw state: ")
        if not olds:
            try:
                zone, number = config.imported(kind, request.id)
            except ValueError as error:
                self._fail(context, request.urn, "invalid ID", str(error))
            path = self._path(context, kind, zone, number, request.urn)
            answer = self._call(context, "GET", path, urn=request.urn)
            # The original imports with one request and reads what it got with another.
            number = answer.get("id") or ""
        path = self._path(context, kind, zone, number, request.urn)
        answer = self._call(context, "GET", path, urn=request.urn, gone=True)
        if answer is None:
            self._log.warning(GONE, request.urn)
            return provider_pb2.ReadResponse(properties=to_struct({}), inputs=to_struct({}))
        state = (record_state if kind == RECORD else dnssec_state)(zone, answer)
        if kind == DNSSEC and state.get("status") is None:
            state |= {"status": olds["status"]} if olds.get("status") else {}
        if kind == RECORD:
            state = as_before(olds, state)
        known = known_inputs(kind, state, inputs if olds else None)
        return provider_pb2.ReadResponse(
            id=id_of(state),
            properties=to_struct(named(finished(kind, state, meta_of(olds, state)))),
            inputs=to_struct(known),
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Write the whole resource: the state's computed fields with the inputs."""
        kind = config.kind_of(request, context)
        made = self._plan(kind, request, context)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_struct(made.state()))
        method, path = place(kind, made.values["zoneId"])
        if kind == RECORD:
            number = number_of(made.olds)
            method = "PUT"
            path = self._path(context, kind, made.values["zoneId"], number, request.urn)
        answer = self._call(context, method, path, made.body(), request.urn)
        state = merged(kind, made.values, answer)
        return provider_pb2.UpdateResponse(
            properties=to_struct(finished(kind, state, made.olds.get("__meta")))
        )

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the resource; DNSSEC is switched off first."""
        kind = config.kind_of(request, context)
        state = plain(from_struct(request.properties))
        path = self._path(context, kind, state.get("zoneId") or "", number_of(state), request.urn)
        if kind == DNSSEC:
            off = {"status": "disabled"}
            calls: list[tuple[str, Any]] = [("PATCH", off), ("DELETE", None)]
        else:
            calls = [("DELETE", None)]
        self._all(context, path, calls, request.urn)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Look zones up."""
        arguments = plain(from_struct(request.args))

        def ask(method: str, path: str, **query: Any) -> Any:
            from lab.engine.cloudflare_client import ApiFailure, result

            try:
                return result(self._api.call(method, path, **query))
            except ApiFailure as error:
                self._fail(context, "", FAILED, str(error))

        try:
            if request.tok == cloudflare_zones.GET_ZONE:
                result = cloudflare_zones.zone(ask, arguments)
            elif request.tok == cloudflare_zones.GET_ZONES:
                result = cloudflare_zones.zones(ask, arguments)
            else:
                text = f"[pf/tfbridge] unknown datasource token: {request.tok}"
                context.abort(grpc.StatusCode.UNKNOWN, text)
        except cloudflare_zones.LookUpError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return provider_pb2.InvokeResponse(**{"return": to_struct(result)})

    def _plan(self, kind: str, request: Any, context: Any) -> Plan:
        olds, news = plain(from_struct(request.olds)), plain(from_struct(request.news))
        try:
            return plan(kind, olds, news, request.ignoreChanges)
        except PlanError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise


def main() -> None:
    """Serve the engine that started this process."""
    address = engine_address()
    serve(CloudflareProvider(engine_stub(address) if address else None))


if __name__ == "__main__":
    main()
