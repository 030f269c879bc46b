"""One main.cf parameter with its reason, and the text of a section of them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from components.postconf import fault


@dataclass(frozen=True)
class Parameter:
    """A line of main.cf; `reason` becomes the comment above it."""

    name: str
    value: str
    reason: str


def section(
    title: str,
    parameters: Iterable[Parameter],
    version: str,
    without: Collection[str] = (),
) -> str:
    """A section of main.cf: its title, then every parameter under its reason (postconf(5)).

    `version` is that of Postfix; `without` names what the operator sets instead. Raises
    ValueError for a parameter that this version does not know or that is obsolete in it.
    """
    lines = [f"# {title}", "# " + "=" * len(title)]
    for parameter in parameters:
        wrong = fault(parameter.name, version)
        if wrong is not None:
            raise ValueError(f"{parameter.name}: {wrong}")
        if parameter.name in without:
            continue
        lines += ["", *(f"# {line}" for line in textwrap.wrap(parameter.reason, 88))]
        lines.append(f"{parameter.name} = {parameter.value}".rstrip())
    return "\n".join(lines) + "\n\n"
