"""Parameters as the C sources of Postfix declare them.

Every program of Postfix declares its parameters in tables, one for each type: CONFIG_BOOL_TABLE,
CONFIG_TIME_TABLE and so on (src/global/mail_conf.h). A row holds the macros of name and default,
the variable, and the lowest and highest value. Postfix's own src/postconf/extract.awk reads the
same tables to build postconf(1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_TABLE = re.compile(r"CONFIG_(\w+?)(?:_FN)?_TABLE\s+\w+\[\]\s*=\s*\{(.*?)\n\s*\};", re.S)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(.+?)[ \t]*$", re.M)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(\w+)|([-+*/()])')
_BUILT_ON_THE_HOST = "(the host)"
# Folders whose tables every program of Postfix reads.
_LIBRARIES = {"global": "all", "util": "all", "master": "all", "tls": "tls"}


@dataclass(frozen=True, order=True)
class Declared:
    """One parameter: its type, its range ("" where there is none), the programs that read it."""

    name: str
    kind: str
    low: str
    high: str
    programs: tuple[str, ...]
    default: str


def _macros(root: Path) -> dict[str, str]:
    """Every `#define` without arguments; the first definition of a name counts."""
    found: dict[str, str] = {}
    folders = ["global", "util", "tls", "smtp", "postscreen", "master", "postconf"]
    for folder in folders:
        for header in sorted((root / "src" / folder).glob("*.h")):
            text = header.read_text("latin-1").replace("\\\n", " ")
            for name, value in _DEFINE.findall(_COMMENT.sub(" ", text)):
                found.setdefault(name, value)
    return found


def _text(expression: str, macros: dict[str, str], depth: int = 0) -> str | None:
    """The value of a C expression: text is concatenated, numbers are computed."""
    if depth > 20:
        return None
    parts: list[str] = []
    numeric = False
    for string, name, operator in _TOKEN.findall(expression):
        if operator:
            parts.append(operator)
            numeric = True
        elif not name:
            parts.append(re.sub(r"\\(.)", r"\1", string))
        elif name.isdigit() or name.startswith("0x"):
            parts.append(name)
        else:
            value = _text(macros[name], macros, depth + 1) if name in macros else None
            if value is None:
                return None
            parts.append(value)
    joined = "".join(parts)
    if numeric and re.fullmatch(r"[-+*/()\d ]+", joined) and not joined.isdigit():
        return str(int(eval(joined, {"__builtins__": {}})))  # noqa: S307 - digits and operators
    return joined


def _program(path: Path) -> str:
    if path.parent.name == "smtp":
        return "lmtp" if path.name.startswith("lmtp") else "smtp"
    return _LIBRARIES.get(path.parent.name, path.parent.name)


def declared(root: Path) -> dict[str, Declared]:
    """Parameters of the unpacked sources at `root`, by name."""
    macros = _macros(root)
    found: dict[str, Declared] = {}
    for path in sorted((root / "src").glob("*/*.c")):
        if path.parent.name == "postconf":
            continue
        text = _COMMENT.sub(" ", path.read_text("latin-1"))
        text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
        for kind, body in _TABLE.findall(text):
            for row in body.split("\n"):
                cells = [cell.strip() for cell in row.strip().rstrip(",").split(",")]
                if len(cells) < 3 or not cells[0].startswith("VAR_"):
                    continue
                name = _text(cells[0], macros) or ""
                default = _text(cells[1], macros)
                low, high = (_text(cell, macros) or "" for cell in (*cells[3:5], "", "")[:2])
                if kind.lower() in ("bool", "nbool"):
                    default = {"0": "no", "1": "yes"}.get(default or "", default)
                before = found.get(name)
                programs = {*(before.programs if before else ()), _program(path)}
                found[name] = Declared(
                    name,
                    kind.lower(),
                    low,
                    "" if high == "0" else high,
                    tuple(sorted(programs)),
                    _BUILT_ON_THE_HOST if default is None else " ".join(default.split()),
                )
    return found
