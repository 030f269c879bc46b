"""Rollover of keys: slots that stay, and no moment at which the served key is not announced."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.services.test_certificates import module

STACK = {"rsaBits": 3072, "mx": "mx1.example.test", "rollover": 0}
CERTIFICATE = {
    "alias": "mx1_ecdsa",
    "name": "mx1.example.test",
    "algorithm": "ecdsa",
    "zone": "example.test",
}


def test_a_rollover_changes_the_slot_of_the_key_that_is_gone_only() -> None:
    slots = module("rollover").slots
    first = slots({}, "K1", "K2")
    assert first == {"a": "K1", "b": "K2"}
    assert slots(first, "K1", "K2") == first
    second = slots(first, "K2", "K3")
    assert second == {"a": "K3", "b": "K2"}
    assert slots(second, "K3", "K4") == {"a": "K3", "b": "K4"}
    assert slots(second, "K8", "K9") == {"a": "K8", "b": "K9"}


class Host:
    """One certificate's folder, DNS that follows on demand, and a certificate of any key."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rollover, self.openssl = module("rollover"), module("openssl")
        self.renewal, self.served = module("renewal"), module("served")
        monkeypatch.setattr(self.renewal, "DEHYDRATED", root)
        monkeypatch.setattr(self.served, "STATE", root)
        monkeypatch.setattr(self.rollover, "ANNOUNCED", root / "announced.json")
        monkeypatch.setattr(self.rollover.authoritative, "tlsa", self.tlsa)
        self.root, self.folder = root, Path(self.renewal.directory(CERTIFICATE))
        self.published: set[str] = set()
        self.late: set[str] = set()
        self.records = {"a": "", "b": ""}

    def tlsa(self, zone: str, name: str) -> tuple[set[str], set[str], int]:
        assert (zone, name) == ("example.test", "_25._tcp.mx1.example.test")
        return self.published - self.late, self.published, 300

    def roll(self, number: int) -> None:
        self.rollover.roll(CERTIFICATE, STACK | {"rollover": number})

    def install(self) -> None:
        """What a certificate for dehydrated's key leads to; the first one comes with its key."""
        key = self.folder / "privkey.pem"
        if not key.exists():
            self.openssl.make_key(key, "ecdsa", 3072)
        self.openssl.replace(self.served.chain_file(CERTIFICATE), key.read_bytes())
        self.rollover.next_key(CERTIFICATE, STACK)

    @property
    def serves(self) -> str:
        return str(self.openssl.spki_sha256(self.served.chain_file(CERTIFICATE)))

    def publish(self) -> list[str]:
        """What `up` does: a record of a slot whose key is another is replaced; those slots."""
        found = self.rollover.slotted(CERTIFICATE, STACK)
        changed = [slot for slot in found if self.records[slot] != found[slot]]
        for slot in changed:
            # The new one comes before the old one goes.
            self.published.add(found[slot])
            assert self.serves in self.published
            self.published -= {self.records[slot]}
            self.records[slot] = found[slot]
            assert self.serves in self.published
        return changed

    def age(self, seconds: int) -> None:
        """The key that is announced has been for so long."""
        path = self.root / "announced.json"
        then = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), then)))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path, monkeypatch)
    made.roll(0)
    made.install()
    assert made.publish() == ["a", "b"]
    return made


def test_the_served_key_is_announced_through_three_rollovers(host: Host) -> None:
    for number, slot in zip((1, 2, 3), itertools.cycle("ab"), strict=False):
        following = host.rollover.keys(CERTIFICATE, STACK)["next"]
        host.rollover.watch(CERTIFICATE, STACK)
        host.age(601)
        host.roll(number)
        # The key is there, its certificate is not: the old one is served, both stay announced.
        assert host.publish() == []
        assert host.serves in host.published
        host.install()
        assert host.serves == following
        assert host.serves in host.published
        assert host.publish() == [slot]
        host.roll(number)
        assert host.publish() == []


def test_a_switch_whose_certificate_does_not_come_makes_no_third_key(host: Host) -> None:
    before = host.rollover.keys(CERTIFICATE, STACK)
    host.rollover.watch(CERTIFICATE, STACK)
    host.age(601)
    host.roll(1)
    assert host.rollover.keys(CERTIFICATE, STACK) == before
    assert not (host.folder / "next.pem").exists()
    assert (host.folder / "privkey.pem").is_symlink()
    assert (host.folder / "privkey.pem").stat().st_mode & 0o777 == 0o600


def test_no_switch_before_every_server_has_announced_it_for_two_ttls(host: Host) -> None:
    trouble, key = module("").Trouble, (host.folder / "privkey.pem").read_bytes()
    following = host.rollover.keys(CERTIFICATE, STACK)["next"]
    host.late = {following}
    host.rollover.watch(CERTIFICATE, STACK)
    with pytest.raises(trouble, match="not every name server announces the next key"):
        host.roll(1)
    host.late = set()
    with pytest.raises(trouble, match=r"without the next key until .* UTC"):
        host.roll(1)
    host.age(599)
    with pytest.raises(trouble, match="without the next key"):
        host.roll(1)
    assert (host.folder / "privkey.pem").read_bytes() == key
    host.age(601)
    host.roll(1)
    assert (host.folder / "privkey.pem").read_bytes() != key


def test_without_any_tlsa_record_a_switch_waits_for_nothing(host: Host) -> None:
    following = host.rollover.keys(CERTIFICATE, STACK)["next"]
    host.published = set()
    host.roll(1)
    host.install()
    assert host.serves == following


def test_a_new_host_has_no_rollover_to_catch_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(tmp_path, monkeypatch)
    host.roll(3)
    host.install()
    key = (host.folder / "privkey.pem").read_bytes()
    host.roll(3)
    assert (host.folder / "privkey.pem").read_bytes() == key


def test_the_next_key_is_made_once_and_is_the_owners_only(host: Host) -> None:
    path = host.rollover.next_key(CERTIFICATE, STACK)
    digest: Any = host.openssl.spki_sha256(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert host.openssl.spki_sha256(host.rollover.next_key(CERTIFICATE, STACK)) == digest
    assert digest == digest.upper()
    assert len(digest) == 64
