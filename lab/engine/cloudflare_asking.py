"""What the stand-in of the plug-in `cloudflare` asks the API, and how a call ends that failed."""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]

from lab.engine import cloudflare_config as config
from lab.engine.cloudflare_plan import PlanError
from lab.engine.cloudflare_properties import DNSSEC
from lab.engine.plugin import Log

FAILED = "failed to make http request"


class Asking:
    """The plug-in's side of the API."""

    def __init__(self, engine: Any = None) -> None:
        """`engine`: takes log messages; without one they go nowhere."""
        self._credentials = config.credentials({})
        self._log = Log(engine)

    @functools.cached_property
    def _api(self) -> Any:
        # The client takes a while to import, and most plug-ins ask for nothing.
        from lab.engine.cloudflare_client import Api

        return Api(*self._credentials)

    def _may(self, context: Any, look: Any, values: Any, words: str = "", **more: Any) -> None:
        try:
            look(values, **more)
        except PlanError as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{words}{error}")

    def _path(self, context: Any, kind: str, zone: str, number: str, urn: str) -> str:
        if not zone:
            self._fail(context, urn, FAILED, "missing required zone_id parameter")
        if kind == DNSSEC:
            return f"/zones/{zone}/dnssec"
        if not number:
            self._fail(context, urn, FAILED, "missing required dns_record_id parameter")
        return f"/zones/{zone}/dns_records/{number}"

    def _fail(self, context: Any, urn: str, what: str, said: str) -> NoReturn:
        """End the call; the original says it twice: in a message, and as the error of the call."""
        self._log.error(f"[ERROR] {said}: {what}", urn)
        context.abort(grpc.StatusCode.UNKNOWN, f"{what}: {said}")
        raise AssertionError("abort raises")

    def _call(
        self, context: Any, method: str, path: str, body: Any = None, urn: str = "", **more: Any
    ) -> Any:
        """The object of an answer; None for what is gone where `gone` allows that."""
        from lab.engine.cloudflare_client import ApiFailure, result

        gone = more.pop("gone", False)
        try:
            found = result(self._api.call(method, path, body))
            return found if isinstance(found, dict) else {}
        except ApiFailure as error:
            if gone and error.status == 404:
                return None
            self._fail(context, urn, FAILED, str(error))

    def _all(self, context: Any, path: str, calls: list[tuple[str, Any]], urn: str) -> None:
        """Send requests whose answers are only confirmed, each whatever became of the others."""
        from lab.engine.cloudflare_client import ApiFailure, confirmed

        failures = []
        for method, body in calls:
            try:
                answer = self._api.call(method, path, body)
                if method == "DELETE":
                    confirmed(answer)
            except ApiFailure as error:
                self._log.error(f"[ERROR] {error}: {FAILED}", urn)
                failures.append(str(error))
        if failures:
            context.abort(grpc.StatusCode.UNKNOWN, f"{FAILED}: {failures[0]}")
