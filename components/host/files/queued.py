"""Prints what is queued on this host: JSON, recipient domain to number and oldest arrival.

Comes over SSH on standard input and runs as root. Arrivals are seconds since 1970, `now` is the
host's clock. A message with several recipients counts once in each of their domains.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import Any


def count(lines: list[str]) -> dict[str, list[float]]:
    """Recipient domain to number of messages and the oldest arrival, of `postqueue -j`."""
    found: dict[str, list[float]] = {}
    for line in lines:
        message: dict[str, Any] = json.loads(line)
        arrival = float(message["arrival_time"])
        recipients = [str(each["address"]) for each in message.get("recipients", [])] or [""]
        for domain in {address.rpartition("@")[2].lower() for address in recipients}:
            number, oldest = found.get(domain, [0, arrival])
            found[domain] = [number + 1, min(oldest, arrival)]
    return found


def main() -> int:
    """Print the queue of the running Postfix; one that is not there has none."""
    lines: list[str] = []
    if shutil.which("postqueue", path="/usr/sbin:/usr/bin") is not None:
        done = subprocess.run(["/usr/sbin/postqueue", "-j"], capture_output=True, check=False)
        if done.returncode != 0:
            sys.stderr.buffer.write(done.stderr)
            return 1
        lines = [each for each in done.stdout.decode(errors="replace").split("\n") if each]
    print(json.dumps({"now": time.time(), "domains": count(lines), "messages": len(lines)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
