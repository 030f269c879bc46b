"""Servers of a test that run on a thread, and end with it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.cloudflare_api.app import start
from lab.cloudflare_api.state import Api


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """The server answers until the block ends; then its socket is closed."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """The double of the DNS API on a free port of the loopback address; its base URL."""
    server = start(api, "127.0.0.1", 0)
    with running(server):
        yield f"http://127.0.0.1:{server.port}/client/v4"
