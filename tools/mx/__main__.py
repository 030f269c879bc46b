"""`python -m tools.mx`: what scripts/mx runs."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from .codes import FAILED, INTERRUPTED


def _end(*_: object) -> NoReturn:
    """Ctrl-C while modules are loaded, or while threads end: one line and no traceback."""
    os.write(2, b"\nmx: ended by Ctrl-C\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _end)

from . import (
    verb_adopt,
    verb_check,
    verb_destroy,
    verb_forget,
    verb_init,
    verb_rollback,
    verb_sbom,
    verbs_apply,
    verbs_engine,
    verbs_host,
    verbs_look,
    verbs_tools,
)
from .app import run

# Each module adds its commands to the root when it is imported.
VERBS = (
    verb_init,
    verb_check,
    verb_adopt,
    verbs_look,
    verbs_apply,
    verb_destroy,
    verb_rollback,
    verb_forget,
    verb_sbom,
    verbs_host,
    verbs_tools,
    verbs_engine,
)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe is gone, for example `head`: nothing is left to do.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = FAILED
    signal.signal(signal.SIGINT, _end)
    if code == INTERRUPTED:
        # A thread may still wait for a server that does not answer.
        os._exit(code)
    sys.exit(code)
