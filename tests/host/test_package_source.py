"""Rspamd from another signed repository: taken, filtering, alone, and given back when it fails."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.services.spam_filter import source
from components.settings import given_files
from components.settings.environment import from_mapping
from components.settings.package_source import CODENAMES
from lab import container, send, topology
from tests.support.mapping import mapping
from tests.support.repository import Key, armour, release

from .conftest import Ssh, eventually
from .test_spam_filter import GTUBE, message, offer

pytestmark = pytest.mark.host

FOLDER, SERVER, DIRECT = "/srv/mx-vendor", "mx-vendor.service", "/etc/apt/apt.conf.d/61mx-vendor"
URL = "http://localhost:8099/vendor"
# Two newer versions of the installed package, the second without a program that works, and a newer
# package of another name.
BUILD = f"""set -e
rm -rf {FOLDER}
mkdir -p {FOLDER}/vendor/pool
cd {FOLDER}
version=$(dpkg-query -W -f '${{Version}}' rspamd)
apt-get -q download rspamd=$version >/dev/null 2>&1
dpkg-deb -R rspamd_*.deb build
pack() {{
  sed -i "s/^Version: .*/Version: $version+vendor$1/" build/DEBIAN/control
  dpkg-deb -Znone -b build vendor/pool/rspamd-$1.deb >/dev/null
  cp build/DEBIAN/control rspamd-$1
}}
pack 1
rm -f build/usr/bin/rspamadm
printf '#!/bin/sh\\necho this version takes no such file >&2\\nexit 1\\n' >build/usr/bin/rspamadm
chmod 0755 build/usr/bin/rspamadm
pack 2
rm -rf build
mkdir -p build/DEBIAN
printf '%s\\n' 'Package: postfix' 'Version: 99' 'Architecture: all' \\
  'Maintainer: Lab <lab@example.test>' 'Description: not wanted' >build/DEBIAN/control
dpkg-deb -b build vendor/pool/postfix-1.deb >/dev/null
cp build/DEBIAN/control postfix-1
systemd-run -q --unit={SERVER} python3 -m http.server 8099 --bind 127.0.0.1 --directory {FOLDER}
printf '%s\\n' 'Acquire::http::Proxy::localhost "DIRECT";' >{DIRECT}
printf %s "$version"
"""
INDEX = """cd {folder}
for each in {names}; do
  cat $each
  printf '%s\\n' "Filename: pool/$each.deb" "Size: $(stat -c %s vendor/pool/$each.deb)" \\
    "SHA256: $(sha256sum <vendor/pool/$each.deb | cut -d' ' -f1)" ''
done
"""
VERSION = "dpkg-query -W -f '${Version}' rspamd"
LEFT = f"ls {source.SOURCES} {source.PREFERENCES} {source.KEY} 2>/dev/null || true"
JUDGED = "journalctl -q --no-pager -u rspamd -g write_log.*out.sender.test -n 2"
LOOK = (
    "python3 -I -B /usr/local/lib/mx/mx_updates.py rspamd; "
    "grep -o '\"security\": [^]]*' /var/lib/mx-updates/state.json"
)


class Vendor:
    """A repository on mx1, which only mx1 reaches, and the bundles that take Rspamd from there."""

    def __init__(self, ssh: Ssh, stacks: Path) -> None:
        self.ssh, self.stacks, self.key = ssh, stacks, Key.new()
        record = json.loads(ssh("mx1", "cat /var/lib/mx-agent/bundles/spam-filter.json"))
        self.owner, self.text = record["owner"], record["text"]
        self.debian = int(ssh("mx1", ". /etc/os-release; echo $VERSION_ID"))
        self.version = ssh("mx1", BUILD)

    def publish(self, *names: str, key: Key | None = None) -> None:
        """Make the signed index of these packages."""
        suite = CODENAMES[self.debian]
        index = self.ssh("mx1", INDEX.format(folder=FOLDER, names=" ".join(names)))
        text = release(index.encode(), suite)
        dist = f"{FOLDER}/vendor/dists/{suite}"
        for path, content in {
            **{f"main/binary-{each}/Packages": index for each in ("amd64", "arm64")},
            "Release": text,
            "Release.gpg": (key or self.key).sign(text.encode()),
        }.items():
            write = ["sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', f"{dist}/{path}"]
            container.inside(topology.host("mx1"), write, stdin=content)

    def apply(self, manifest: str, well: bool = True) -> str:
        """Give the agent of mx1 a manifest; what the agent said."""
        argv = ["sh", "-c", "mx-agent apply 2>&1; echo exit $?"]
        said = container.inside(topology.host("mx1"), argv, stdin=manifest)
        assert said.endswith("exit 0\n" if well else "exit 1\n"), said
        return said

    def settings(self, url: str = URL) -> Any:
        """Settings with this repository."""
        (self.stacks / "vendor.asc").write_text(armour(self.key.public))
        own = {"url": url, "keyFile": "vendor.asc", "fingerprint": self.key.fingerprint}
        values = mapping() | {"spamFilter": {"source": own}}
        values["hosts"]["mx1"]["debian"] = self.debian
        return from_mapping(values)

    def take(self, url: str = URL, well: bool = True) -> str:
        """The bundle with the repository."""
        wanted = source.manifest(self.settings(url), "mx1", self.owner)
        assert wanted is not None
        return self.apply(wanted.text(), well)

    def upgrade(self, url: str = URL, well: bool = True) -> str:
        """The bundle of Rspamd as the host has it, from this repository."""
        words = source.words(self.settings(url).spam_filter.source, self.debian)
        manifest = json.loads(self.text) | {"newest": {"rspamd": words}}
        return self.apply(json.dumps(manifest), well)

    def clean(self) -> None:
        """Bring Debian's package back, as docs/operating.md says, and what was there before."""
        self.apply(self.text)
        self.ssh("mx1", "mx-agent remove spam-filter-source")
        debians = "$(apt-cache madison rspamd | awk '{print $3; exit}')"
        self.ssh("mx1", f"apt-get -q install -y --allow-downgrades rspamd={debians}")
        self.ssh("mx1", f"systemctl stop {SERVER}; rm -rf {FOLDER} {DIRECT}; apt-get -q update")


@pytest.fixture
def vendor(ssh: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    monkeypatch.setattr(given_files, "BASE", tmp_path)
    made = Vendor(ssh, tmp_path)
    try:
        yield made
    finally:
        made.clean()


def filtered(ssh: Ssh) -> None:
    """Mail that is fine is accepted, after a 4xx too, and the filter's test message refused."""
    answers: list[tuple[int, str]] = []
    # Greylisting knows mail by its body, and by sender and recipient: of another test's it waits.
    new = uuid.uuid4().hex
    sender, body = f"{new}@sender.test", f"The meeting is at ten o'clock, in room {new}.\n"

    def accepted() -> bool:
        answers.append(offer(send.Message(sender, "alice@example.test", "fine", body)))
        return answers[-1][0] == 250

    try:
        eventually(accepted, 180)
    except AssertionError as late:
        judged = ssh("mx1", JUDGED)
        raise AssertionError(f"{len(answers)} answers, the last: {answers[-1]}\n{judged}") from late
    code, text = offer(message("gtube", GTUBE))
    assert code == 554, text


def test_rspamd_of_a_signed_repository(ssh: Ssh, vendor: Vendor) -> None:
    debian = vendor.version

    # Signed by another key than the pinned one: refused, and nothing is left.
    vendor.publish("rspamd-1", "postfix-1", key=Key.new())
    said = vendor.take(well=False)
    assert "the repository of spamFilter.source cannot be used" in said
    assert (ssh("mx1", LEFT), ssh("mx1", VERSION)) == ("", debian)

    # The server of Debian's packages too: the pin would keep them away.
    said = vendor.take(f"http://{topology.MIRROR}/vendor", well=False)
    assert f"this entry has the server {topology.MIRROR} too" in said
    assert ssh("mx1", LEFT) == ""

    # Away: the same.
    vendor.publish("rspamd-1", "postfix-1")
    ssh("mx1", f"systemctl stop {SERVER}")
    assert "cannot be used" in vendor.take(well=False)
    assert (ssh("mx1", LEFT), ssh("mx1", VERSION)) == ("", debian)
    filtered(ssh)
    ssh(
        "mx1",
        f"systemd-run -q --unit={SERVER} python3 -m http.server 8099 --bind 127.0.0.1 "
        f"--directory {FOLDER}",
    )

    # There: an update of Rspamd waits, and none of another package.
    vendor.take()
    assert ssh("mx1", VERSION) == debian
    assert '"rspamd"' in ssh("mx1", LOOK)
    would = ssh("mx1", "apt-get --simulate dist-upgrade")
    assert re.search(r"^Inst rspamd .*vendor1", would, re.MULTILINE)
    assert "Inst postfix" not in would
    assert "99" not in ssh("mx1", "apt-cache policy postfix | grep -E 'Installed|Candidate'")

    # Taken, and it filters.
    vendor.upgrade()
    assert ssh("mx1", VERSION) == f"{debian}+vendor1"
    filtered(ssh)

    # A version that does not work goes, and the one before it comes back.
    vendor.publish("rspamd-1", "rspamd-2")
    vendor.take(f"{URL}/")
    said = vendor.upgrade(f"{URL}/", well=False)
    assert "this version takes no such file" in said
    assert f"rspamd {debian}+vendor1 is installed again" in said
    assert ssh("mx1", VERSION) == f"{debian}+vendor1"
    # The package has restarted Rspamd, which puts mail off until it has read its files.
    filtered(ssh)

    # The setting is taken out: what is installed stays, and no repository has it.
    vendor.apply(vendor.text)
    ssh("mx1", "mx-agent remove spam-filter-source")
    assert (ssh("mx1", LEFT), ssh("mx1", VERSION)) == ("", f"{debian}+vendor1")
