"""The bill of materials, read back by the library's own reader of CycloneDX."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cyclonedx.model.bom import Bom

from components.settings.environment import from_mapping
from tests.support.mapping import mapping
from tools import sbom

SAID = "".join(
    f"{line}\n"
    for line in (
        "installed\tpostfix\t3.10.13-0+deb13u1\tamd64",
        "installed\tlibc6:amd64\t2.41-12\tamd64",
        "installed\tadduser\t3.152\tall",
        "config-files\texim4-base\t4.98-1\tamd64",  # removed; its configuration is still there
        "not-installed\tntp\t\tamd64",
    )
)


def bill(
    packages: dict[str, list[sbom.Package]] | None = None, **changed: object
) -> dict[str, Any]:
    settings = from_mapping(mapping() | changed)
    listed = packages or {host: sbom.asked_for(settings, host) for host in settings.hosts}
    text = sbom.document(settings, "0.1.0", listed)
    found: dict[str, Any] = json.loads(text)
    # Refuses what is no CycloneDX.
    read = Bom.from_json(found)  # type: ignore[attr-defined]
    assert len(read.components) == len(found["components"])
    return found


def test_everything_of_the_lock_is_in_it_with_its_digests() -> None:
    found = bill()
    lock = sbom.LOCK.read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    listed = {
        each["name"]: each
        for each in found["components"]
        if each.get("purl", "").startswith("pkg:pypi")
    }
    assert {name: each["version"] for name, each in listed.items()} == pinned
    digests = {p["value"] for each in listed.values() for p in each["properties"]}
    assert digests == set(re.findall(r"sha256:([0-9a-f]{64})", lock))


def test_every_module_of_the_engine_is_in_it() -> None:
    found = [each for each in bill()["components"] if each.get("purl", "").startswith("pkg:golang")]
    wanted = re.findall(r"^\t\S+ v\S+", sbom.MODULES.read_text(), re.MULTILINE)
    assert len(found) == len(wanted) > 100
    names = {each["name"] for each in found}
    assert "github.com/pulumi/pulumi/pkg/v3" in names
    assert "github.com/tgummerer/clipboard" in names
    assert "github.com/atotto/clipboard" not in names


def test_each_host_has_the_packages_that_its_manifests_ask_for() -> None:
    found = bill()
    needs = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    names = {each["bom-ref"]: each["name"] for each in found["components"]}
    for host in ("mx1", "mx2"):
        listed = {names[ref] for ref in needs[f"host:{host}"]}
        assert {"postfix", "mariadb-server", "rspamd", "unbound", "redis-server"} <= listed


def test_versions_are_those_that_a_host_told() -> None:
    found = bill({"mx1": sbom.installed(SAID), "mx2": []})
    purls = {each["purl"] for each in found["components"] if "pkg:deb" in each.get("purl", "")}
    assert purls == {
        "pkg:deb/debian/postfix@3.10.13-0%2Bdeb13u1?arch=amd64&distro=debian-13",
        "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13",
        "pkg:deb/debian/adduser@3.152?arch=all&distro=debian-13",
    }


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Welcome to mx1\n",
        "installed\tpostfix\t3.10\n",
        "installed\ta b\t1\tall\n",
        "installed\tok\t1\x1b[2K\tall\n",
        "installed\tok\t\tall\n",
    ],
)
def test_an_answer_that_is_no_list_of_packages_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        sbom.installed(said)


def test_a_package_without_a_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="no digest"):
        sbom.python("a==1 \\\n    --hash=sha256:" + "ab" * 32 + "\nb==2\n")


def test_package_of_another_archive_is_not_said_to_be_of_debian() -> None:
    url = "https://rspamd.example.org/apt-stable/"
    source = {"url": url, "keyFile": "key.asc", "fingerprint": "AB" * 20}
    listed: list[sbom.Package] = [("rspamd", "4.1.5-1", "amd64"), ("postfix", "3.10.13", "amd64")]
    found = bill({"mx1": listed}, spamFilter={"source": source})["components"]
    debs = [each["purl"] for each in found if each.get("purl", "").startswith("pkg:deb/")]
    (rspamd,) = (each for each in debs if "/rspamd@" in each)
    assert rspamd.startswith("pkg:deb/rspamd.example.org/rspamd@4.1.5-1?")
    assert "repository_url=https:" in rspamd
    assert [each for each in debs if each.startswith("pkg:deb/debian/")] == [
        "pkg:deb/debian/postfix@3.10.13?arch=amd64&distro=debian-13"
    ]
