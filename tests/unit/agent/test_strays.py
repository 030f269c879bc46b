"""Files that no bundle owned when one took their directory over, and that another one has later."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.agent_host import Staged, file, manifest

DIRECTORY = "/etc/postfix/main.cf.d"
TLS = f"{DIRECTORY}/60-tls.cf"


def postfix(text: str) -> str:
    owner = {"owner": "root", "group": "root", "mode": "0755", "exclusive": True}
    return manifest(
        bundle="postfix", directories={DIRECTORY: owner}, files={f"{DIRECTORY}/10.cf": file(text)}
    )


def test_host_that_lost_its_records_keeps_the_files_of_the_bundle_that_came_second(
    root: Path, agent: Staged
) -> None:
    tls = manifest(bundle="postfix-tls", files={TLS: file("tls\n")})
    agent.apply(postfix("a\n"))
    agent.apply(tls)
    shutil.rmtree(root / "var/lib/mx-agent")

    agent.apply(postfix("a\n"))
    agent.apply(tls)
    agent.apply(postfix("b\n"))
    assert (root / TLS.lstrip("/")).read_text() == "tls\n"
    assert agent.status()["bundles"]["postfix-tls"]["drift"] == []
    agent.remove("postfix")
    assert (root / TLS.lstrip("/")).read_text() == "tls\n"
