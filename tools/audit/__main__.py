"""The command line of the audit."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from components.postconf import VERSIONS
from tools.audit import Finding, audit


def text(path: str, findings: Sequence[Finding]) -> str:
    """The findings as an operator reads them."""
    lines = []
    for finding in findings:
        where = f"{path}:{finding.line}" if finding.line else path
        lines.append(f"{where}: {finding.kind}: {finding.parameter or 'syntax'}")
        lines += [f"    {finding.reason}", f"    -> {finding.remedy}"]
    lines.append(f"{path}: {len(findings)} findings" if findings else f"{path}: no findings")
    return "\n".join(lines) + "\n"


def document(path: str, findings: Sequence[Finding]) -> str:
    """The findings as JSON."""
    return (
        json.dumps({"file": path, "findings": [asdict(one) for one in findings]}, indent=2) + "\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 no finding, 1 findings, 2 usage or a file that cannot be read."""
    parser = argparse.ArgumentParser(
        prog="audit",
        description="Read a main.cf and report what is wrong in it, by line.",
        epilog="Exit codes: 0 no finding, 1 findings, 2 usage.",
    )
    parser.add_argument("file", metavar="FILE", help="a main.cf; - reads standard input")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--postfix",
        choices=sorted(VERSIONS.values()),
        help="version that reads the file (default: report what is wrong for either)",
    )
    options = parser.parse_args(arguments)
    try:
        if options.file == "-":
            content = sys.stdin.read()
        else:
            with open(options.file, encoding="utf-8") as stream:
                content = stream.read()
    except OSError as error:
        print(f"audit: {options.file}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError as error:
        print(f"audit: {options.file}: {error}", file=sys.stderr)
        return 2
    findings = audit(content, options.postfix)
    print((document if options.json else text)(options.file, findings), end="")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
