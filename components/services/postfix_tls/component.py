"""TLS of Postfix: three sections of main.cf, in a bundle of its own.

Stands after Certificates: the chain files named in main.cf must exist when Postfix reloads.
"""

from __future__ import annotations

from components.host.manifest import OWNED, File, Manifest, RunProbe, TcpProbe, Unit, UnitProbe
from components.services.certificates import dehydrated
from components.services.certificates.component import Certificates
from components.services.postfix import main_cf as postfix_main
from components.services.postfix import tls_profiles
from components.services.postfix import tls_sections as postfix_tls
from components.services.postfix.component import ASSEMBLE, CHECK, DIRECTORY, UNIT, outsider
from components.services.service import Service, Site
from components.settings.environment import Settings

_ANSWERS_STARTTLS = [
    *("openssl", "s_client", "-connect", "127.0.0.1:25", "-starttls", "smtp"),
    *("-brief", "-no_ign_eof"),
]


def manifest(settings: Settings, host: str, owner: str, chain_files: list[str]) -> Manifest:
    """What TLS adds to the host. `chain_files`: key and chain a file, in order of preference."""
    files = {
        f"{DIRECTORY}/main.cf.d/{name}": File(text)
        for name, text in postfix_main.tls_sections(settings, host, chain_files).items()
    }
    baseline = tls_profiles.openssl_cnf(tls_profiles.PROFILES[settings.postfix.tls.server_profile])
    directories = {}
    if baseline is not None:
        directories["/etc/postfix/tls"] = OWNED
        files[postfix_tls.OPENSSL_CNF] = File(baseline)
    return Manifest(
        bundle="postfix-tls",
        owner=owner,
        directories=directories,
        files=files,
        assemble=ASSEMBLE,
        check=CHECK,
        units={UNIT: Unit()},
        probe=[
            UnitProbe(UNIT),
            TcpProbe("127.0.0.1:25", expect="220 "),
            RunProbe(_ANSWERS_STARTTLS),
            *outsider(settings, host),
        ],
    )


class PostfixTls(Service):
    """Creates: the bundle `postfix-tls`, once the certificates are there. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:PostfixTls", "postfix-tls"
    UNITS = (UNIT,)
    MAIL_PATH = ("postfix",)
    MANUAL = "TLS"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the host has certificates."""
        return settings.certificates is not None

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        chain_files = dehydrated.chain_files(site.settings.hosts[site.key].hostname)
        return [manifest(site.settings, site.key, site.owner, chain_files)]

    def make(self) -> None:
        """Make the bundle; its text is known with the chain files, which order it by data flow."""
        place = self.place
        self.bundle = self.put(
            manifest(place.settings, place.key, self.owner, ["(known with the certificates)"]),
            after=place.after("postfix", "tls-reports"),
            text=place.the(Certificates).chain_files.apply(
                lambda files: manifest(place.settings, place.key, self.owner, files).text()
            ),
        )
