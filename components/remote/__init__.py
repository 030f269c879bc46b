"""How a component reaches a host; the only place that imports pulumi_command."""

from .adoption import warn_of_replaced
from .bundle import Bundle
from .confirm import confirm
from .drift import read as read_drift
from .manifest import File, Manifest
from .seen import Seen
from .target import Target
from .upload import upload

__all__ = [
    "Bundle",
    "File",
    "Manifest",
    "Seen",
    "Target",
    "confirm",
    "read_drift",
    "upload",
    "warn_of_replaced",
]
