"""The findings of this repository's own audit about the Postfix that a change would configure.

Settings are judged one by one where they are read. This looks at the whole main.cf and master.cf of
each host, `postfix.extra` included, before anything is changed: what stops mail or opens a relay is
refused, what only may harm is a warning that the report shows first.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.audit.configuration import configuration
from components.audit.model import Finding
from components.host.contents import files
from components.postconf import VERSIONS
from components.protocol import warnings
from components.services.postfix.component import DIRECTORY, Postfix
from components.services.postfix_tls.component import PostfixTls
from components.services.service import Site
from components.settings.environment import Settings
from components.settings.extra import setting_of

_REFUSED = ("critical",)
_TOLD = ("high", "medium")


def rendered(settings: Settings, host: str) -> dict[str, str]:
    """The files of Postfix that the settings give a host, by path."""
    site = Site(host, settings, "", (Postfix, PostfixTls))
    manifests = [
        manifest
        for service in site.services
        if service.wanted(settings, host)
        for manifest in service.manifests(site)
    ]
    return files(manifests)


def findings(settings: Settings, host: str, found: Mapping[str, str]) -> list[Finding]:
    """Findings about these files of Postfix on a host, the most dangerous first."""
    return configuration(
        found[f"{DIRECTORY}/main.cf"],
        found[f"{DIRECTORY}/master.cf"],
        {path: text.encode() for path, text in found.items()},
        VERSIONS[settings.hosts[host].debian],
    )


def path(settings: Settings, one: Finding) -> str:
    """The YAML path of what a finding is about; the section where no single setting is."""
    if one.file != "main.cf":
        return f"postfix ({one.parameter} in {one.file})"
    if one.parameter in settings.postfix.extra:
        return f"postfix.extra.{one.parameter}"
    return setting_of(one.parameter) or f"postfix ({one.parameter} in main.cf)"


def lines(settings: Settings) -> tuple[list[str], list[str]]:
    """What is refused and what is told, each line with its YAML path, the same line once."""
    refused: dict[str, None] = {}
    told: dict[str, None] = {}
    for host in settings.hosts:
        for one in findings(settings, host, rendered(settings, host)):
            line = f"{path(settings, one)}: {one.reason}; {_small(one.remedy)}"
            if one.severity in _REFUSED:
                refused[line] = None
            elif one.severity in _TOLD:
                told[line] = None
    return list(refused), list(told)


def _small(text: str) -> str:
    return f"{text[:1].lower()}{text[1:].rstrip('.')}"


def refuse_dangerous(settings: Settings) -> None:
    """Warn of what may harm. Raises pulumi.RunError, a line each, for what stops or opens mail."""
    refused, told = lines(settings)
    for line in told:
        pulumi.log.warn(warnings.judged(f"mx:mail.{line}"))
    if refused:
        source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
        raise pulumi.RunError("\n".join(f"{source}: mx:mail.{line}" for line in refused))
