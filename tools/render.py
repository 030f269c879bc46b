"""What a stack puts on an MX host, without an engine, a host or a secret.

`python -m tools.render STACK HOST DIRECTORY` writes the files below the directory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.host import Manifest
from components.services.certificates import component as certificates
from components.services.certificates import dehydrated
from components.services.database import component as database
from components.services.firewall import component as firewall
from components.services.monitoring import component as monitoring
from components.services.mta_sts import component as sts_host
from components.services.postfix import component as postfix
from components.services.postfix import tls as postfix_tls
from components.services.resolver import component as resolver
from components.services.spam_filter import component as spam_filter
from components.services.tls_policy import component as tls_policy
from components.services.tls_policy import units as policy_units
from components.services.tls_reports import component as tls_reports
from components.services.tls_reports import units as report_units
from components.settings import recipient_files
from components.settings.environment import Settings, SettingsError
from components.settings.stack_file import settings_of


def manifests(
    settings: Settings, host: str, owner: str, hints: str | None = None, anchors: str = ""
) -> list[Manifest]:
    """The host's bundles in the order of MailExchanger, those with nothing but secrets left out."""
    found = []
    if settings.firewall is not None:
        found.append(firewall.manifest(settings, host, owner))
    if settings.monitoring is not None:
        found.append(monitoring.manifest(settings, host, owner))
    uploads = recipient_files.read(settings)
    found += [
        resolver.manifest(settings, host, owner, hints, anchors),
        database.server(owner),
        database.content(settings, host, owner, uploads),
        spam_filter.redis_manifest(settings, owner),
        spam_filter.manifest(settings, host, owner),
    ]
    if policy_units.used(settings):
        found.append(tls_policy.manifest(settings, host, owner))
    found.append(postfix.manifest(settings, host, owner, milter=spam_filter.SpamFilter.milter))
    if report_units.used(settings, host):
        found.append(tls_reports.manifest(settings, host, owner))
    if settings.certificates is not None:
        chains = dehydrated.chain_files(settings.hosts[host].hostname)
        found.append(certificates.manifest(settings, settings.certificates, host, owner, None))
        found.append(postfix_tls.manifest(settings, host, owner, chains))
        if settings.mta_sts_domains_of(host):
            found.append(sts_host.manifest(settings, host, owner))
    return found


def files(bundles: list[Manifest]) -> dict[str, str]:
    """The text of each file by its path on the host, assembled ones (main.cf) included."""
    found = {path: file.content for each in bundles for path, file in each.files.items()}
    wholes = {path: entry["directory"] for each in bundles for path, entry in each.assemble.items()}
    for whole, directory in wholes.items():
        parts = sorted(path for path in found if str(Path(path).parent) == directory)
        found[whole] = "".join(found[part] for part in parts if part.endswith(".cf"))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; exit 1 with one line for a wrong stack file, host or directory."""
    parser = argparse.ArgumentParser(prog="scripts/render")
    parser.add_argument("stack")
    parser.add_argument("host")
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    try:
        settings = settings_of(options.stack)
        if options.host not in settings.hosts:
            known = ", ".join(settings.hosts)
            source = f"stacks/Pulumi.{options.stack}.yaml"
            raise SettingsError(f"{source}: no host {options.host}; there are {known}")
        given = resolver.given_files(settings)
        bundles = manifests(settings, options.host, f"mx/{options.stack}", *given)
    except SettingsError as error:
        print(f"render: {error}", file=sys.stderr)
        return 1
    found = files(bundles)
    try:
        for path, text in found.items():
            target = options.directory / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    except OSError as error:
        print(f"render: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"written: {len(found)} files below {options.directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
