#!/usr/bin/python3 -IS
"""Deliver the message on standard input to the Maildir of USER at DOMAIN (pipe(8) calls it).

By hand: the import of `mailbox` takes longer than all of it, once a message.
"""

import os
import sys
import time

EX_DATAERR = 65


def main() -> int:
    """Deliver one message; names that would leave the folder are refused."""
    base, domain, user = sys.argv[1:4]
    if "/" in user or user.startswith(".") or not user:
        print("5.1.3 bad mailbox name")
        return EX_DATAERR
    folder = os.path.join(base, domain, user)
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    name = f"{time.time_ns()}.{os.getpid()}.{os.uname().nodename}"
    incoming = os.path.join(folder, "tmp", name)
    with open(incoming, "xb") as file:
        file.write(sys.stdin.buffer.read())
        file.flush()
        os.fsync(file.fileno())
    os.rename(incoming, os.path.join(folder, "new", name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
