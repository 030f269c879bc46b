"""Whether the engine reads each record at the DNS API before it plans (`--refresh`).

One request a record takes long, and starts the DNS plug-in once more. The program lists the zones
anyway, and warns of records that are not as the stack left them. So the engine reads them only
after such a warning, or where there is no report before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from components.dns import records as dns_records
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings, SettingsError
from components.settings.stack_file import settings_of

# Cloudflare allows a user 1,200 requests in five minutes; a record is one. The rest is for `up`.
_RECORDS_READ = 1000
REFRESH = ("--refresh",)


def record_count(settings: Settings) -> int:
    """How many records the table has, those of DKIM keys that the hosts make included."""
    dkim = {key: dict.fromkeys(settings.domains_of(key)) for key in settings.hosts}
    facts = dns_records.Facts(sts_ids=mta_sts.ids(settings), dkim=dkim)
    return len(dns_records.records(settings, facts))


def given(arguments: Sequence[str]) -> bool:
    """Tell whether a person chose: `--refresh`, `--refresh=false` or `-r`."""
    return any(one == "-r" or one.startswith(("--refresh", "-r=")) for one in arguments)


def drift_is_read(stack: str) -> bool:
    """Tell whether the stack has `drift.read` on; with faulty settings the program says so."""
    try:
        return settings_of(stack).drift.read
    except SettingsError:
        return True


def options(stack: str) -> Sequence[str]:
    """`--refresh`, unless `drift.read` is off or the DNS API does not let one read so many."""
    try:
        settings = settings_of(stack)
    except SettingsError:
        return ()  # the program says it, in the preview's report
    if not settings.drift.read:
        return ()
    count = record_count(settings)
    if count > _RECORDS_READ:
        print(
            f"{stack}: {count} DNS records are too many to read each of them, so the change that "
            f"somebody made at the DNS API stays; mx pulumi {stack} refresh --target reads one",
            file=sys.stderr,
        )
        return ()
    return REFRESH
