"""`submit`: hand the report on stdin to this host's Postfix.

By SMTP, since postdrop(1) is set-group-ID, which the unit's DynamicUser= rules out. Exit code 1
while Postfix does not take it: tlsrpt-reportd tries again.
"""

from __future__ import annotations

import email
import email.policy
import email.utils
import smtplib
import sys

POSTFIX = ("127.0.0.1", 25)
_PATIENCE_SECONDS = 50
"""For Postfix and the spam filter; less than `sendmail_timeout`."""


def envelope(report: bytes) -> tuple[str, list[str]]:
    """Sender and recipients, from the report's header."""
    header = email.message_from_bytes(report, policy=email.policy.SMTP)
    addresses = {
        name: [address for _, address in email.utils.getaddresses(header.get_all(name, []))]
        for name in ("From", "To")
    }
    return addresses["From"][0], addresses["To"]


def dated(report: bytes) -> bytes:
    """The report with the Date that RFC 5322 demands and tlsrpt-reporter 0.6.0 leaves out."""
    return f"Date: {email.utils.formatdate()}\r\n".encode() + report


def main() -> int:
    """Exit codes: 0 taken, 1 not."""
    report = sys.stdin.buffer.read()
    sender, recipients = envelope(report)
    try:
        with smtplib.SMTP(*POSTFIX, timeout=_PATIENCE_SECONDS) as postfix:
            postfix.sendmail(sender, recipients, dated(report))
    except (OSError, smtplib.SMTPException) as error:
        print(f"not taken: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
