"""What programs of root write, as the kernel saw it: nothing below another user's directory.

tests/long/path-walk traces every process of root on a host while everything works.
"""

from __future__ import annotations

import pytest

from tests.support.path_trace import CALLS, Trace, foreign

from .conftest import Ssh

pytestmark = pytest.mark.host

LOG = "/run/root-paths"
PROGRAMS = (
    "env PYTHONPATH=/usr/local/lib/mx python3 -B -P -m mx_collect",
    "python3 -I /usr/local/lib/mx/mx_updates.py",
    "mx-agent status",
    "mx-certificates renew",
    "sh -c 'echo example.test mx1 | /usr/local/lib/mx/dkim-keys show'",
    "sh -c 'echo planted >/var/lib/prometheus/node-exporter/planted'",
)


def test_root_writes_below_no_foreign_directory(ssh: Ssh) -> None:
    ssh("mx1", "command -v strace || apt-get -q install -y strace")
    trace = Trace()
    for program in PROGRAMS:
        call = f"strace -f -y -qq -s 4096 -o {LOG} -e trace={CALLS} -e signal=none {program}"
        trace.read(ssh("mx1", f"{call} >/dev/null && cat {LOG}; rm {LOG}").splitlines())
    ssh("mx1", "rm /var/lib/prometheus/node-exporter/planted")
    assert len(trace.written) > 3
    # The last program does it, so that a trace which sees nothing does not pass.
    found = foreign(ssh, "mx1", trace)
    assert [line.partition(" ")[0] for line in found] == [
        "/var/lib/prometheus/node-exporter/planted"
    ]
