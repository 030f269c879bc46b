"""The reports in docs/previews are made by today's program: a stale one is red here.

`GOLDEN_WRITE=1 scripts/test tests/graph/test_previews.py` writes them anew; review their diff.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest

from components.host.answer import describe
from components.host.seen import Seen
from components.protocol import warnings
from components.settings.environment import SettingsError, from_mapping
from tests.support.stacks import ROOT
from tools.preview.budget import FORGES
from tools.preview.build import build
from tools.preview.markdown import markdown
from tools.preview.model import Report
from tools.preview.read import read

from .preview import STACK, Change, States, held, lab, plan, states

EXAMPLES = ROOT / "docs/previews"
HOSTS = ("mx1", "mx2")
CHANGED = {
    "path": "/etc/postfix/main.cf.d/80-restrictions.cf",
    "what": "content changed",
    "diff": ["@@ -4 +4 @@", "-smtpd_helo_required = yes", "+smtpd_helo_required = no"],
}
# Host and bundle to what the agent finds otherwise there.
DRIFT: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("mx1", "mail-database"): [
        {
            "name": "database mail",
            "what": "differs",
            "diff": ["-recipient example.test bob", "+recipient example.test mallory"],
        }
    ],
    ("mx1", "postfix"): [CHANGED, {"path": "/etc/postfix/tables/client", "what": "mode 0666"}],
    ("mx1", "resolver"): [
        {"unit": "unbound.service", "what": "not active since Sat 2026-11-28 03:12:07 UTC"}
    ],
}
THEIRS = "198.18.77.98"
ADDRESS = "dns-a-mx2"


def size(mail: dict[str, Any]) -> None:
    mail["postfix"] = {"messageSizeLimitBytes": 30000000}


def new_domain(mail: dict[str, Any]) -> None:
    mail["domains"]["lists.example.test"] = {
        "mailboxHost": "mailbox1",
        "recipients": ["announce"],
        "records": {"mtaStsCname": "example.test"},
    }


def leaves(mail: dict[str, Any]) -> None:
    mail["hosts"]["mx2"]["leaving"] = True


def profile(mail: dict[str, Any]) -> None:
    mail["certificates"]["acmeProfile"] = "shortlived"


def several(mail: dict[str, Any]) -> None:
    size(mail)
    mail["domains"]["example.test"]["recipients"].append("carol")
    mail["dns"]["ttlSeconds"] = 600


def nowhere(mail: dict[str, Any]) -> None:
    mail["domains"]["example.test"]["mailboxHost"] = "mailbox"


@cache
def _before() -> str:
    """The lab as it is, as JSON: a copy for each change."""
    return json.dumps(states(lab(), dict.fromkeys(HOSTS, Seen())))


def before() -> States:
    known: States = json.loads(_before())
    return known


def seen(known: States, behind: Iterable[tuple[str, str]] = ()) -> dict[str, Seen]:
    applied = held(known)
    return {
        host: Seen(
            True,
            {"bundles": {}},
            held=applied,
            behind=frozenset(bundle for where, bundle in behind if where == host),
        )
        for host in HOSTS
    }


def changed(change: Change) -> dict[str, Any]:
    known, mail = before(), lab()
    change(mail)
    return plan(known, states(mail, seen(known)))


def drifted(change: Change = lambda mail: None) -> dict[str, Any]:
    known, mail = before(), lab()
    change(mail)
    told = [
        ("warning", warnings.drift(host, bundle, describe(items)))
        for (host, bundle), items in DRIFT.items()
    ]
    document = plan(known, states(mail, seen(known, DRIFT)), *told)
    # A refresh found another address at the API.
    for step in document["steps"]:
        if step["urn"].endswith(f"::{ADDRESS}"):
            old = step["oldState"]
            theirs = copy.deepcopy(old)
            theirs["inputs"]["content"] = THEIRS
            refresh = {"op": "refresh", "urn": step["urn"], "oldState": old, "newState": theirs}
            document["changeSummary"][step["op"]] -= 1
            step |= {"op": "update", "oldState": theirs}
            document["steps"].insert(0, refresh)
            break
    counts = document["changeSummary"]
    counts["update"] = sum(step["op"] == "update" for step in document["steps"])
    return document


def removed() -> dict[str, Any]:
    """The second step: DNS has not named the host for a while."""
    mail = lab()
    leaves(mail)
    known = states(mail, dict.fromkeys(HOSTS, Seen()))
    del mail["hosts"]["mx2"]
    return plan(known, states(mail, seen(known)))


def first() -> dict[str, Any]:
    return plan({}, states(lab(), dict.fromkeys(HOSTS, Seen()), first=True))


def failed() -> dict[str, Any]:
    mail = lab()
    nowhere(mail)
    with pytest.raises(SettingsError) as caught:
        from_mapping(mail, f"stacks/Pulumi.{STACK}.yaml")
    return plan({}, {}, ("error", f"error: {caught.value}"))


def migrated() -> dict[str, Any]:
    """The state of a program that had one migration of the database less."""
    known = before()
    for urn, state in known.items():
        if urn.endswith("-mail-database"):
            manifest = json.loads(state["inputs"]["stdin"])
            del manifest["files"][max(path for path in manifest["files"] if "/schema/" in path)]
            state["inputs"]["stdin"] = json.dumps(manifest, indent=2, sort_keys=True)
    return plan(known, states(lab(), seen(before())))


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "first-deployment": first,
    "one-line-change": lambda: changed(size),
    "new-domain": lambda: changed(new_domain),
    "leaving-mx": lambda: changed(leaves),
    "removed-mx": removed,
    "certificate-profile": lambda: changed(profile),
    "schema-migration": migrated,
    "drift": drifted,
    "mixed": lambda: drifted(several),
    "failure": failed,
    "nothing": lambda: changed(lambda mail: None),
}
VERDICTS = {"failure": "failed", "nothing": "nothing"}


@cache
def made(name: str) -> str:
    return json.dumps(MADE[name]())


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made(name))
    return found


def report_of(found: dict[str, Any], exit_code: int = 0) -> Report:
    return build(STACK, read(json.dumps(found), exit_code))


@pytest.mark.parametrize("name", MADE)
def test_example_is_the_report_of_today(name: str) -> None:
    report = report_of(document(name))
    assert report.verdict == VERDICTS.get(name, "changes")
    assert report.notes == []
    text = markdown(report, FORGES["github"])
    if "GOLDEN_WRITE" in os.environ:
        (EXAMPLES / f"{name}.md").write_text(text)
    command = "GOLDEN_WRITE=1 scripts/test tests/graph/test_previews.py"
    assert text == (EXAMPLES / f"{name}.md").read_text(), f"stale: {command}"


def test_every_example_is_made() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.md") if path.stem != "README"}
    assert names == set(MADE)


def test_each_change_has_a_plan_of_its_own_and_the_same_one_twice() -> None:
    plans = {name: report_of(document(name)).plan for name in MADE if name != "failure"}
    assert len(set(plans.values())) == len(plans)
    assert report_of(changed(size)).plan == plans["one-line-change"]


def test_cut_report_keeps_its_summary_and_names_what_is_missing() -> None:
    report = report_of(document("removed-mx"))
    text = markdown(report, 2600)
    assert len(text.encode()) <= 2600
    assert "to delete on 2 hosts" in text
    assert "mx2 leaves the stack" in text
    assert "Cut to" not in markdown(report)


def test_event_stream_reads_like_the_document() -> None:
    found = document("one-line-change")
    events: list[dict[str, Any]] = []
    for number, item in enumerate(found["steps"]):
        data = {"op": item["op"], "urn": item["urn"]}
        data |= {"old": item.get("oldState"), "new": item.get("newState")}
        events.append({"sequence": number, "resourcePreEvent": {"metadata": data}})
    summary = {"resourceChanges": found["changeSummary"]}
    events.append({"sequence": len(events), "summaryEvent": summary})
    report = build("lab", read("\n".join(map(json.dumps, events))))
    assert markdown(report) == markdown(report_of(found))


def test_newer_and_older_fields_do_not_hurt_and_lost_steps_are_told() -> None:
    found = document("one-line-change")
    plain = markdown(report_of(found))
    newer = found | {"schemaVersion": 9}
    for item in newer["steps"]:
        item["reasonCode"] = {"nested": [1]}
    assert markdown(report_of(newer)) == plain
    older = {"steps": [item for item in found["steps"] if item["op"] != "same"]}
    assert markdown(report_of(older)) == plain
    lost = found | {"steps": [*found["steps"][:-2], {"op": "update"}]}
    text = markdown(report_of(lost))
    assert "could not be read" in text
    odd = {"steps": [{"op": "teleport", "urn": "urn:pulumi:lab::mx::a:b:C::x", "newState": {}}]}
    assert "operation 'teleport'" in "\n".join(report_of(odd).notes)
