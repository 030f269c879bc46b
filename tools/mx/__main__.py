"""`python -m tools.mx`: what scripts/mx runs."""

from __future__ import annotations

import sys

from . import verb_rollback, verbs_apply, verbs_look, verbs_tools
from .app import run

# Each module adds its commands to the root when it is imported.
VERBS = (verbs_look, verbs_apply, verb_rollback, verbs_tools)

if __name__ == "__main__":
    sys.exit(run())
