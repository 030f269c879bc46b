"""What was reviewed is what is applied: `mx up --plan` under the real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .test_adopt import STACK, file, mx, records_stack
from .test_zones import READS, SECOND, Live

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with records_stack(tmp_path_factory.mktemp("plan"), STACK) as stack:
        code, output = stack.run("up")
        assert code == 0, output
        yield stack


def plan(live: Live, **more: Any) -> str:
    done = mx(live, "preview", "live", "--json", **more)
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return str(json.loads(done.stdout)["plan"])


def up(live: Live, reviewed: str) -> tuple[int, str]:
    done = mx(live, "up", "live", "--yes", "--plan", reviewed)
    return done.returncode, done.stdout + done.stderr


def test_a_plan_that_changed_between_review_and_up_is_not_applied(live: Live) -> None:
    text = file(live).read_text()
    reviewed = text.replace("v=spf1 mx -all", "v=spf1 mx ~all")
    file(live).write_text(reviewed)
    seen = plan(live)
    # An unchanged world has the same plan, and so has a preview that may only read.
    assert plan(live) == seen
    assert plan(live, token=READS) == seen

    # Somebody changes a record of ours by hand, and another merge comes first.
    [[number, row]] = [
        (number, row)
        for number, row in live.records()[SECOND].items()
        if row["name"].startswith("_dmarc.")
    ]
    live.api.batch(SECOND, {"patches": [{"id": number, "content": '"v=DMARC1; p=none"'}]})
    before = live.records()
    code, output = up(live, seen)
    assert code == 2, output
    assert f"{seen} was reviewed" in output
    assert "p=none" in output
    assert live.records() == before
    live.api.batch(SECOND, {"patches": [{"id": number, "content": row["content"]}]})
    file(live).write_text(reviewed.replace("p=reject", "p=quarantine"))
    before = live.records()
    code, output = up(live, seen)
    assert code == 2, output
    assert "p=quarantine" in output
    assert live.records() == before

    # What was reviewed goes through, and once more there is nothing to do.
    file(live).write_text(reviewed)
    code, output = up(live, seen)
    assert code == 0, output
    texts = [each["content"] for each in live.records()[SECOND].values() if each["type"] == "TXT"]
    assert '"v=spf1 mx ~all"' in texts
    assert up(live, seen)[0] == 0


def test_without_the_report_there_is_no_plan_to_compare(live: Live) -> None:
    done = mx(live, "up", "live", "--yes", "--skip-preview", "--plan", "0" * 32)
    assert done.returncode == 64
    assert "leave --skip-preview out" in done.stderr
