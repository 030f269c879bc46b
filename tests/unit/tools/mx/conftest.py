"""Every file of this folder has all commands of `mx`, also when it runs alone."""

from __future__ import annotations

from tools.mx.__main__ import VERBS

__all__ = ["VERBS"]
