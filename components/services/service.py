"""What every service of an MX host has in common: its place on the host and its face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import pulumi

from components.dns.api import DnsApi
from components.host.bundle import Bundle
from components.host.component import Host
from components.host.manifest import Manifest
from components.settings.environment import Settings

S = TypeVar("S", bound="Service")


@dataclass(frozen=True)
class Site:
    """One MX host of a stack, as far as the settings describe it.

    `key` is the host's key in the settings, `owner` how the host names the stack. `services` are
    all services that may be on an MX host, wanted on this one or not.
    """

    key: str
    settings: Settings
    owner: str
    services: tuple[type[Service], ...]

    @property
    def units(self) -> list[str]:
        """The systemd units of all services, each once."""
        return list(dict.fromkeys(unit for each in self.services for unit in each.UNITS))

    @property
    def mail_path(self) -> list[str]:
        """The beginnings of names of packages whose update stops mail for a moment."""
        return sorted({name for each in self.services for name in each.MAIL_PATH})


@dataclass(frozen=True)
class Place(Site):
    """Where a service is made: a site, with the services made there before.

    `host` is the component that reaches the host. `api` and `rspamd_password` are secrets of the
    stack's configuration that single services need.
    """

    host: Host
    api: DnsApi
    rspamd_password: str | None = None
    made: dict[str, Service] = field(default_factory=dict)

    def find(self, service: type[S]) -> S | None:
        """The service on this host, or None where the settings do not want it."""
        found = self.made.get(service.SUFFIX)
        return found if isinstance(found, service) else None

    def the(self, service: type[S]) -> S:
        """The service that stands before on every host. Raises KeyError where it does not."""
        found = self.find(service)
        if found is None:
            raise KeyError(f"{service.__name__} does not stand before on {self.key}")
        return found

    def after(self, *suffixes: str) -> list[pulumi.Resource]:
        """What to wait for: the last bundle of each of these services that the host has."""
        return [self.made[each].bundle.command for each in suffixes if each in self.made]


class Service(pulumi.ComponentResource):
    """The bundles of one service on one host. Provides: `bundle`, the last of them.

    TOKEN is the type in the engine's state, SUFFIX the end of the resource's name; neither may ever
    change. AFTER: the suffixes of the services whose last bundle the first one waits for; without
    any it waits for the host's packages. UNITS are the systemd units that the service runs: the
    exporter and the alerts know them from here. No alert expects a unit of UNWATCHED to be active.
    MAIL_PATH are beginnings of names of Debian packages whose update stops mail for a moment.
    SETTINGS is the section of the stack file that is about the service alone, or None. MANUAL is
    the heading in docs/operating.md with more than the summary that docs/services.md takes from the
    docstring of the service's package, or None.
    """

    TOKEN: ClassVar[str]
    SUFFIX: ClassVar[str]
    AFTER: ClassVar[tuple[str, ...]] = ()
    UNITS: ClassVar[tuple[str, ...]] = ()
    UNWATCHED: ClassVar[tuple[str, ...]] = ()
    MAIL_PATH: ClassVar[tuple[str, ...]] = ()
    SETTINGS: ClassVar[str | None] = None
    MANUAL: ClassVar[str | None] = None

    bundle: Bundle

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the settings put the service on this host; most services are on every one."""
        return True

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The manifests of its bundles in their order, those with nothing but secrets left out.

        Raises SettingsError when a file that the settings name cannot be read.
        """
        raise NotImplementedError(f"{cls.__name__} has no manifests")

    def __init__(self, place: Place, opts: pulumi.ResourceOptions) -> None:
        super().__init__(self.TOKEN, f"{place.key}-{self.SUFFIX}", None, opts)
        self.place = place
        place.made[self.SUFFIX] = self
        self.child = pulumi.ResourceOptions(parent=self)
        self.make()
        self.register_outputs({})

    def make(self) -> None:
        """Make the bundles. By default there is one, from the only manifest."""
        (manifest,) = self.manifests(self.place)
        self.bundle = self.put(manifest)

    @property
    def owner(self) -> str:
        """How the host names the stack that it belongs to."""
        return self.place.owner

    def put(
        self,
        manifest: Manifest,
        after: Sequence[pulumi.Resource] | None = None,
        text: pulumi.Input[str] | None = None,
        keep: bool = False,
    ) -> Bundle:
        """Make the bundle of a manifest, after `after` in place of AFTER.

        `text`: the manifest's text where it depends on an output of another resource. `keep`: the
        state's manifest stays, if the state has one.
        """
        if after is None:
            after = self.place.after(*self.AFTER) or [self.place.host.ready]
        return Bundle(
            f"{self.place.key}-{manifest.bundle}",
            self.place.host.target,
            manifest,
            self.child,
            depends_on=after,
            secret=manifest.secret,
            text=text,
            keep=keep,
        )
