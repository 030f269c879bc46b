"""Requests of the stand-in to the API of Cloudflare, repeated and refused as the original's are."""

from __future__ import annotations

import http
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

# The original repeats ten times as well, with waits that grow to 30 s: three minutes a request.
# The lab's API is near, so the stand-in waits for two seconds in all.
PAUSES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25)
_PASSING = (408, 409, 429)
_TIMEOUT_SECONDS = 60


class ApiFailure(Exception):
    """An error of the API, in the original's words; `status` is 0 when there was no answer."""

    def __init__(self, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.status = status


class Api:
    """Requests with a program's credentials."""

    def __init__(self, headers: Mapping[str, str], base_url: str) -> None:
        # The original resolves the path beside the address: a query of the address is lost.
        base = base_url.partition("?")[0]
        self._base = base if base.endswith("/") else f"{base}/"
        self._wrong = None if urlsplit(base).scheme in ("http", "https") else base_url
        self._client = httpx.Client(headers=dict(headers), timeout=_TIMEOUT_SECONDS)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """The answer to a request, which has no status of an error. Raises ApiFailure."""
        if self._wrong is not None:
            raise ApiFailure(
                f'requestoption: WithBaseURL failed to parse url parse "{self._wrong}": '
                "first path segment in URL cannot contain colon"
            )
        url = self._base + quote(path.removeprefix("/"), safe="/")
        for pause in (*PAUSES, None):
            try:
                answer = self._send(method, url, body, query)
            except httpx.TransportError as error:
                if pause is None:
                    raise ApiFailure(f'{method.title()} "{url}": {_words(error)}') from error
            else:
                passing = answer.status_code in _PASSING or answer.status_code >= 500
                if not passing or pause is None:
                    break
            time.sleep(pause)
        if answer.status_code < 400:
            return answer
        phrase = http.HTTPStatus(answer.status_code).phrase
        # The original's client does not read what is no JSON.
        text = answer.text if "json" in answer.headers.get("Content-Type", "") else ""
        words = f'{method} "{answer.url}": {answer.status_code} {phrase} {text}'
        raise ApiFailure(words, answer.status_code)

    def _send(self, method: str, url: str, body: Any, query: Mapping[str, Any]) -> httpx.Response:
        more: dict[str, Any] = {} if body is None else {"json": body}
        if query:
            # In the order of Go's client.
            more["params"] = dict(sorted(query.items()))
        answer = self._client.request(method, url, **more)
        if answer.next_request is None:
            return answer
        # Go asks again with GET, whatever the method was.
        return self._client.get(answer.next_request.url)


def _words(error: httpx.TransportError) -> str:
    """What Go says to a connection that was closed without an answer; other words as they are."""
    return "EOF" if isinstance(error, httpx.RemoteProtocolError) else str(error)


def result(answer: httpx.Response) -> Any:
    """The `result` of an answer; None of one that has none, which the original does not mind."""
    try:
        found = answer.json()
    except ValueError:
        return None
    return found.get("result") if isinstance(found, dict) else None


def confirmed(answer: httpx.Response) -> None:
    """Refuse an answer that is no JSON. Raises ApiFailure."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if kind != "application/json":
        raise ApiFailure(
            "expected destination type of 'string' or '[]byte' for responses with content-type "
            f"'{kind}' that is not 'application/json'"
        )
    try:
        json.loads(answer.text)
    except ValueError as error:
        end = "unexpected EOF" if answer.text else "EOF"
        raise ApiFailure(f"error parsing response json: {end}") from error
