"""The two kinds of server, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.backends import S3_CLIENT, Server, postgres, s3, versitygw

KINDS: Mapping[str, Mapping[str, str]] = {"postgres": {}, "s3": S3_CLIENT}
"""Name to the variables with which the engine reaches the server."""


@contextmanager
def server(kind: str, folder: Path) -> Iterator[Server]:
    """A server of the kind, with data below `folder`. Raises RuntimeError when it is missing."""
    if kind == "postgres":
        with postgres() as found:
            yield found
        return
    program = versitygw()
    if program is None:
        raise RuntimeError("versitygw is not on PATH: tests/long/state-backends builds it")
    with s3(folder, program) as found:
        yield found
