"""The stand-in of ``pulumi-resource-cloudflare``: DNS records, DNSSEC and look-ups of zones.

Given the same calls it sends the requests and gives the answers that were recorded of the original.
"""

from __future__ import annotations

import functools
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.engine import cloudflare_config as config
from lab.engine import cloudflare_schema as schema
from lab.engine import cloudflare_zones
from lab.engine.cloudflare_properties import (
    DNSSEC,
    DNSSEC_OUTPUTS,
    RECORD,
    RECORD_COMPUTED,
    changed,
    computed_by,
)
from lab.engine.cloudflare_state import (
    body_of,
    dnssec_state,
    finished,
    known_inputs,
    merged,
    place,
    planned,
    planned_update,
    record_state,
)
from lab.engine.plugin import (
    Log,
    Secret,
    engine_address,
    engine_stub,
    from_struct,
    plain,
    serve,
    to_struct,
)

VERSION = "6.23.1"
GONE = (
    "[WARNING] The resource was not found on the server and will be removed from state.: "
    "Resource not found"
)


class CloudflareProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The plug-in's side of the provider protocol."""

    def __init__(self, engine: Any = None) -> None:
        """`engine`: takes log messages; without one they go nowhere."""
        self._credentials: tuple[str, str] | None = None
        self._log = Log(engine)

    @functools.cached_property
    def _api(self) -> Any:
        # Cloudflare's client takes half a second to import, and most plug-ins ask for nothing.
        from lab.engine.cloudflare_client import Api

        return Api(*self._credentials) if self._credentials else None

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
        arguments = plain(from_struct(request.args))
        try:
            found = config.credentials(arguments)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        if found is not None:
            self._credentials = found
            vars(self).pop("_api", None)
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, acceptResources=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        """Refuse what the schema of the original refuses (cloudflare_schema.py)."""
        kind = config.kind_of(request, context)
        inputs = from_struct(request.news)
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
        kind = config.kind_of(request, context)
        found = changed(kind, plain(from_struct(request.olds)), plain(from_struct(request.news)))
        if not found:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        computed = computed_by(found) if kind == RECORD else DNSSEC_OUTPUTS
        replaces = [key for key in found if key in ("type", "zoneId")]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            replaces=replaces,
            diffs=sorted({*found, *computed}),
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make the resource; a preview tells what is known of it."""
        kind = config.kind_of(request, context)
        inputs = plain(from_struct(request.properties))
        if request.preview:
            state = planned(kind, inputs)
            return provider_pb2.CreateResponse(properties=to_struct(state))
        method, path = place(kind, inputs["zoneId"])
        answer = self._call(context, method, path, body_of(kind, inputs), request.urn)
        state = merged(kind, inputs, answer)
        properties = to_struct(finished(kind, state))
        return provider_pb2.CreateResponse(id=state["id"], properties=properties)

    def Read(self, request: Any, context: Any) -> Any:
        """Tell the resource as it is now; nothing if it is gone."""
        kind = config.kind_of(request, context)
        olds = plain(from_struct(request.properties))
        inputs = plain(from_struct(request.inputs))
        zone, _, number = request.id.rpartition("/")
        zone = olds.get("zoneId") or zone or request.id
        path = f"/zones/{zone}/" + ("dnssec" if kind == DNSSEC else f"dns_records/{number}")
        # The original imports with one request and reads with another.
        for _ in range(1 if inputs or olds else 2):
            answer = self._call(context, "GET", path, urn=request.urn)
            if answer is None:
                self._log.warning(GONE, request.urn)
                return provider_pb2.ReadResponse(properties=to_struct({}), inputs=to_struct({}))
        state = (record_state if kind == RECORD else dnssec_state)(zone, answer)
        known = known_inputs(kind, state, inputs)
        return provider_pb2.ReadResponse(
            id=state["id"],
            properties=to_struct(finished(kind, state)),
            inputs=to_struct(known),
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Write the whole resource: the state's computed fields with the inputs."""
        kind = config.kind_of(request, context)
        olds, news = plain(from_struct(request.olds)), plain(from_struct(request.news))
        computed = RECORD_COMPUTED if kind == RECORD else ()
        kept = {key: olds[key] for key in computed if key in olds and key != "proxied"}
        wanted = {**kept, **news}
        if request.preview:
            state = planned_update(kind, olds, news, wanted)
            return provider_pb2.UpdateResponse(properties=to_struct(state))
        method, path = place(kind, olds["zoneId"])
        if kind == RECORD:
            method, path = "PUT", f"{path}/{request.id}"
        answer = self._call(context, method, path, body_of(kind, wanted), request.urn)
        state = merged(kind, news, answer)
        if wanted.get("data") is not None and wanted.get("content") is not None:
            # Sent, and so kept until the next refresh.
            state["content"] = wanted["content"]
        return provider_pb2.UpdateResponse(properties=to_struct(finished(kind, state)))

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the resource; DNSSEC is switched off first."""
        kind = config.kind_of(request, context)
        state = plain(from_struct(request.properties))
        method, path = place(kind, state["zoneId"])
        if kind == DNSSEC:
            self._call(context, method, path, {"status": "disabled"}, request.urn)
            self._call(context, "DELETE", path, urn=request.urn)
        else:
            self._call(context, "DELETE", f"{path}/{request.id}", urn=request.urn)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Look zones up."""
        arguments = plain(from_struct(request.args))
        ask = functools.partial(self._call, context)
        try:
            if request.tok == cloudflare_zones.GET_ZONE:
                result = cloudflare_zones.zone(ask, arguments)
            elif request.tok == cloudflare_zones.GET_ZONES:
                result = cloudflare_zones.zones(ask, arguments)
            else:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown function {request.tok}")
        except cloudflare_zones.LookUpError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return provider_pb2.InvokeResponse(**{"return": to_struct(result)})

    def _call(
        self, context: Any, method: str, path: str, body: Any = None, urn: str = "", **query: Any
    ) -> Any:
        if self._api is None:
            text = "credentials are not set properly: no API token is configured"
            context.abort(grpc.StatusCode.UNKNOWN, text)
        from lab.engine.cloudflare_client import ApiFailure

        try:
            return self._api.call(method, path, body, **query)
        except ApiFailure as error:
            # The original says it twice: in a message, and as the error of the call.
            what, _, said = str(error).partition(": ")
            self._log.error(f"[ERROR] {said}: {what}", urn)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))


def main() -> None:
    """Serve the engine that started this process."""
    address = engine_address()
    serve(CloudflareProvider(engine_stub(address) if address else None))


if __name__ == "__main__":
    main()
