"""How a component reaches a host; the only place that imports pulumi_command."""

from components.host.adoption import warn_of_replaced
from components.host.bundle import Bundle
from components.host.confirm import confirm
from components.host.drift import read_drift
from components.host.manifest import File, Manifest
from components.host.queues import guard as guard_queues
from components.host.seen import Seen
from components.host.target import Target
from components.host.upload import upload

__all__ = [
    "Bundle",
    "File",
    "Manifest",
    "Seen",
    "Target",
    "confirm",
    "guard_queues",
    "read_drift",
    "upload",
    "warn_of_replaced",
]
