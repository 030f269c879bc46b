"""The planned Postfix is judged under the real engine: refused, or told, before any resource."""

from __future__ import annotations

import json
import shutil

import pytest

from .conftest import ROOT, Project
from .test_zones import settings

pytestmark = pytest.mark.engine


def test_postfix_that_would_not_start_is_refused_with_its_path(project: Project) -> None:
    mail = settings()
    extra = {"relayhost": "$myhostname", "smtpd_tls_security_level": "encrypt"}
    mail["postfix"] = {"extra": extra}
    text = json.dumps({"config": {"mx:mail": mail}})
    (project.folder / "stacks" / "Pulumi.judged.yaml").write_text(text)
    shutil.copy(ROOT / "__main__.py", project.folder / "__main__.py")
    project.init("judged")
    done = project.run("preview", "--stack", "judged")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    path = "stacks/Pulumi.judged.yaml: mx:mail.postfix.extra.relayhost"
    assert f"{path}: is myhostname: Postfix does not start; name the next hop" in output
    assert "audit: mx:mail.postfix.extra.smtpd_tls_security_level: senders without TLS" in output
    assert "Traceback" not in output
    assert "command:remote" not in output
