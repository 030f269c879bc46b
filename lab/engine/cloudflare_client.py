"""Requests of the stand-in to the API of Cloudflare, through Cloudflare's own client."""

from __future__ import annotations

from typing import Any

import cloudflare
import httpx


class ApiFailure(Exception):
    """An error of the API, in the original's words."""


class Api:
    """Requests through Cloudflare's own client."""

    def __init__(self, token: str, base_url: str) -> None:
        self._client = cloudflare.Cloudflare(api_token=token, base_url=base_url.rstrip("/"))

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The result of a request; ``None`` for what does not exist. Raises ApiFailure."""
        # In the order of Go's client.
        options: Any = {"params": dict(sorted(query.items()))} if query else {}
        calls: dict[str, Any] = {
            "GET": self._client.get,
            "POST": self._client.post,
            "PUT": self._client.put,
            "PATCH": self._client.patch,
            "DELETE": self._client.delete,
        }
        more = {} if body is None else {"body": body}
        try:
            answer = calls[method](path, cast_to=httpx.Response, options=options, **more)
        except cloudflare.NotFoundError as error:
            if method == "GET":
                return None
            raise ApiFailure(failure(error)) from error
        except cloudflare.APIError as error:
            raise ApiFailure(failure(error)) from error
        return answer.json().get("result")


def failure(error: cloudflare.APIError) -> str:
    """An error of the client in the original's words."""
    method, url = error.request.method, error.request.url
    if isinstance(error, cloudflare.APIStatusError):
        response = error.response
        said = f"{response.status_code} {response.reason_phrase} {response.text}"
    else:
        said = str(error.__cause__ or error)
    return f'failed to make http request: {method} "{url}": {said}'
