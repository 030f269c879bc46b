"""A zone whose signing is pending: each first deployment, until the registrar has the DS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.knot import Knot
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

from .conftest import Project

pytestmark = pytest.mark.engine

ZONE, NAME, TOKEN = "023e105f4ecef8ad9ca31a8372d0c353", "example.test", "t" * 40
PROGRAM = f"""
import pulumi
from components.dns import signing

class Dns(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("mx:dns:Dns", "dns")
        pulumi.export("ds", signing.signed({NAME!r}, {ZONE!r}, parent=self))

Dns()
"""
# What this program registered before, with what a refresh made of it.
FORMER = f"""
import pulumi
from pulumi_cloudflare.zone_dnssec import ZoneDnssec

class Dns(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("mx:dns:Dns", "dns")
        ZoneDnssec(
            "dnssec-{NAME}",
            zone_id={ZONE!r},
            status="active",
            opts=pulumi.ResourceOptions(
                parent=self, retain_on_delete=True, ignore_changes=["status"]
            ),
        )

Dns()
"""


class Parent(Knot):
    """A parent zone, which has the DS record or not yet."""

    published = False

    def delegates(self, zone: str, tag: int) -> bool:
        return self.published

    def apply(self, zone: str, old: object, new: object) -> None:
        pass

    def keys(self, zone: str) -> None:
        return None


@dataclass
class Signing:
    """A stack of a signed zone alone, and the API that it talks to."""

    project: Project
    api: Api
    parent: Parent

    def program(self, text: str) -> None:
        (self.project.folder / "__main__.py").write_text(text)

    def run(self, *arguments: str) -> str:
        done = self.project.run(*arguments, "--stack", "signing")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def unchanged(self, *arguments: str) -> None:
        self.run("preview", "--expect-no-changes", *arguments)

    @property
    def status(self) -> str:
        return str(self.api.dnssec(ZONE, "GET", None)["status"])


@pytest.fixture
def signing(project: Project, tmp_path: Path) -> Iterator[Signing]:
    parent = Parent()
    api = Api(tmp_path / "api", {NAME: ZONE}, {TOKEN: SCOPES}, parent)
    with serving(api) as url:
        project.environment |= {"CLOUDFLARE_BASE_URL": url, "CLOUDFLARE_API_TOKEN": TOKEN}
        project.init("signing")
        stack = Signing(project, api, parent)
        stack.program(PROGRAM)
        yield stack


def test_first_deployment_while_pending_and_when_active(signing: Signing) -> None:
    assert signing.status == "disabled"
    signing.run("preview")
    assert signing.status == "disabled"
    shown = signing.run("up", "--yes", "--skip-preview")
    record = signing.run("stack", "output", "ds").strip()
    assert f"{NAME}: the zone is signed; give its registrar this DS record: {record}" in shown
    assert record.startswith(f"{NAME}. 3600 IN DS ")
    for published, status in ((False, "pending"), (True, "active")):
        signing.parent.published = published
        assert signing.status == status
        signing.unchanged()
        signing.unchanged("--refresh")
        signing.run("refresh", "--yes", "--skip-preview")
        signing.run("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")
        signing.unchanged()
        assert signing.status == status


def test_a_zone_that_was_refreshed_while_pending_before(signing: Signing) -> None:
    """The state of the former program, which no preview got past on the vendor's plug-in."""
    signing.program(FORMER)
    signing.run("up", "--yes", "--skip-preview")
    signing.run("refresh", "--yes", "--skip-preview")
    signing.program(PROGRAM)
    for arguments in (["preview", "--refresh"], ["up", "--yes", "--skip-preview", "--refresh"]):
        signing.run(*arguments)
    assert signing.status == "pending"
    signing.unchanged("--refresh")


def test_an_api_that_refuses_is_told_in_its_words(signing: Signing) -> None:
    signing.project.environment["CLOUDFLARE_API_TOKEN"] = "u" * 40
    done = signing.project.run("up", "--yes", "--skip-preview", "--stack", "signing")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"GET zones/{ZONE}/dnssec: 403" in output
    assert "Invalid access token" in output
    assert "Traceback" not in output
    assert signing.status == "disabled"
