"""What a mail stack uses of pulumi_cloudflare, and nothing else of it.

The package's own `__init__` imports all of its 780 modules: half of the time that a preview needs
to run the program.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

_NAME = "pulumi_cloudflare"

if _NAME not in sys.modules:
    _spec = find_spec(_NAME)
    if _spec is None:
        raise ModuleNotFoundError(f"No module named {_NAME!r}", name=_NAME)
    # Not executed: only what stands below is.
    sys.modules[_NAME] = module_from_spec(_spec)

from pulumi_cloudflare._inputs import DnsRecordDataArgs  # noqa: E402
from pulumi_cloudflare.dns_record import DnsRecord  # noqa: E402
from pulumi_cloudflare.provider import Provider  # noqa: E402
from pulumi_cloudflare.zone_dnssec import ZoneDnssec  # noqa: E402

__all__ = ["DnsRecord", "DnsRecordDataArgs", "Provider", "ZoneDnssec"]
