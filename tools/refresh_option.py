"""Whether the engine asks the DNS API for the present records before it plans.

`python -m tools.refresh_option STACK` prints the options of the engine: `--refresh`, unless the
stack has `drift.read` off or more records than the DNS API lets one read.
"""

from __future__ import annotations

import sys

from components.dns import records as dns_records
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings, SettingsError
from components.settings.stack_file import settings_of

# Cloudflare allows a user 1,200 requests in five minutes; a record is one. The rest is for `up`.
_RECORDS_READ = 1000


def record_count(settings: Settings) -> int:
    """How many records the table has, those of DKIM keys that the hosts make included."""
    dkim = {key: dict.fromkeys(settings.domains_of(key)) for key in settings.hosts}
    facts = dns_records.Facts(sts_ids=mta_sts.ids(settings), dkim=dkim)
    return len(dns_records.records(settings, facts))


def options(stack: str) -> str:
    """Whether the engine asks the DNS API for the present records first."""
    try:
        settings = settings_of(stack)
    except SettingsError:
        return ""  # the program says it, in the preview's report
    if not settings.drift.read:
        return ""
    count = record_count(settings)
    if count > _RECORDS_READ:
        print(
            f"{stack}: {count} DNS records are too many to read them all, so drift in DNS is not "
            "shown",
            file=sys.stderr,
        )
        return ""
    return "--refresh"


if __name__ == "__main__":
    print(options(sys.argv[1]))
