"""Write components/postconf/parameters.tsv from sources and packages of Postfix."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.arguments import Parser
from tools.postconf_tables.source import Declared, declared

OUTPUT = Path(__file__).parents[2] / "components" / "postconf" / "parameters.tsv"
HEADER = "# name, type, lowest, highest, programs, versions, default; see scripts/postconf-names"


def key(version: str) -> list[int]:
    """Order of versions: 3.10 after 3.9."""
    return [int(part) for part in version.split(".")]


def programs_of(package: Path) -> bytes:
    """The programs and libraries of a Debian package, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        return b"".join(
            path.read_bytes()
            for path in sorted(Path(folder).glob("usr/**/*"))
            if path.is_file() and path.parts[-2] in ("sbin", "postfix")
        )


def borrowed(
    binary: bytes, version: str, sources: dict[str, dict[str, Declared]]
) -> dict[str, Declared]:
    """Parameters of a version without sources: names of its package, the rest of its neighbour's.

    A name counts when a text in the package ends with it: linkers store a text that is the end of
    another one only once.
    The nearest older version that has the parameter is asked first, then the nearest newer one.
    """
    older = sorted((v for v in sources if key(v) < key(version)), key=key, reverse=True)
    newer = sorted((v for v in sources if key(v) > key(version)), key=key)
    found: dict[str, Declared] = {}
    for neighbour in (*older, *newer):
        for name, one in sources[neighbour].items():
            if name.encode() + b"\0" in binary:
                found.setdefault(name, one)
    return found


def table(versions: dict[str, dict[str, Declared]]) -> str:
    """One line for each way in which a parameter was declared, with the versions of that way."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for version in sorted(versions, key=key):
        for one in versions[version].values():
            row = (one.name, one.kind, one.low, one.high, ",".join(one.programs))
            lines.setdefault((*row, one.default), []).append(version)
    rows = ["\t".join((*row[:5], ",".join(seen), row[5])) for row, seen in sorted(lines.items())]
    return "\n".join([HEADER, *rows]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table; exit code 64 for a wrong command line."""
    parser = Parser(prog="scripts/postconf-names", description=__doc__)
    parser.add_argument("--source", action="append", default=[], metavar="VERSION=FOLDER")
    parser.add_argument("--package", action="append", default=[], metavar="VERSION=FILE.deb")
    options = parser.parse_args(arguments)
    if not options.source:
        parser.error("at least one --source is needed, for example 3.10=postfix-3.10.13")
    sources: dict[str, dict[str, Declared]] = {}
    for item in options.source:
        version, _, folder = item.partition("=")
        sources[version] = declared(Path(folder))
        if not sources[version]:
            parser.error(f"{folder}: no parameter found; unpacked sources of Postfix are expected")
    packages = dict(item.split("=", 1) for item in options.package)
    extra = {
        version: borrowed(programs_of(Path(path)), version, sources)
        for version, path in packages.items()
    }
    versions = {**sources, **extra}
    OUTPUT.write_text(table(versions))
    for version in sorted(versions, key=key):
        print(f"{version}: {len(versions[version])} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
