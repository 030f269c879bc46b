"""An OpenPGP public key (Ed25519) as gpg made it, with the fingerprint that gpg prints."""

from __future__ import annotations

FINGERPRINT = "8D1289EAE0A707E7EF3C23F41393BC2B6B298845"
ARMOUR = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawt4YRYJKwYBBAHaRw8BAQdAxhLaXmQ+dy/gn1LlzQ3X/fnxH93X7Hs4Vs2L
lKeLeyi0MVJlcG9zaXRvcnkgb2YgdGhlIHRlc3RzIDxyZXBvc2l0b3J5QGV4YW1w
bGUudGVzdD6IkAQTFggAOBYhBI0Siergpwfn7zwj9BOTvCtrKYhFBQJrC3hhAhsD
BQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEBOTvCtrKYhFuHoA/0f34+/WGoJo
Wee/rdbFjy+KN78iFecrC0a1fr1Q6NC4AP9ubCymV1cleauDZtRq/PnnAMdvOO61
i8sqoS37lZj9CQ==
=pVy1
-----END PGP PUBLIC KEY BLOCK-----
"""
