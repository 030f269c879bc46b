"""A host that shows another SSH key than the stack file pins, told with both fingerprints."""

from __future__ import annotations

import re

from components.protocol import warnings
from components.settings.environment import Settings
from tools.preview.model import Report

from .check_host import wrong_key

# As ssh(1) says it and as the command plug-in does (golang.org/x/crypto/ssh).
_WRONG = re.compile(r"Host key verification failed|host key mismatch|IDENTIFICATION HAS CHANGED")


def in_report(report: Report, settings: Settings) -> None:
    """Put both fingerprints in the warnings of a preview, and the host among its risks."""
    told: dict[str, str] = {}
    for number, warning in enumerate(report.warnings):
        found = warnings.read_not_read(warning) or warnings.read_files_not_read(warning)
        if found and found[0] in settings.hosts and _WRONG.search(found[1]):
            key, why = found
            words = told.get(key) or _words(settings, key)
            told[key] = words
            report.warnings[number] = warning.removesuffix(why) + words
    # What was said of such a host without the fingerprints is less than this.
    less = tuple(f"{key}: MX could not read the state" for key in told)
    report.risks = [
        *(
            f"{key} was not read, and until it is, `mx up` fails there: {words}"
            for key, words in told.items()
        ),
        *(risk for risk in report.risks if not risk.startswith(less)),
    ]


def in_errors(errors: dict[str, list[str]], settings: Settings) -> None:
    """Put both fingerprints in the errors of an `up`, whose places are such as `mx1: agent`."""
    for place, texts in errors.items():
        key = place.partition(":")[0]
        if key in settings.hosts and any(_WRONG.search(text) for text in texts):
            errors[place] = [_words(settings, key)]


def _words(settings: Settings, key: str) -> str:
    what, cure = wrong_key(settings, key)
    return f"{what}. To do: {cure}"
