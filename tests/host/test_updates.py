"""Unattended security updates really happen on a host, and its metrics tell what still waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.services.updates import apt
from components.settings.environment import from_mapping
from tests.support.mapping import mapping

from .conftest import Ssh

pytestmark = pytest.mark.host

REPOSITORY, SOURCE = "/srv/mx-probe", "/etc/apt/sources.list.d/mx-probe.list"
PROM = "/var/lib/mx-collect/textfile/mx.prom"
# A package of the mail path, by its name, and one that is none; version 1 is installed, and the
# repository, which calls itself Debian's one for security, has version 2 (deb-control(5),
# https://wiki.debian.org/DebianRepository/Format).
PUBLISH = f"""set -e
. /etc/os-release
mkdir -p {REPOSITORY}
cd {REPOSITORY}
for name in mx-probe postfix-probe; do
  for version in 1 2; do
    mkdir -p build/DEBIAN
    printf '%s\\n' "Package: $name" "Version: $version" 'Architecture: all' \\
      'Maintainer: Lab <lab@example.test>' 'Description: probe' >build/DEBIAN/control
    dpkg-deb -b build $name-$version.deb >/dev/null
  done
  dpkg -i $name-1.deb >/dev/null
  cat build/DEBIAN/control
  printf '%s\\n' "Filename: ./$name-2.deb" "Size: $(stat -c %s $name-2.deb)" \\
    "SHA256: $(sha256sum <$name-2.deb | cut -d' ' -f1)" ''
done >Packages
printf '%s\\n' 'Origin: Debian' 'Label: Debian-Security' "Codename: $VERSION_CODENAME-security" \\
  'Suite: stable-security' "Date: $(LC_ALL=C date -uR)" SHA256: \\
  " $(sha256sum <Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages" >Release
echo 'deb [trusted=yes] file:{REPOSITORY} ./' >{SOURCE}
mv /etc/apt/sources.list /etc/apt/sources.list.away
apt-get -q update
"""
CLEAN = (
    f"mv /etc/apt/sources.list.away /etc/apt/sources.list; rm -rf {REPOSITORY} {SOURCE} "
    f"/etc/apt/apt.conf.d/61mx-probe; apt-get -q purge -y unattended-upgrades mx-probe "
    "postfix-probe; apt-get -q update; systemctl start mx-updates mx-collect"
)
LOOK = (
    "systemctl start mx-updates mx-collect; "
    f"""sed -n 's/mx_updates_pending{{kind="security"}} //p' {PROM}"""
)
VERSIONS = "dpkg-query -W -f '${Version} ' mx-probe postfix-probe"


@pytest.fixture
def published(ssh: Ssh) -> Iterator[None]:
    """The probes' updates wait on mx1, which has the settings of a host with `unattended`."""
    chosen = from_mapping(mapping() | {"updates": {"unattended": True}})
    ssh("mx1", "apt-get -q install -y unattended-upgrades")
    try:
        ssh("mx1", PUBLISH)
        ssh(
            "mx1",
            f"cat >/etc/apt/apt.conf.d/61mx-probe <<'END'\n{apt.config(chosen, ['postfix'])}END",
        )
        yield
    finally:
        ssh("mx1", CLEAN)


@pytest.mark.usefixtures("published")
def test_a_security_update_is_installed_and_one_of_the_mail_path_waits(ssh: Ssh) -> None:
    assert ssh("mx1", VERSIONS) == "1 1 "
    assert ssh("mx1", LOOK) == "2\n"
    ssh("mx1", "rm -f /var/lib/apt/periodic/upgrade-stamp; systemctl start apt-daily-upgrade")
    assert ssh("mx1", VERSIONS) == "2 1 "
    assert ssh("mx1", LOOK) == "1\n"
    waits = 'mx_updates_waiting_since_timestamp_seconds{kind="security"}'
    assert ssh("mx1", f"grep -cF '{waits}' {PROM}") == "1\n"
