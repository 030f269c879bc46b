"""The exit codes of every `mx` command. docs/commands.md explains them to users."""

from __future__ import annotations

OK = 0
"""The command did what was asked. It found nothing to report."""
FAILED = 1
"""The command failed, or could not find out what was asked."""
FOUND = 2
"""The command worked and found something: a change, drift, a fault."""
USAGE = 64
"""The command line is wrong (EX_USAGE of sysexits(3)). Nothing was done."""
INTERRUPTED = 130
"""The user ended the command with Ctrl-C (128 and the number of SIGINT)."""
