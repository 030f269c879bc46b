#!/usr/bin/python3
"""Deliver the message on standard input to the Maildir of USER at DOMAIN (pipe(8) calls it)."""

import mailbox
import sys
from pathlib import Path

EX_DATAERR = 65


def main() -> int:
    """Deliver one message; names that would leave the folder are refused."""
    base, domain, user = sys.argv[1:4]
    if "/" in user or user.startswith(".") or not user:
        print("5.1.3 bad mailbox name")
        return EX_DATAERR
    folder = Path(base, domain)
    folder.mkdir(exist_ok=True)
    mailbox.Maildir(str(folder / user), create=True).add(sys.stdin.buffer.read())
    return 0


if __name__ == "__main__":
    sys.exit(main())
