"""What tests change in a bundle of a service, to see that `mx rollback` takes the change back."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """A harmless change of a file of a bundle, and how a host shows which state is in service.

    Each service has `SAMPLES` in its module sample.py: by the name of each of its bundles, one
    sample. The change replaces `old`, which the file at `path` on the host mx1 of the lab's stack
    contains, by `new`. `shows` is a command for a shell on the host, whose output changes with it.
    `confirm` is a command that a person would give after such a change, or empty.
    """

    path: str
    old: str
    new: str
    shows: str
    confirm: str = ""
