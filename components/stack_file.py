"""A stack's file, read without the engine.

`python -m components.stack_file STACK` prints the engine's options: `--refresh`, unless the stack
has `drift.read` off or more records than the DNS API lets one read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from .render import dns_records, mta_sts
from .settings import Settings, SettingsError, from_mapping

_ROOT = Path(__file__).resolve().parents[1]
# Cloudflare allows a user 1,200 requests in five minutes; a record is one. The rest is for `up`.
_RECORDS_READ = 1000


def path(stack: str) -> Path:
    """The file of a stack."""
    return _ROOT / "stacks" / f"Pulumi.{stack}.yaml"


def settings_of(stack: str) -> Settings:
    """The settings in a stack's file. Raises SettingsError."""
    source = f"stacks/Pulumi.{stack}.yaml"
    try:
        document = yaml.safe_load(path(stack).read_text())
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: {error}") from None
    config = document.get("config") if isinstance(document, dict) else None
    mail = config.get("mx:mail") if isinstance(config, dict) else None
    if not isinstance(mail, dict):
        raise SettingsError(f"{source}: config.mx:mail: missing; see stacks/README.md")
    return from_mapping(mail, source)


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
        print(f"{stack}: {count} DNS records, too many to be read for drift", file=sys.stderr)
        return ""
    return "--refresh"


if __name__ == "__main__":
    print(options(sys.argv[1]))
