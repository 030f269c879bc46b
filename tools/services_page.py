"""docs/services.md: what is on an MX host, from what each service says of itself."""

from __future__ import annotations

import inspect
import sys

from components.mail_exchanger import SERVICES
from components.services.service import Service


def page() -> str:
    """All services in the order of SERVICES, as a Markdown page."""
    lines = [
        "# Services of an MX host",
        "",
        "An MX host has these services, in the order in which `mx up` sets them up. Some are there",
        "only where the stack file asks for them.",
        "",
        "Written by `scripts/schema` from `components/services/`; do not edit.",
    ]
    for service in SERVICES:
        lines += ["", f"## {service.SUFFIX}", "", summary(service), "", *_facts(service)]
    return "\n".join(lines) + "\n"


def summary(service: type[Service]) -> str:
    """What the service is for: the docstring of its package. Empty when there is none."""
    package = sys.modules[service.__module__.rpartition(".")[0]]
    return inspect.getdoc(package) or ""


def _facts(service: type[Service]) -> list[str]:
    facts = []
    if service.UNITS:
        facts.append(f"- Units of systemd: {', '.join(f'`{unit}`' for unit in service.UNITS)}")
    if service.SETTINGS is not None:
        facts.append(f"- Section of the stack file: `{service.SETTINGS}` ([keys](settings.md))")
    if service.MANUAL is not None:
        anchor = service.MANUAL.lower().replace(" ", "-")
        facts.append(f"- How to operate it: [{service.MANUAL}](operating.md#{anchor})")
    return facts
