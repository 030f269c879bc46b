"""`python -m tools.mx`: what scripts/mx runs."""

from __future__ import annotations

import sys

from . import (
    verb_adopt,
    verb_check,
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
    verb_rollback,
    verb_sbom,
    verbs_host,
    verbs_tools,
    verbs_engine,
)

if __name__ == "__main__":
    sys.exit(run())
