"""An API that answers each call's requests with the recorded answers, in their order."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Double:
    """The server; `expect` tells it the exchanges of the next call, `seen` what was asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self._left: list[dict[str, Any]] = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length) if length else b""
                exchange = double.take(self.command, self.path, text)
                if exchange.get("close"):
                    self.close_connection = True
                    return
                if "raw" in exchange:
                    body = exchange["raw"].encode()
                else:
                    body = json.dumps(exchange.get("response"), separators=(",", ":")).encode()
                self.send_response(exchange["status"])
                headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
                for name, value in {**headers, **exchange.get("response_headers", {})}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                short = exchange.get("short", 0)
                self.wfile.write(body[: len(body) - short] if short else body)
                if short:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def expect(self, exchanges: list[dict[str, Any]]) -> None:
        """The exchanges of the next call; the last one answers again and again."""
        self._left, self.seen = list(exchanges), []

    def take(self, method: str, path: str, text: bytes) -> dict[str, Any]:
        """The answer to a request."""
        self.seen.append(
            {"method": method, "path": path, "body": json.loads(text) if text else None}
        )
        if not self._left:
            missing = {"success": False, "errors": [{"code": 0, "message": "not recorded"}]}
            return {"status": 404, "response": missing}
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
