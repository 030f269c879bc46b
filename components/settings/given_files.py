"""Files that settings name and whose content ends up on hosts or in reports.

A report stands in a pull request for all to read, so whoever may change a line of YAML must not
choose among all files of the machine that runs pulumi. Such a file lies below stacks/, where it is
reviewed with the settings, or below a folder that the environment of the program names. Faults
give the number of a line, never its text.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from components.settings.environment import SettingsError

BASE = Path("stacks")
FOLDERS = "MX_FILE_FOLDERS"
"""Environment variable with more folders, separated by colons; never a key of the stack file."""
_MOST_FAULTS = 10


def shown(name: str) -> str:
    """How errors and the engine call the file: by its path from the folder of the checkout."""
    return str(BASE / name)


def read_given(name: str) -> bytes:
    """The content of a file; `name` is its path from stacks/, or absolute.

    Raises SettingsError when it is no file, cannot be read or lies elsewhere, links followed.
    """
    path = shown(name)
    folders = [BASE, *map(Path, filter(None, os.environ.get(FOLDERS, "").split(":")))]
    try:
        real = Path(path).resolve(strict=True)
        if not any(real.is_relative_to(folder.resolve()) for folder in folders):
            raise SettingsError(
                f"{path}: the file is outside of stacks/; put it there, or add its folder to "
                f"the environment variable {FOLDERS}"
            )
        with os.fdopen(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SettingsError(f"{path}: this is not a regular file")
            return file.read()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        words = error.strerror if isinstance(error, OSError) else "its symbolic links form a loop"
        raise SettingsError(f"{path}: cannot be read: {words}") from None


def lines(
    path: str, data: bytes, comment: str, fault: Callable[[str], str | None]
) -> list[tuple[int, str]]:
    """Number and text of each line of a file that is neither empty nor a comment.

    `comment` begins one; `fault` says what is wrong with a line, without quoting it. Raises
    SettingsError with one line a fault.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: the file is not UTF-8: {error.reason}") from None
    found, faults = [], []
    # Not splitlines(), which sees the end of a line in characters that no other program does.
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip(" \t\r")
        if stripped and not stripped.startswith(comment):
            words = fault(stripped)
            found.append((number, stripped))
            if words is not None:
                faults.append(f"{path}:{number}: {words}")
    refuse(path, faults)
    return found


def refuse(path: str, faults: list[str]) -> None:
    """Raise SettingsError with these faults, if there are any: the first ten and how many more."""
    if faults:
        left = len(faults) - _MOST_FAULTS
        more = [f"{path}: and {left} more"] if left > 0 else []
        raise SettingsError("\n".join(faults[:_MOST_FAULTS] + more))
