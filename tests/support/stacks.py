"""The example stacks, found by their files: a new one is tested everywhere by being there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from unittest import mock

from components.host.manifest import Manifest
from components.mail_exchanger import manifests_of as manifests
from components.services.certificates.component import token_manifest
from components.services.resolver import component as resolver
from components.services.spam_filter.component import password_manifest
from components.settings.stack_file import settings_of

ROOT = Path(__file__).parents[2]
STACKS = sorted(
    path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    for path in (ROOT / "stacks").glob("Pulumi.*.yaml")
)
HOSTS = [(stack, host) for stack in STACKS for host in settings_of(stack).hosts]


@cache
def manifests_of(stack: str, host: str) -> list[Manifest]:
    """The manifests of a host of an example stack, those with nothing but secrets left out.

    The files of root hints and trust anchors that the lab makes are not read: these tests run where
    there is no lab.
    """
    with mock.patch.object(resolver, "given_files", return_value=(None, "")):
        return manifests(settings_of(stack), host, f"mx/{stack}")


def secret_manifests_of(stack: str, host: str) -> list[Manifest]:
    """The manifests that carry secrets, with invented ones."""
    owner = f"mx/{stack}"
    return [
        token_manifest(owner, {"example.test": "invented token"}),
        password_manifest(host, owner, "invented password"),
    ]
