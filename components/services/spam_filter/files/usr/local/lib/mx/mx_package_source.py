"""An apt repository besides Debian's own: whether the host may have it, and what it offers.

usage: mx_package_source.py check SITE SOURCES
       mx_package_source.py fetch URL SOURCES PACKAGE

`check`: no other entry of sources.list(5) has the server SITE. The preferences of the repository in
the file SOURCES are by the name of the server, and would keep the host from the other one.
`fetch`: fetches the lists of SOURCES alone, which apt verifies, and looks for PACKAGE in them.

Exit codes: 0 done, 1 not, with the reason on standard error; 64 a wrong call.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

SECONDS = 300
_LOCKED = re.compile(r"Could not get lock|Unable to lock")
_TARGETS = ("apt-get", "indextargets", "--format", "$(SOURCESENTRY) $(SITE)")


def _run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def others(printed: str, site: str, sources: str) -> list[str]:
    """The entries of other files with this server; each line is an entry and the URL of it."""
    found = set()
    for line in printed.split("\n"):
        entry, _, base = line.rpartition(" ")
        if urlsplit(base).hostname == site and entry.rpartition(":")[0] != sources:
            found.add(entry)
    return sorted(found)


def offered(madison: str, url: str) -> list[str]:
    """The versions that the repository has, from `apt-cache madison`."""
    lines = [[part.strip() for part in line.split("|")] for line in madison.split("\n")]
    here = url.rstrip("/") + " "
    return [parts[1] for parts in lines if len(parts) == 3 and parts[2].startswith(here)]


def check(site: str, sources: str) -> str:
    """What speaks against the repository; empty when nothing does."""
    done = _run(*_TARGETS)
    if done.returncode != 0:
        return f"apt-get indextargets: {done.stderr.strip()}"
    found = others(done.stdout, site, sources)
    return (
        f"{', '.join(found)}: this entry has the server {site} too, and apt would take nothing "
        "more from it. Give spamFilter.source.url another name of the server, or move the entry"
        if found
        else ""
    )


def fetch(url: str, sources: str, package: str) -> str:
    """Why the repository is of no use; empty when it has the package."""
    only = (f"Dir::Etc::sourcelist={sources}", "Dir::Etc::sourceparts=/dev/null")
    options = [*only, "APT::Get::List-Cleanup=0", "APT::Update::Error-Mode=any"]
    argv = ["apt-get", "-q", *(word for each in options for word in ("-o", each)), "update"]
    end = time.monotonic() + SECONDS
    while (done := _run(*argv)).returncode != 0:
        if not _LOCKED.search(done.stderr) or time.monotonic() >= end:
            words = done.stderr.strip() or done.stdout.strip()
            return f"the repository of spamFilter.source cannot be used: {words}"
        time.sleep(1)
    done = _run("apt-cache", "madison", package)
    if not offered(done.stdout, url):
        return (
            f"the repository of spamFilter.source has no package {package} for this host; correct "
            "its suite or components"
        )
    return ""


def main(arguments: list[str]) -> int:
    """Run one verb."""
    verb, *rest = arguments or [""]
    if (verb, len(rest)) not in (("check", 2), ("fetch", 3)):
        print(__doc__, file=sys.stderr)
        return 64
    words = check(*rest) if verb == "check" else fetch(*rest)
    if words:
        print(words, file=sys.stderr)
    return 1 if words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
