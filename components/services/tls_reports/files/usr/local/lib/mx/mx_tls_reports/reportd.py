"""`reportd HOSTNAME [OPTIONS]`: tlsrpt-reportd, with names that no other MX host gives a report.

Each host reports its own sessions. tlsrpt-reporter 0.6.0 makes report-id and file name of day,
domain and a counter, so those of two hosts would be equal, and a receiver may take the second
report for a copy of the first (RFC 8460 sections 4.4 and 5.1: unique).
"""

from __future__ import annotations

import sys
from typing import Any

from tlsrpt_reporter import tlsrpt


def unique(number: object, hostname: str) -> str:
    """The counter and the host, in letters and digits, as unique-id in a file name must be."""
    return str(number) + "".join(filter(str.isalnum, hostname))


def reporter(hostname: str) -> type[Any]:
    """The class of the reporter that names its reports after the host, too."""

    class Reportd(tlsrpt.TLSRPTReportd):  # type: ignore[misc]
        def report_id(self, day: str, number: int, domain: str) -> str:
            return str(super().report_id(day, unique(number, hostname), domain))

        def create_report_filename(self, domain: str, day: str, number: int) -> str:
            return str(super().create_report_filename(domain, day, unique(number, hostname)))

    return Reportd


def main() -> None:
    """Run until a signal; the options are those of tlsrpt-reportd."""
    tlsrpt.TLSRPTReportd = reporter(sys.argv.pop(1))
    tlsrpt.tlsrpt_reportd_main()


if __name__ == "__main__":
    main()
