"""What `spamFilter.source` adds to hosts with Debian 12 and 13, compared with what was reviewed.

No example stack has this setting, because such a stack could not be applied without the repository.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from components.mail_exchanger import manifests_of
from components.settings import given_files
from components.settings.environment import from_mapping
from tests.support import openpgp_key
from tests.support.mapping import mapping

from .test_golden import compare, without_contents

HERE = Path(__file__).parent
SOURCE = {
    "url": "https://apt.example.test/rspamd",
    "keyFile": "rspamd.asc",
    "fingerprint": openpgp_key.FINGERPRINT,
}


def test_files_of_another_repository_are_the_reviewed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_files, "BASE", tmp_path)
    (tmp_path / "rspamd.asc").write_text(openpgp_key.ARMOUR)
    plain = mapping()
    plain["hosts"]["mx2"]["debian"] = 12
    wanted = from_mapping(plain | {"spamFilter": {"source": SOURCE}})
    found: dict[str, str] = {}
    for host in ("mx1", "mx2"):
        before = {each.bundle: each for each in manifests_of(from_mapping(plain), host, "mx/one")}
        after = manifests_of(wanted, host, "mx/one")
        changed = [each for each in after if before.get(each.bundle) != each]
        assert [each.bundle for each in changed] == ["updates", "spam-filter-source", "spam-filter"]
        updates, other, rspamd = changed
        assert rspamd.files == before["spam-filter"].files
        found[f"{host}/newest.txt"] = f"{dict(rspamd.newest)}\n"
        found[f"{host}/manifest.json"] = without_contents(other)
        look = "/etc/systemd/system/mx-updates.service"
        found[f"{host}/files{look}"] = updates.files[look].content
        found |= {
            f"{host}/files{path}": file.content
            for path, file in other.files.items()
            if not path.endswith(".py")
        }
    compare(found, HERE / "package-source")
