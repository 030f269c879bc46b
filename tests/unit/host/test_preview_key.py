"""The limited key of docs/forge.md prints all that a preview reads."""

from __future__ import annotations

import re

from components.host.drift import RENEWALS, UPDATES
from tests.support.stacks import ROOT


def test_the_documented_command_lacks_a_file_that_previews_read() -> None:
    text = (ROOT / "docs/forge.md").read_text()
    [command] = re.findall(r'restrict,command="([^"]+)"', text)
    noted = "".join(f"test -r {file} && cat {file}; echo; " for file in (RENEWALS, UPDATES))
    agent = "/usr/local/sbin/mx-agent"
    assert command == f"cat /etc/machine-id; sha256sum {agent}; {noted}exec {agent} status"
