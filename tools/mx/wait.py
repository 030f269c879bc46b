"""Shows that a long step is at work: a line with a clock on a terminal, nothing elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .console import console, tell

LONG_SECONDS = 90


@contextmanager
def waiting(what: str, long: str = "") -> Iterator[None]:
    """Show `what` with the time that has passed, on stderr, until the block ends.

    `long`: what to say once, also where there is no terminal, when it takes unusually long.
    """
    if long:
        timer = threading.Timer(LONG_SECONDS, tell, [long])
        timer.daemon = True
        timer.start()
        try:
            with waiting(what):
                yield
        finally:
            timer.cancel()
        return
    out = console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        progress.add_task(what, total=None)
        yield
