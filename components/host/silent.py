"""A host that takes connections and then says nothing: found before the command plug-in dials.

The plug-in's limits hold for TCP alone, so it waits for such a host without end: for a machine
whose memory or disk is exhausted, for a tarpit, for a firewall that drops what follows. A host that
is not reached at all is left to the plug-in, which says so after its dials (target.py).
"""

from __future__ import annotations

import re
import socket
import threading
import time

import pulumi

_PATIENCE_SECONDS = 10.0
# A host that gave its whole answer so short a time ago is not looked at again.
_FRESH_SECONDS = 30.0
# RFC 4253 4.2 and 7.1: each side sends its greeting, in front of which a server may have other
# lines, and then, unasked, its list of algorithms.
_OURS = b"SSH-2.0-mx\r\n"
_GREETING = re.compile(rb"^SSH-[^\n]*\n", re.MULTILINE)
_MOST_BYTES = 65536


class Silent(Exception):
    """A sentence on a host that says nothing."""


def look(key: str, address: str, port: int, patience: float = _PATIENCE_SECONDS) -> None:
    """Raise Silent when the host's SSH server takes a connection and does not begin to talk.

    `patience`: seconds for the connection, and for all that the server has to say after it.
    """
    missing, seen = "no greeting", b""
    try:
        with socket.create_connection((address, port), timeout=patience) as connection:
            end = time.monotonic() + patience
            try:
                while (data := connection.recv(4096)) and len(seen) < _MOST_BYTES:
                    seen += data
                    greeting = _GREETING.search(seen)
                    if greeting and greeting.end() < len(seen):
                        return
                    if greeting and missing == "no greeting":
                        missing = "no key exchange"
                        connection.sendall(_OURS)
                    # One byte now and then is no talk, either.
                    connection.settimeout(max(end - time.monotonic(), 0.001))
            except TimeoutError:
                raise Silent(
                    f"{key} ({address} port {port}) takes connections and then says nothing: "
                    f"{missing} within {patience:g} s; nothing was done there. Check its memory "
                    "and disk at its console, and any firewall in between; then run this "
                    "again"
                ) from None
    except OSError:
        return


class Look:
    """One look at a host a run, before the first operation there."""

    def __init__(
        self, key: str, address: str, port: int, refused: str = "", answered: bool = False
    ) -> None:
        """`refused`: why nothing may be done there, as a sentence; empty when it may.

        `answered`: the host has just answered, when it was asked for its drift.
        """
        self._host = (key, address, port)
        self._lock = threading.Lock()
        self._fresh_until = time.monotonic() + _FRESH_SECONDS if answered else 0.0
        self._done = bool(refused)
        self._word: str | None = refused or None
        self.hook = pulumi.ResourceHook(f"{key}-answers", self._before)

    def _before(self, _: pulumi.ResourceHookArgs) -> None:
        with self._lock:
            if not self._done and time.monotonic() > self._fresh_until:
                try:
                    look(*self._host)
                except Silent as error:
                    self._word = str(error)
                self._done = True
        if self._word is not None:
            raise Silent(self._word)

    def options(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """The options of a command on the host, with the look before it runs."""
        hooks = pulumi.ResourceHookBinding(before_create=[self.hook], before_update=[self.hook])
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=hooks))
