"""The key of an apt repository: read from armour, and held against the pinned fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.services.spam_filter import source
from components.settings import given_files, openpgp
from components.settings.environment import SettingsError, from_mapping
from tests.support.mapping import mapping
from tests.support.openpgp_key import ARMOUR, FINGERPRINT
from tests.support.repository import Key, armour

OTHER = Key.new()
PACKETS = OTHER.public
URL = "https://apt.example.test/rspamd"


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(given_files, "BASE", tmp_path)
    (tmp_path / "key.asc").write_text(ARMOUR)
    return tmp_path


def settings(**changed: Any) -> Any:
    own = {"url": URL, "keyFile": "key.asc", "fingerprint": FINGERPRINT} | changed
    return from_mapping(mapping() | {"spamFilter": {"source": own}})


def test_fingerprint_is_the_one_that_gpg_prints() -> None:
    found, written = openpgp.public_key(ARMOUR)
    assert found == FINGERPRINT
    assert openpgp.public_key(written) == (FINGERPRINT, written)
    assert openpgp.public_key(armour(PACKETS))[0] == OTHER.fingerprint


def test_text_around_a_key_does_not_reach_hosts(base: Path) -> None:
    (base / "key.asc").write_text(f"Types: deb\r\n{ARMOUR}\nURIs: http://x".replace("\n", "\r\n"))
    manifest = source.manifest(settings(), "mx1", "me")
    assert manifest is not None
    text = manifest.files[source.KEY].content
    assert "URIs" not in text
    assert "\r" not in text


def old_style(data: bytes) -> bytes:
    """The packet head of RFC 4880 section 4.2.1, as gpg writes it, with a length of two bytes."""
    length = int.from_bytes(data[2:6], "big")
    return bytes([0x80 | (data[0] & 0x3F) << 2 | 1]) + length.to_bytes(2, "big") + data[6:]


BAD = {
    "nothing": ("", "has 0 blocks"),
    "no armour": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "has 0 blocks"),
    "two blocks": (ARMOUR * 2, "has 2 blocks"),
    "two keys in one block": (armour(PACKETS * 2), "holds several keys"),
    "private key": (ARMOUR.replace("PUBLIC", "PRIVATE"), "holds a private key"),
    "private key under another name": (armour(bytes([0xC5]) + PACKETS[1:]), "a private key"),
    "damaged": (armour(b"\x00" + PACKETS), "is damaged"),
    "cut off": (armour(PACKETS[:-9]), "is cut off"),
    "cut off in a length": (armour(PACKETS[:3]), "is cut off"),
    "no Base64": (ARMOUR.replace("mDME", "mDM="), "is not Base64"),
    "a message": (armour(bytes([0xCB, 1, 0x62])), "a packet of type 11"),
    "a message after the key": (armour(PACKETS + bytes([0xCB, 1, 0x62])), "a packet of type 11"),
    "a length that is not known": (armour(bytes([0x9B]) + PACKETS), "without a length"),
    "parts": (armour(bytes([0xC6, 0xE9, 4])), "written in parts"),
    "old version": (armour(bytes([0xC6, 2, 3, 1])), "not of version 4"),
    "another key": (armour(PACKETS), f"has the fingerprint {OTHER.fingerprint}, and spamFilter"),
    "no ASCII": (ARMOUR + "\u00e4", "is not ASCII armour"),
}


@pytest.mark.parametrize("case", BAD)
def test_key_is_refused_before_any_host_is_touched_when_it_is(case: str, base: Path) -> None:
    text, words = BAD[case]
    (base / "key.asc").write_text(text)
    with pytest.raises(SettingsError, match=words) as found:
        source.manifest(settings(), "mx1", "me")
    assert str(found.value).startswith(str(base / "key.asc"))
    assert "mDME" not in str(found.value)


def test_packets_with_the_heads_of_old_are_read() -> None:
    (first, *_) = [PACKETS[: 6 + int.from_bytes(PACKETS[2:6], "big")]]
    assert openpgp.public_key(armour(old_style(first)))[0] == OTHER.fingerprint


def test_key_outside_of_stacks_is_refused(base: Path) -> None:
    (base / "key.asc").unlink()
    (base / "key.asc").symlink_to("/etc/hostname")
    with pytest.raises(SettingsError, match="outside of stacks/"):
        source.manifest(settings(), "mx1", "me")


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "file:///srv/x"},
        {"url": "https://user:word@apt.example.test/x"},
        {"url": "https://apt.example.test/x y"},
        {"url": "https://APT.example.test/x"},
        {"url": "https://apt.example.test/x\nTrusted: yes"},
        {"suite": "trixie\nTrusted: yes"},
        {"suite": "./"},
        {"suite": "{host}"},
        {"components": []},
        {"components": ["main contrib"]},
        {"fingerprint": FINGERPRINT[:16]},
        {"keyFile": "/etc/passwd"},
    ],
)
def test_value_that_apt_would_read_otherwise_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"spamFilter\.source\."):
        settings(**changed)


def test_fingerprint_may_be_in_lower_case() -> None:
    assert source.manifest(settings(fingerprint=FINGERPRINT.lower()), "mx1", "me") is not None
