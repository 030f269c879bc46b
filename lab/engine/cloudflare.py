"""The stand-in of ``pulumi-resource-cloudflare``: DNS records, DNSSEC and look-ups of zones.

Given the same calls it sends the requests and gives the answers that were recorded of the
original, which is a bridged Terraform provider; see tests/engine/traces/cloudflare.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.engine import cloudflare_schema as schema
from lab.engine.plugin import (
    UNKNOWN,
    Log,
    Secret,
    engine_address,
    engine_stub,
    from_struct,
    has_unknown,
    plain,
    serve,
    to_struct,
)

VERSION = "6.23.1"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
OLD_RECORD = "cloudflare:index/record:Record"
DNSSEC = "cloudflare:index/zoneDnssec:ZoneDnssec"
GET_ZONE = "cloudflare:index/getZone:getZone"
GET_ZONES = "cloudflare:index/getZones:getZones"
BASE_URL = "https://api.cloudflare.com/client/v4"
TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")
BAD_FORM = (
    "API tokens must be 40-80 characters long and only contain characters "
    "a-z, A-Z, 0-9, hyphens and underscores"
)
META = '{"schema_version":"500"}'
DELTA = "__pulumi_raw_state_delta"
DATA_FIELDS = [
    "algorithm",
    "altitude",
    "certificate",
    "digest",
    "digestType",
    "fingerprint",
    "flags",
    "keyTag",
    "latDegrees",
    "latDirection",
    "latMinutes",
    "latSeconds",
    "longDegrees",
    "longDirection",
    "longMinutes",
    "longSeconds",
    "matchingType",
    "order",
    "port",
    "precisionHorz",
    "precisionVert",
    "preference",
    "priority",
    "protocol",
    "publicKey",
    "regex",
    "replacement",
    "selector",
    "service",
    "size",
    "tag",
    "target",
    "type",
    "usage",
    "value",
    "weight",
]
SETTINGS = ("flattenCname", "ipv4Only", "ipv6Only")
NULLABLE = ("comment", "commentModifiedOn", "priority", "privateRouting", "tagsModifiedOn")
RECORD_INPUTS = [
    "comment",
    "content",
    "data",
    "name",
    "priority",
    "privateRouting",
    "proxied",
    "settings",
    "tags",
    "ttl",
    "type",
    "zoneId",
]
# What the provider fills in itself if the program says nothing.
RECORD_COMPUTED = ("content", "proxied", "settings", "tags")
DNSSEC_FLAGS = ("dnssecMultiSigner", "dnssecPresigned", "dnssecUseNsec3")
DNSSEC_INPUTS = (*DNSSEC_FLAGS, "status", "zoneId")
DNSSEC_OUTPUTS = [
    "algorithm",
    "digest",
    "digestAlgorithm",
    "digestType",
    "ds",
    "flags",
    "keyTag",
    "keyType",
    "modifiedOn",
    "publicKey",
]
REQUIRED = {RECORD: ("name", "ttl", "type", "zoneId"), DNSSEC: ("zoneId",)}
REPLACES = ("type", "zoneId")
GONE = (
    "[WARNING] The resource was not found on the server and will be removed from state.: "
    "Resource not found"
)


class ApiFailure(Exception):
    """An error of the API, in the original's words."""


def camel(name: str) -> str:
    """``matching_type`` as ``matchingType``."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    """``matchingType`` as ``matching_type``."""
    return re.sub(r"(?<!^)[A-Z]", lambda match: "_" + match[0].lower(), name)


def value_in(value: Any, key: str = "") -> Any:
    """A value of the API as a property: other names, no nulls, times without fractions."""
    if isinstance(value, Mapping):
        return {camel(k): value_in(v, k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [value_in(item) for item in value]
    if isinstance(value, str) and key.endswith("_on"):
        return re.sub(r"\.[0-9]+Z$", "Z", value)
    return value


def value_out(value: Any) -> Any:
    """A property as a value for the API; numbers that are whole are sent as such."""
    if isinstance(value, Mapping):
        return {snake(k): value_out(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [value_out(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def same(key: str, old: Any, new: Any, kind: Any = None) -> bool:
    """Whether a property is unchanged, as the original compares."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = {k for k in {**old, **new} if old.get(k) is not None or new.get(k) is not None}
        return all(same(name, old.get(name), new.get(name)) for name in names)
    if key == "flags" and old is not None and new is not None and not has_unknown(new):
        return str(value_out(old)) == str(value_out(new))
    if key == "content" and kind == "CNAME" and isinstance(old, str) and isinstance(new, str):
        return old.lower() == new.lower()
    if key == "name" and isinstance(old, str) and isinstance(new, str):
        # The zone's name is not known here: the API's name may be the program's with a suffix.
        return old == new or new == "@" or (new != "" and old.startswith(f"{new}."))
    return bool(old == new)


def changed(kind: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """The inputs that differ from the state."""
    found = []
    for key in RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS:
        new, old = news.get(key), olds.get(key)
        if new is None:
            if key in RECORD_COMPUTED:
                new = False if key == "proxied" else old
        elif key in ("settings", "tags") and has_unknown(new):
            new = old
        if not same(key, old, new, olds.get("type")):
            found.append(key)
    return found


def computed_by(found: list[str]) -> list[str]:
    """The outputs of a record that are unknown when these inputs change."""
    computed = [] if {*found} <= {"zoneId", "privateRouting"} else ["modifiedOn"]
    return computed + [f"{key}ModifiedOn" for key in ("comment", "tags") if key in found]


def _null() -> Secret:
    return Secret({"replace": {"raw": None}})


def _object_delta(values: Mapping[str, Any], names: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name in names:
        value = values.get(name)
        if name == "flags":
            raw = {"type": "dynamic", "value": None}
            if value is not None:
                raw = {"type": "string" if isinstance(value, str) else "number", "value": value}
            parts[name] = Secret({"replace": {"raw": raw}})
        elif value is None:
            parts[name] = _null()
    return {"obj": {"ps": parts} if parts else {}}


def delta(kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """How the bridge's own state differs in form from the properties."""
    if kind == DNSSEC:
        names = (*DNSSEC_FLAGS, *DNSSEC_OUTPUTS)
        return {"obj": {"ps": {name: _null() for name in names if state.get(name) is None}}}
    parts: dict[str, Any] = {name: _null() for name in NULLABLE if state.get(name) is None}
    data = state.get("data")
    parts["data"] = _null() if data is None else _object_delta(data, DATA_FIELDS)
    parts["settings"] = _object_delta(state.get("settings") or {}, SETTINGS)
    parts["tags"] = {"arr": {}}
    return {"obj": {"ps": parts}}


def finished(kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """The state with what the bridge adds to it."""
    return {"__meta": META, DELTA: delta(kind, state), **state}


def record_state(zone: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a record that the API tells of."""
    state: dict[str, Any] = value_in(answer)
    state["meta"] = json.dumps(answer.get("meta") or {}, separators=(",", ":"))
    settings = state.get("settings") or {}
    if state.get("type") == "CNAME":
        settings = {**dict.fromkeys(SETTINGS, False), **settings}
    state["settings"] = settings
    state.setdefault("tags", [])
    known = {*RECORD_INPUTS, *NULLABLE, "createdOn", "id", "meta", "modifiedOn", "proxiable"}
    return {**{key: item for key, item in state.items() if key in known}, "zoneId": zone}


def dnssec_state(zone: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a zone's DNSSEC that the API tells of."""
    return {**value_in(answer), "id": zone, "zoneId": zone}


def body_of(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request that makes or changes a resource."""
    names = RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS
    chosen = {key: values[key] for key in names if values.get(key) is not None and key != "zoneId"}
    if kind == RECORD:
        chosen.setdefault("proxied", False)
    body: dict[str, Any] = value_out(chosen)
    return body


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
        """Nothing here lasts long enough to be cancelled."""
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the token's form and mark it secret."""
        inputs = from_struct(request.news)
        failures = []
        token = plain(inputs.get("apiToken"))
        if token is not None:
            inputs["apiToken"] = Secret(token)
            if isinstance(token, str) and not TOKEN.fullmatch(token):
                failures.append(provider_pb2.CheckFailure(property="apiToken", reason=BAD_FORM))
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """No change of the configuration replaces the provider."""
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        """Take the token and the address, from the arguments or the environment."""
        arguments = plain(from_struct(request.args))
        token = arguments.get("apiToken") or os.environ.get("CLOUDFLARE_API_TOKEN") or ""
        base_url = arguments.get("baseUrl") or os.environ.get("CLOUDFLARE_BASE_URL") or BASE_URL
        if isinstance(token, str) and isinstance(base_url, str) and token:
            if not TOKEN.fullmatch(token):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, BAD_FORM)
            self._credentials = token, base_url
            vars(self).pop("_api", None)
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, acceptResources=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        """Refuse what the schema of the original refuses (cloudflare_schema.py)."""
        kind = self._kind(request, context)
        inputs = from_struct(request.news)
        rules = schema.RECORD_RULES if kind == RECORD else schema.DNSSEC_RULES
        name = request.name or request.urn.rpartition("::")[2]
        try:
            reasons = schema.failures(name, inputs, rules, REQUIRED[kind])
        except schema.SchemaError as error:
            text = f"cannot encode resource inputs to call ValidateResourceConfig: {error}"
            context.abort(grpc.StatusCode.UNKNOWN, text)
        return provider_pb2.CheckResponse(
            inputs=to_struct(plain(inputs)),
            failures=[provider_pb2.CheckFailure(reason=text) for text in reasons],
        )

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the state with the inputs; another type or zone replaces."""
        kind = self._kind(request, context)
        found = changed(kind, plain(from_struct(request.olds)), plain(from_struct(request.news)))
        if not found:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        computed = computed_by(found) if kind == RECORD else DNSSEC_OUTPUTS
        replaces = [key for key in found if key in REPLACES]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            replaces=replaces,
            diffs=sorted({*found, *computed}),
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make the resource; a preview tells what is known of it."""
        kind = self._kind(request, context)
        inputs = plain(from_struct(request.properties))
        if request.preview:
            state = self._planned(kind, inputs)
            return provider_pb2.CreateResponse(properties=to_struct(state))
        method, path = self._place(kind, inputs["zoneId"])
        answer = self._call(context, method, path, body_of(kind, inputs), request.urn)
        state = self._merged(kind, inputs, answer)
        properties = to_struct(finished(kind, state))
        return provider_pb2.CreateResponse(id=state["id"], properties=properties)

    def Read(self, request: Any, context: Any) -> Any:
        """Tell the resource as it is now; nothing if it is gone."""
        kind = self._kind(request, context)
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
        make = record_state if kind == RECORD else dnssec_state
        state = make(zone, answer)
        if inputs:
            names = [name for name in inputs if name in state]
        else:
            names = [name for name in self._inputs(kind) if state.get(name) not in (None, [])]
            names = [name for name in names if name != "settings" and state[name] is not False]
        known = {name: state[name] for name in names}
        return provider_pb2.ReadResponse(
            id=state["id"],
            properties=to_struct(finished(kind, state)),
            inputs=to_struct(known),
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Write the whole resource: the state's computed fields with the inputs."""
        kind = self._kind(request, context)
        olds, news = plain(from_struct(request.olds)), plain(from_struct(request.news))
        computed = RECORD_COMPUTED if kind == RECORD else ()
        kept = {key: olds[key] for key in computed if key in olds and key != "proxied"}
        wanted = {**kept, **news}
        if request.preview:
            fixed = {
                key: value
                for key, value in olds.items()
                if not key.startswith("__") and key not in self._inputs(kind)
            }
            found = changed(kind, olds, news)
            unknown = computed_by(found) if kind == RECORD else DNSSEC_OUTPUTS
            if not found:
                unknown = []
            state = {**fixed, **wanted, **dict.fromkeys(unknown, UNKNOWN)}
            if isinstance(news.get("settings"), Mapping) and "settings" in found:
                state["settings"] = {**dict.fromkeys(SETTINGS, UNKNOWN), **news["settings"]}
            if kind == RECORD:
                state.setdefault("proxied", False)
            return provider_pb2.UpdateResponse(properties=to_struct(state))
        method, path = self._place(kind, olds["zoneId"])
        if kind == RECORD:
            method, path = "PUT", f"{path}/{request.id}"
        answer = self._call(context, method, path, body_of(kind, wanted), request.urn)
        state = self._merged(kind, news, answer)
        if wanted.get("data") is not None and wanted.get("content") is not None:
            # Sent, and so kept until the next refresh.
            state["content"] = wanted["content"]
        return provider_pb2.UpdateResponse(properties=to_struct(finished(kind, state)))

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the resource; DNSSEC is switched off first."""
        kind = self._kind(request, context)
        state = plain(from_struct(request.properties))
        method, path = self._place(kind, state["zoneId"])
        if kind == DNSSEC:
            self._call(context, method, path, {"status": "disabled"}, request.urn)
            self._call(context, "DELETE", path, urn=request.urn)
        else:
            self._call(context, "DELETE", f"{path}/{request.id}", urn=request.urn)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Look zones up."""
        arguments = plain(from_struct(request.args))
        if request.tok == GET_ZONE:
            result = self._zone(context, arguments)
        elif request.tok == GET_ZONES:
            query = {snake(k): v for k, v in arguments.items() if k in ("name", "status")}
            found = self._call(context, "GET", "/zones", **query) or []
            result = {**arguments, "results": [value_in(zone) for zone in found]}
        else:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown function {request.tok}")
        return provider_pb2.InvokeResponse(**{"return": to_struct(result)})

    def _zone(self, context: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
        number = arguments.get("zoneId")
        if number is None:
            chosen = arguments.get("filter") or {}
            query = {snake(k): v for k, v in chosen.items() if isinstance(v, str)}
            found = self._call(context, "GET", "/zones", **query) or []
            if len(found) != 1:
                text = f"failed to find exactly one result: found {len(found)} results"
                context.abort(grpc.StatusCode.UNKNOWN, text)
            number = found[0]["id"]
        zone = self._call(context, "GET", f"/zones/{number}")
        if zone is None:
            context.abort(grpc.StatusCode.UNKNOWN, f"zone {number} not found")
        return {**arguments, **value_in(zone), "zoneId": number}

    def _call(
        self, context: Any, method: str, path: str, body: Any = None, urn: str = "", **query: Any
    ) -> Any:
        if self._api is None:
            text = "credentials are not set properly: no API token is configured"
            context.abort(grpc.StatusCode.UNKNOWN, text)
        try:
            return self._api.call(method, path, body, **query)
        except ApiFailure as error:
            # The original says it twice: in a message, and as the error of the call.
            what, _, said = str(error).partition(": ")
            self._log.error(f"[ERROR] {said}: {what}", urn)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    @staticmethod
    def _place(kind: str, zone: str) -> tuple[str, str]:
        if kind == RECORD:
            return "POST", f"/zones/{zone}/dns_records"
        return "PATCH", f"/zones/{zone}/dnssec"

    @staticmethod
    def _inputs(kind: str) -> Any:
        return RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS

    @staticmethod
    def _planned(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if kind == DNSSEC:
            return {**dict.fromkeys(("id", "status", *DNSSEC_OUTPUTS), UNKNOWN), **inputs}
        unknown = [
            "content",
            "createdOn",
            "id",
            "meta",
            "modifiedOn",
            "proxiable",
            "settings",
            "tags",
        ]
        unknown += ["tagsModifiedOn"]
        if inputs.get("comment") is not None:
            unknown.append("commentModifiedOn")
        return {**dict.fromkeys(unknown, UNKNOWN), "proxied": False, **inputs}

    @staticmethod
    def _merged(kind: str, inputs: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
        """What the program said stays as it said it, the rest is the API's."""
        make = record_state if kind == RECORD else dnssec_state
        state = make(inputs["zoneId"], answer)
        said = {key: value for key, value in inputs.items() if value is not None}
        if kind == RECORD and "settings" in said:
            said["settings"] = {**state["settings"], **said["settings"]}
        return {**state, **said}

    @staticmethod
    def _kind(request: Any, context: Any) -> str:
        kind: str = request.type or request.urn.split("::")[2].rpartition("$")[2]
        if kind == OLD_RECORD:
            return RECORD
        if kind not in REQUIRED:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown resource type {kind}")
        return kind


def main() -> None:
    """Serve the engine that started this process."""
    address = engine_address()
    serve(CloudflareProvider(engine_stub(address) if address else None))


if __name__ == "__main__":
    main()
