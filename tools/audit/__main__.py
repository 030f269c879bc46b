"""The command line of the audit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from components.audit import Finding, audit
from components.postconf.parameters import ALL_VERSIONS
from tools.arguments import Parser
from tools.audit.directory import judged
from tools.audit.patch import patch


def text(path: str, findings: Sequence[Finding]) -> str:
    """The findings as an operator reads them, the most dangerous first."""
    lines: list[str] = []
    for one in findings:
        name = _file(path, one)
        where = f"{name}:{one.line}" if one.line else name
        lines.append(f"{where}: {one.severity}: {one.kind}: {one.parameter or 'syntax'}")
        lines += [f"    {one.reason}", f"    -> {one.remedy}"]
    count = f"{len(findings)} finding{'s' * (len(findings) != 1)}" if findings else "no findings"
    lines.append(f"{path}: {count}")
    return "\n".join(lines)


def _file(path: str, one: Finding) -> str:
    return str(Path(path) / one.file) if Path(path).is_dir() else path


def document(path: str, findings: Sequence[Finding]) -> str:
    """The findings as JSON."""
    fields = ("file", "line", "parameter", "kind", "severity", "reason", "remedy")
    rows = [
        {name: getattr(one, name) for name in fields} | {"file": _file(path, one)}
        for one in findings
    ]
    return json.dumps({"file": path, "findings": rows}, indent=2) + "\n"


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    return (Path(path) / "main.cf" if Path(path).is_dir() else Path(path)).read_bytes()


def main(arguments: Sequence[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Exit codes: 0 no finding, 1 the file cannot be read, 2 findings, 64 wrong usage.

    `say` prints the findings for a person.
    """
    parser = Parser(
        prog="scripts/audit",
        description="Read a Postfix configuration and report what is wrong in it, by line.",
        epilog="Exit codes: 0 no finding, 1 the file cannot be read, 2 findings, 64 wrong usage.",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a main.cf, or a directory with main.cf, master.cf and tables; - reads standard input",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--fix", action="store_true", help="print a patch of main.cf for faults with a sure fix"
    )
    parser.add_argument(
        "--postfix",
        choices=ALL_VERSIONS,
        help="the version that reads the file (default: report what is wrong in 3.7 or in 3.10)",
    )
    options = parser.parse_args(arguments)
    try:
        content = _read(options.file)
        findings = (
            judged(Path(options.file), options.postfix)
            if options.file != "-" and Path(options.file).is_dir()
            else audit(content, options.postfix)
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name of the file
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, FileNotFoundError) and Path(options.file).is_dir():
            rendered = Path(options.file) / "etc/postfix"
            more = f"; {rendered} has one" if (rendered / "main.cf").is_file() else ""
            reason = f"this directory has no main.cf{more}"
        print(f"audit: {options.file}: {reason}", file=sys.stderr)
        return 1
    if options.fix:
        sys.stdout.flush()
        sys.stdout.buffer.write(patch(os.path.basename(options.file), content, findings))
        sys.stdout.buffer.flush()
        left = sum(one.replacement is None for one in findings)
        if left:
            print(
                f"audit: {left} of {len(findings)} findings have no sure fix and are not in the "
                "patch; without --fix you see them",
                file=sys.stderr,
            )
    elif options.json:
        print(document(options.file, findings), end="")
    else:
        say(text(options.file, findings))
    return 2 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
