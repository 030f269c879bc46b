"""A picture (SVG) of a command in a terminal: what tmux(1) shows, in colour, for README and docs.

`python -m tools.picture FILE.svg 'mx preview lab'` runs the command 100 columns wide and takes the
picture when it has ended; `--after SECONDS` takes it while the command is at work, and `--lines N`
takes the first lines alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

_COLUMNS, _ROWS, _HISTORY = 100, 60, 4000
_SESSION = "mx-picture"
_TMUX = ["tmux", "-L", _SESSION]


def screen(command: str, after: float | None) -> str:
    """What the terminal shows, with its colours as escape sequences (ECMA-48)."""
    shell = f"{command}; tmux -L {_SESSION} wait-for -S done; exec sleep 60"
    size = ["-x", str(_COLUMNS), "-y", str(_ROWS)]
    options = [*_TMUX, "set-option", "-g", "history-limit", str(_HISTORY), ";"]
    subprocess.run([*options, "new-session", "-d", "-s", "one", *size, shell], check=True)
    try:
        if after is None:
            subprocess.run([*_TMUX, "wait-for", "done"], check=True)
        else:
            time.sleep(after)
        return subprocess.run(
            [*_TMUX, "capture-pane", "-p", "-e", "-S", "-", "-t", "one"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.rstrip()
    finally:
        subprocess.run([*_TMUX, "kill-server"], check=False)


def svg(text: str, title: str) -> str:
    """The picture of a terminal window with this text."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(file=nowhere, record=True, width=_COLUMNS, force_terminal=True)
        console.print(Text.from_ansi(text))
        return console.export_svg(title=title, unique_id="mx")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.picture", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("command")
    parser.add_argument("--after", type=float, metavar="SECONDS")
    parser.add_argument("--lines", type=int, metavar="N")
    options = parser.parse_args(arguments)
    lines = screen(options.command, options.after).removesuffix("\n").split("\n")[: options.lines]
    options.file.write_text(svg("\n".join(lines), options.command))
    return 0


if __name__ == "__main__":
    sys.exit(main())
