"""The words that stand for something in the commands of the runbooks (docs/runbooks/README.md)."""

from __future__ import annotations

import re

from tests.support.stacks import ROOT

_COMMAND = re.compile(r"^    (\S.*)$", re.MULTILINE)
_MX = re.compile(r"mx [a-z]+ STACK HOST\b[^|;]*?(?:'[^']*'|$)")


def test_only_mx_takes_the_key_of_a_host_and_others_its_name() -> None:
    """`_25._tcp.mx1` does not exist, which reads as `no TLSA record`."""
    pages = sorted((ROOT / "docs/runbooks").glob("Mx*.md"))
    lines = [line for page in pages for line in _COMMAND.findall(page.read_text())]
    assert len(lines) > len(pages)
    assert [line for line in lines if re.search(r"\bHOST\b", _MX.sub("", line))] == []
