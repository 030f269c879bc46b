"""The sample of each bundle, from the module sample.py in its service's folder."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from components.mail_exchanger import SERVICES
from components.services.sample import Sample
from components.services.service import Service


def samples_of(service: type[Service]) -> dict[str, Sample]:
    """By the name of each bundle of a service, its sample; empty where the folder has none."""
    name = f"{service.__module__.rpartition('.')[0]}.sample"
    if find_spec(name) is None:
        return {}
    found: dict[str, Sample] = import_module(name).SAMPLES
    return found


SAMPLES = {bundle: one for each in SERVICES for bundle, one in samples_of(each).items()}
