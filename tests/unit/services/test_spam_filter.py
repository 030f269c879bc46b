"""What a bundle of the spam filter has, by release of Debian."""

from __future__ import annotations

import pytest

from components.services.spam_filter import component as spam_filter
from components.settings.environment import from_mapping
from tests.support.mapping import mapping


@pytest.mark.parametrize(
    ("debian", "path"),
    [(12, "/etc/rspamd/local.d/rspamd.lua"), (13, "/etc/rspamd/lua.local.d/mx_dependencies.lua")],
)
def test_what_defers_mail_lies_where_rspamd_reads_it(debian: int, path: str) -> None:
    values = mapping()
    values["hosts"]["mx1"]["debian"] = debian
    files = spam_filter.manifest(from_mapping(values), "mx1", "mx/test").files
    assert [name for name in files if "MX_DEPENDENCIES" in files[name].content] == [path]
