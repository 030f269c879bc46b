"""A software bill of materials of one stack (CycloneDX 1.6): the operator's side and the hosts.

Operator's side: requirements.lock with its digests, and the modules that the engine is built of.
Hosts: the packages that the manifests ask for, or with their versions what a host told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from components.mail_exchanger import manifests_of
from components.settings.environment import Settings

ROOT = Path(__file__).resolve().parents[1]
LOCK, MODULES = ROOT / "requirements.lock", ROOT / "lab/engine/tools/go.mod"
INSTALLED = (
    r"dpkg-query -W -f '${db:Status-Status}\t${binary:Package}\t${Version}\t${Architecture}\n'"
)
"""What a host is asked; one line a package, tabs between state, name, version, architecture."""
# Of a package in these states dpkg(1) has no program on the host any more.
_GONE = ("not-installed", "config-files")
# What the agent lays on hosts from the lock, not from Debian.
_LAID = "tlsrpt-reporter"
_PINNED = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")
_MODULE = re.compile(r"\t([^\s]+) (v[^\s]+)( // indirect)?")
Package = tuple[str, str | None, str | None]
"""Name, version and architecture of a Debian package; None where it is not known."""


def python(lock: str) -> list[Component]:
    """The packages of requirements.lock. Raises ValueError for one without a digest."""
    found = []
    for entry in re.split(r"\n(?=\S)", lock.replace("\\\n", " ").strip()):
        pinned = _PINNED.match(entry)
        digests = re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)
        if pinned is None or not digests:
            raise ValueError(f"requirements.lock: {entry[:60]!r} has no version or no digest")
        name, version = pinned[1], pinned[2]
        found.append(
            Component(
                name=name,
                version=version,
                type=ComponentType.LIBRARY,
                bom_ref=f"pkg:pypi/{name}@{version}",
                purl=PackageURL("pypi", None, name, version),
                # Of a package with several files the one that is installed has one of these.
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digests[0])]
                if len(digests) == 1
                else [],
                properties=[Property(name="mx:sha256", value=each) for each in digests],
            )
        )
    return found


def go(modules: str) -> list[Component]:
    """The modules of a go.mod, with what `replace` puts in their place."""
    replaced = dict(re.findall(r"^replace (\S+)(?: v\S+)? => (\S+ v\S+)$", modules, re.MULTILINE))
    found = []
    for name, version, _ in _MODULE.findall(modules):
        if name in replaced:
            name, version = replaced[name].split()
        space, _, last = name.rpartition("/")
        found.append(
            Component(
                name=name,
                version=version,
                type=ComponentType.LIBRARY,
                bom_ref=f"pkg:golang/{name}@{version}",
                purl=PackageURL("golang", space or None, last, version),
            )
        )
    return found


def asked_for(settings: Settings, host: str) -> list[Package]:
    """The packages that a host's manifests ask for; Debian's archive decides the version.

    Raises SettingsError when a file that the settings name cannot be read.
    """
    wanted = {name for each in manifests_of(settings, host, "mx/sbom") for name in each.packages}
    return [(name, None, None) for name in sorted(wanted)]


def installed(text: str) -> list[Package]:
    """The packages that a host told. Raises ValueError for a line that is none."""
    found: list[Package] = []
    for line in text.strip("\n").split("\n"):
        state, *fields = line.split("\t")
        if state in _GONE and len(fields) == 3:
            continue
        if len(fields) != 3 or not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?", fields[0]):
            raise ValueError(f"{line[:60]!a} is not a line of dpkg-query(1)")
        if not re.fullmatch(r"[A-Za-z0-9.+:~-]+", fields[1]):
            raise ValueError(f"{fields[1][:60]!a} is not the version of a package")
        found.append((fields[0].partition(":")[0], fields[1], fields[2]))
    return found


def document(settings: Settings, version: str, packages: Mapping[str, Iterable[Package]]) -> str:
    """The bill as JSON; `packages`: MX host to its packages, `version`: that of MX."""
    bom = Bom()
    product = Component(
        name="mx", version=version, type=ComponentType.APPLICATION, bom_ref=f"mx@{version}"
    )
    bom.metadata.component = product
    locked = python(LOCK.read_text())
    operator = [*locked, *go(MODULES.read_text())]
    known: dict[str, Component] = {str(each.bom_ref.value): each for each in operator}
    bom.register_dependency(product, operator)
    for host, listed in packages.items():
        system = _host(host, settings.hosts[host].debian)
        each_of = [_package(package, settings, settings.hosts[host].debian) for package in listed]
        each_of = [known.setdefault(str(each.bom_ref.value), each) for each in each_of]
        if settings.tls_reports is not None:
            each_of += [each for each in locked if each.name == _LAID]
        bom.components.add(system)
        bom.register_dependency(system, each_of)
    for each in known.values():
        bom.components.add(each)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _host(host: str, debian: int) -> Component:
    return Component(
        name="debian",
        version=str(debian),
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=f"host:{host}",
        properties=[Property(name="mx:host", value=host)],
    )


def _package(package: Package, settings: Settings, debian: int) -> Component:
    """A package of Debian, or of the other archive that the settings name for it.

    Its name is a package URL (https://github.com/package-url/purl-spec, type deb).
    """
    name, version, architecture = package
    qualifiers = {"distro": f"debian-{debian}"} | ({"arch": architecture} if architecture else {})
    vendor, source = "debian", settings.spam_filter.source
    if source is not None and name in settings.spam_filter.other_packages:
        vendor, qualifiers["repository_url"] = source.site, source.url
    purl = PackageURL("deb", vendor, name, version, qualifiers)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
    )
