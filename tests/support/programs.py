"""Programs that run on hosts, as modules: they lie outside of every package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def host_program(path: Path) -> ModuleType:
    """A new module with what the program defines; the program is not run as a script."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
