"""What a new service must bring along in its folder, besides its row in SERVICES."""

from __future__ import annotations

import re

import pytest

from components.mail_exchanger import SERVICES
from components.services.monitoring import exporters
from components.services.service import Service
from components.settings.environment import Settings
from tests.support.samples import SAMPLES, samples_of
from tests.support.stacks import HOSTS, ROOT, manifests_of
from tools.services_page import summary

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
    assert summary(service), (
        f"{service.__name__}: say in the docstring of its folder's __init__.py what the service is "
        "for; then run scripts/schema, which writes docs/services.md"
    )
    manual = (ROOT / "docs/operating.md").read_text()
    if service.MANUAL is not None:
        heading = rf"^#+ {re.escape(service.MANUAL)}$"
        assert re.search(heading, manual, re.MULTILINE), (
            f"docs/operating.md needs a section with the heading {service.MANUAL!r}"
        )


@every_service
def test_its_units_are_named_and_watched(service: type[Service]) -> None:
    bundles = set(samples_of(service))
    run = {
        unit
        for place in HOSTS
        for manifest in manifests_of(*place)
        if manifest.bundle in bundles
        for unit in manifest.units
        if unit.endswith(".service")
    }
    assert run <= set(service.UNITS), f"{service.__name__}.UNITS lacks {run - set(service.UNITS)}"
    assert set(service.UNWATCHED) <= set(service.UNITS), "a unit of UNWATCHED is one of UNITS"
    for unit in service.UNITS:
        assert re.fullmatch(exporters.watched(service.UNITS), unit.rpartition(".")[0])


@every_service
def test_it_says_whether_mail_waits_for_its_packages(service: type[Service]) -> None:
    packaged = [unit for unit in service.UNITS if not unit.startswith(exporters.OURS)]
    assert not packaged or "MAIL_PATH" in vars(service), (
        f"{service.__name__} runs {packaged} of Debian packages: set MAIL_PATH to the beginnings "
        "of their names, or to () when mail does not wait for them"
    )


def test_every_bundle_can_be_rolled_back() -> None:
    bundles = {manifest.bundle for place in HOSTS for manifest in manifests_of(*place)}
    # Packages stay installed, so there is nothing that could come back.
    missing = sorted(bundles - set(SAMPLES) - {"packages"})
    assert not missing, (
        f"no sample of {missing}: add it to SAMPLES in sample.py in the service's folder "
        "(components/services/sample.py explains it)"
    )


@pytest.mark.parametrize("bundle", SAMPLES)
def test_its_sample_changes_what_the_lab_has(bundle: str) -> None:
    sample = SAMPLES[bundle]
    found = [each for each in manifests_of("lab", "mx1") if each.bundle == bundle]
    assert found, f"mx1 has no bundle {bundle}: switch the service on in stacks/Pulumi.lab.yaml"
    [manifest] = found
    assert sample.path in manifest.files, f"{bundle}: its sample changes no file of the bundle"
    assert sample.old in manifest.files[sample.path].content, f"{sample.path} lacks {sample.old!r}"
    assert sample.old != sample.new


@every_service
def test_its_manifests_are_reviewed(service: type[Service]) -> None:
    bundles = {path.stem for path in (ROOT / "tests/golden").glob("*/*/manifests/*.json")}
    missing = sorted(set(samples_of(service)) - bundles)
    assert not missing, (
        f"no reviewed manifest of {missing}: an example stack in stacks/ must have the service; "
        "then GOLDEN_WRITE=1 scripts/test tests/golden"
    )
