"""Stands before the lab's ACME server and refuses as public ones do: MODE LISTEN SERVER.

`caa`: each challenge ends with the error that RFC 8659 is about, which Pebble never looks at.
`rateLimited`: no order is taken (RFC 8555 section 6.6). `silent`: takes connections and says
nothing. Everything else goes to SERVER and back as it is.
"""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import ssl
import sys
import time
from typing import Any

CERTIFICATE = ("/etc/pebble/server.pem", "/etc/pebble/server.key")
LIMITED = {
    "type": "urn:ietf:params:acme:error:rateLimited",
    "detail": "too many certificates already issued for this exact set of names",
    "status": 429,
}
CAA = {
    "type": "urn:ietf:params:acme:error:caa",
    "detail": "CAA record for mx1.example.test prevents issuance",
    "status": 403,
}


class Relay(http.server.BaseHTTPRequestHandler):
    """One request of a client."""

    protocol_version = "HTTP/1.1"
    mode, behind = "", ("", 0)

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = http.client.HTTPSConnection(*self.behind, timeout=60, context=context)
        # The Host header stays: the server signs and checks URLs with it.
        link.request(self.command, self.path, body, dict(self.headers.items()))
        answer = link.getresponse()
        status, content, headers = answer.status, answer.read(), answer.getheaders()
        link.close()
        if self.mode == "rateLimited" and self.path == "/order-plz":
            status, content = 429, json.dumps(LIMITED).encode()
        elif self.mode == "caa" and self.path.startswith("/chalZ/"):
            challenge: dict[str, Any] = json.loads(content)
            content = json.dumps(challenge | {"status": "invalid", "error": CAA}).encode()
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = _relay


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(mode: str, listen: str, server: str) -> None:
    """Serve until killed."""
    if mode == "silent":
        with socket.create_server(_address(listen)):
            while True:
                time.sleep(3600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*CERTIFICATE)
    Relay.mode, Relay.behind = mode, _address(server)
    relay = http.server.ThreadingHTTPServer(_address(listen), Relay)
    relay.socket = context.wrap_socket(relay.socket, server_side=True)
    relay.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
