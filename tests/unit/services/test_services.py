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
# Units that end after each run: the alert on failed renewals watches the first, systemd's own
# state the others.
ONE_SHOT = {"mx-certificates.service", "mx-firewall.service"}
# The recursor runs only with resolver.forwarders, and the resolver's probe asks through it. The
# exporter cannot tell of itself: its own `up` does.
UNWATCHED = {"mx-recursor.service", "prometheus-node-exporter.service"}

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
        if kind in {"service", "timer"} and unit not in UNWATCHED:
            assert re.fullmatch(exporters.UNITS, name), f"{unit}: add it to exporters.UNITS"
        if kind == "service" and unit not in ONE_SHOT | UNWATCHED:
            assert re.fullmatch(alerts_host.SERVICES, name), (
                f"{unit}: add it to alerts_host.SERVICES"
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
    assert bundle in bundles, f"no example stack has {bundle}: no review sees its manifest"
