"""What a new service must bring along besides its folder and its row in SERVICES."""

from __future__ import annotations

import re

import pytest

from components.mail_exchanger import SERVICES
from components.services.monitoring import exporters
from components.services.service import Service
from components.settings.environment import Settings
from tests.host.test_rollback import COMPONENTS
from tests.support.stacks import HOSTS, ROOT, manifests_of
from tools.monitoring import alerts_host

FOLDERS = sorted(
    path.name
    for path in (ROOT / "components/services").iterdir()
    if (path / "component.py").exists()
)
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)


def test_every_folder_has_its_row() -> None:
    rows = sorted(service.__module__.split(".")[2] for service in SERVICES)
    assert rows == FOLDERS, "a folder below components/services needs its row in SERVICES"


@every_service
def test_its_section_of_the_stack_file_exists(service: type[Service]) -> None:
    keys = {field.alias or name for name, field in Settings.model_fields.items()}
    if service.SETTINGS is not None:
        assert service.SETTINGS in keys, f"{service.SETTINGS}: no such key in components/settings"


@every_service
def test_the_manual_explains_it(service: type[Service]) -> None:
    headings = {
        line.lstrip("# ").strip()
        for page in (ROOT / "docs").rglob("*.md")
        for line in page.read_text().splitlines()
        if line.startswith("#")
    }
    assert service.MANUAL in headings, f"docs/ needs a section with the heading {service.MANUAL!r}"


@every_service
def test_its_units_are_watched(service: type[Service]) -> None:
    for unit in service.UNITS:
        name, _, kind = unit.rpartition(".")
        if kind in {"service", "timer"} and unit not in alerts_host.UNWATCHED:
            assert re.fullmatch(exporters.UNITS, name), (
                f"{unit}: add it to UNITS in components/services/monitoring/exporters.py"
            )


def test_every_bundle_can_be_rolled_back() -> None:
    bundles = {manifest.bundle for place in HOSTS for manifest in manifests_of(*place)}
    missing = bundles - set(COMPONENTS)
    assert not missing, f"COMPONENTS in tests/host/test_rollback.py needs rows for {missing}"


@every_service
def test_its_manifests_are_reviewed(service: type[Service]) -> None:
    bundles = {path.stem for path in (ROOT / "tests/golden").glob("*/*/manifests/*.json")}
    # The resource of the database has a shorter name than its last bundle.
    bundle = {"database": "mail-database"}.get(service.SUFFIX, service.SUFFIX)
    assert bundle in bundles, (
        f"no reviewed manifest of {bundle}: an example stack in stacks/ must have the service; "
        "then GOLDEN_WRITE=1 scripts/test tests/golden"
    )
