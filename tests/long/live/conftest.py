"""The lab of the host ring, once for all tests of this folder."""

from __future__ import annotations

from tests.host.conftest import lab, pulumi, ssh

__all__ = ["lab", "pulumi", "ssh"]
