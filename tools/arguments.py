"""The parser of the command lines that are not of `mx`: one exit code for a wrong call."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

USAGE = 64
"""The command line is wrong (EX_USAGE of sysexits(3)), as for `mx`. Nothing was done."""


class WrongUsage(SystemExit):
    """A wrong call, for a caller that prints the message itself."""

    def __init__(self, message: str) -> None:
        super().__init__(USAGE)
        self.message = message


class Parser(argparse.ArgumentParser):
    """Prints the usage and one line for a wrong call, and ends with USAGE."""

    silent = False
    """`mx`, which has another usage, sets this."""

    def error(self, message: str) -> NoReturn:
        """End with 64; the 2 of argparse means `something was found` in MX."""
        if self.silent:
            raise WrongUsage(message)
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")
