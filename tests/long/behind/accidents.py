"""What brings a host behind the stack, made on the host itself; tests of the gate use it too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Ssh = Callable[[str, str], str]
BUNDLES = "/var/lib/mx-agent/bundles"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def manifest(ssh: Ssh, host: str, bundle: str) -> dict[str, Any]:
    """What was applied last, from the host's record."""
    record = json.loads(ssh(host, f"cat {BUNDLES}/{bundle}.json"))
    found: dict[str, Any] = json.loads(record["text"])
    return found


def apply(
    ssh: Ssh, host: str, wanted: dict[str, Any], *, succeeds: bool = True, agent: str = "mx-agent"
) -> None:
    """Apply a manifest by hand, as another operator or the past would have."""
    text = json.dumps(wanted).replace("'", "'\\''")
    done = ssh(host, f"printf %s '{text}' | {agent} apply 2>&1 >/dev/null; echo $?").strip()
    assert (done.endswith("0")) == succeeds, done


def without_bob(ssh: Ssh, host: str) -> None:
    """The recipients are those of before bob came."""
    older = manifest(ssh, host, "mail-database")
    rows = older["files"]["/etc/mx-database/content/recipient"]
    rows["content"] = "".join(
        line for line in rows["content"].splitlines(True) if line.split() != ["example.test", "bob"]
    )
    apply(ssh, host, older)


def small_limit(ssh: Ssh, host: str, agent: str = "mx-agent") -> None:
    """Postfix has the size limit of before."""
    older = manifest(ssh, host, "postfix")
    section = older["files"]["/etc/postfix/main.cf.d/10-general.cf"]
    section["content"] = re.sub(
        r"(?m)^(message_size_limit = ).*", r"\g<1>1000000", section["content"]
    )
    apply(ssh, host, older, agent=agent)


def small_limit_by_a_clock_set_back(ssh: Ssh, host: str) -> None:
    """The same, applied when the host's clock was 400 days behind. Needs Debian's faketime."""
    environment = f"LD_PRELOAD={FAKETIME} FAKETIME=-400d DONT_FAKE_MONOTONIC=1"
    # What systemd starts has the right clock; the agent alone believes the wrong one.
    small_limit(ssh, host, agent=f"env {environment} mx-agent")


def former_agent(ssh: Ssh, host: str) -> None:
    """The agent is another release."""
    ssh(host, "echo '# as it was' >>/usr/local/sbin/mx-agent")


def healed_once(ssh: Ssh, host: str, bundle: str) -> None:
    """Make a bundle drift, so that the next `up` gives its call a number."""
    [unit, *_] = json.loads(ssh(host, f"cat {BUNDLES}/{bundle}.json"))["units"]
    ssh(host, f"systemctl stop {unit}")


def removed(ssh: Ssh, host: str, bundle: str = "tls-reports") -> None:
    """Somebody removed a bundle."""
    ssh(host, f"mx-agent remove {bundle}")


def marked_as_failed(ssh: Ssh, host: str, bundle: str = "resolver") -> None:
    """A change of a bundle failed and was undone."""
    failing = manifest(ssh, host, bundle)
    failing["check"] = [{"run": ["false"]}]
    apply(ssh, host, failing, succeeds=False)


def marked_for_a_bundle_of_before(ssh: Ssh, host: str) -> None:
    """The first change of a bundle failed that no setting asks for any more."""
    failing = manifest(ssh, host, "resolver") | {"bundle": "monitoring-of-before"}
    failing["check"] = [{"run": ["false"]}]
    apply(ssh, host, failing, succeeds=False)


def same_files_by_another_manifest(ssh: Ssh, host: str) -> None:
    """Nothing but the manifest differs."""
    other = manifest(ssh, host, "redis")
    other["probe"] = []
    apply(ssh, host, other)


def drifted(ssh: Ssh, host: str) -> list[str]:
    """The bundles that the host itself says differ from its record."""
    status = json.loads(ssh(host, "mx-agent status"))
    return [name for name, each in status["bundles"].items() if each["drift"]]
