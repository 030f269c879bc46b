"""Hashes of the controller's password, against what `rspamadm pw` made."""

from __future__ import annotations

from components.services.spam_filter import password as rspamd_password


def test_hash_is_rspamds_own() -> None:
    # rspamadm pw -q -e -t pbkdf2 -p 'lab password', Rspamd 3.12.1; its salt in bytes.
    derived = "tjy4x36cb64cgsa6tufz6tcm6jms6bubpjxxdaqg7m1y8sfunfby"
    salt = bytes.fromhex("80315d59a81758e8ffee28019fa961d2802fc7a8")
    assert (
        rspamd_password.hashed("lab password", salt)
        == f"$1$ycc4icbizyso6957ejy63wgc1gy91ddi${derived}"
    )


def test_a_password_longer_than_a_blake2b_key_too() -> None:
    derived = "n33am9emrkaifocqqgndyzkdtehmtg65nu4o4g9to8hwk9z5ka3b"
    salt = bytes.fromhex("d2e35ee4efc4e257911b636f97bd6444f0d952b8")
    assert (
        rspamd_password.hashed("x" * 100, salt) == f"$1$16a7f197rsaxieqdd55q361crnhupjbz${derived}"
    )


def test_a_salt_belongs_to_its_name_and_stays() -> None:
    assert rspamd_password.salt("mx/lab/mx1") == rspamd_password.salt("mx/lab/mx1")
    assert rspamd_password.salt("mx/lab/mx1") != rspamd_password.salt("mx/lab/mx2")
    assert len(rspamd_password.salt("mx/lab/mx1")) == 20
