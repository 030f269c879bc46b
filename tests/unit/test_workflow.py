"""The forge's workflow: no secret for forks, no text of a pull request in a shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.stacks import ROOT

# What the stacks of a test repository name, in both styles of YAML.
NAMED = {
    "production": "a: {recipientsFile: recipients/a.test.txt}\n"
    'b:\n  recipientsFile: "recipients/b.test.txt" # many\n  rootHintsFile: root.hints\n',
    "staging": "recipientsFile: 'recipients/a.test.txt'\nknownHostsFile: ../known_hosts\n",
}
WORKFLOW = ROOT / ".github/workflows/mx.yml"
APPLIES = ROOT / ".github/workflows/up.yml"
DRIFT = ROOT / ".github/workflows/drift.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return found


def test_secrets_are_only_in_jobs_of_an_environment_behind_the_fork_check(
    jobs: dict[str, Any],
) -> None:
    assert "head.repo.full_name == github.repository" in jobs["touched"]["if"]
    assert "pull_request_target" not in WORKFLOW.read_text()
    for name, job in jobs.items():
        if "secrets" in yaml.safe_dump(job):
            assert "touched" in job["needs"], name
            assert "touched.outputs" in job["if"], name
            assert job.get("environment") or job["uses"] == "./.github/workflows/up.yml", name
    # By hand it starts with a plan that somebody reviewed. PyYAML reads the key `on` as true.
    called = yaml.safe_load(APPLIES.read_text())
    assert list(called[True]) == ["workflow_call", "workflow_dispatch"]
    assert called[True]["workflow_dispatch"]["inputs"]["plan"]["required"] is True
    assert all(job["environment"] for job in called["jobs"].values())


def test_actions_of_others_are_pinned_by_commit() -> None:
    used = [
        line.strip()
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for line in path.read_text().split("\n")
        if "uses:" in line and "./.github/" not in line
    ]
    assert used
    for line in used:
        assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v[0-9.]+$", line), line


def test_drift_is_looked_for_each_day_with_a_token_that_only_writes_issues() -> None:
    found = yaml.safe_load(DRIFT.read_text())
    assert set(found[True]) == {"schedule", "workflow_dispatch"}
    assert found["permissions"] == {"contents": "read"}
    job = found["jobs"]["drift"]
    assert job["permissions"] == {"contents": "read", "issues": "write"}
    assert job["environment"] == "${{ matrix.stack }}-preview"
    for step in [*found["jobs"]["stacks"]["steps"], *job["steps"]]:
        assert "${{" not in step.get("run", "")


def test_a_failed_look_for_drift_opens_the_issue_too() -> None:
    [issue] = [
        step
        for step in yaml.safe_load(DRIFT.read_text())["jobs"]["drift"]["steps"]
        if step.get("name") == "issue"
    ]
    for code, rc, closes in ((0, 0, True), (1, 1, False), (2, 0, False)):
        script = 'scripts/comment() { printf "%s\\n" "$@"; }\n' + issue["run"]
        script = script.replace("scripts/comment", "comment")
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            env={
                "CODE": str(code),
                "STACK": "x",
                "RUNNER_TEMP": "/t",
                "API": "a",
                "REPOSITORY": "r",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == rc, done.stderr
        assert ("--nothing" in done.stdout.split("\n")) == closes


def test_production_waits_until_staging_has_it(jobs: dict[str, Any]) -> None:
    assert "contains(fromJSON(needs.touched.outputs.stacks), 'staging')" in jobs["up-staging"]["if"]
    assert jobs["up-staging"]["with"]["stacks"] == '["staging"]'
    assert "up-staging" in jobs["up"]["needs"]
    for result in ("success", "skipped"):
        assert f"needs.up-staging.result == '{result}'" in jobs["up"]["if"]
    assert "failure" not in jobs["up"]["if"]
    assert jobs["up"]["with"]["stacks"] == "${{ needs.touched.outputs.others }}"


def test_no_expression_stands_in_a_shell_line(jobs: dict[str, Any]) -> None:
    called = yaml.safe_load(APPLIES.read_text())["jobs"]
    for job in [*jobs.values(), *called.values()]:
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", "")


def test_failed_preview_is_posted_too(jobs: dict[str, Any]) -> None:
    comment = next(step for step in jobs["preview"]["steps"] if step.get("name") == "comment")
    assert "!cancelled()" in comment["if"]


@pytest.mark.parametrize(
    ("changed", "stacks"),
    [
        ("stacks/Pulumi.staging.yaml", '["staging"]'),
        ("stacks/Pulumi.lab.yaml", "[]"),
        ("docs/x.md", "[]"),
        ("components/dns/component.py", '["production","staging"]'),
        ("stacks/recipients/a.test.txt", '["production","staging"]'),
        ("stacks/recipients/b.test.txt", '["production"]'),
        ("stacks/root.hints", '["production"]'),
        ("known_hosts", '["staging"]'),
        ("stacks/recipients/of-nobody.txt", "[]"),
    ],
)
def test_touched_environments(tmp_path: Path, changed: str, stacks: str) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts/touched"
    script.write_bytes((ROOT / "scripts/touched").read_bytes())
    script.chmod(0o755)
    for name in ("lab", "production", "staging"):
        path = tmp_path / f"stacks/Pulumi.{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(NAMED.get(name, "config: {}\n"))
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    path = tmp_path / changed
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.write_text("# changed\n")
    git("add", ".")
    git("commit", "-qm", "two")
    done = subprocess.run([script, "HEAD~1"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == stacks
    assert re.fullmatch(r'\[("[a-z-]+",?)*\]', stacks)


def test_up_applies_the_plan_that_was_reviewed(jobs: dict[str, Any]) -> None:
    text = APPLIES.read_text()
    assert "--skip-preview" not in text
    assert text.count('scripts/up "$STACK" --yes --plan "$PLAN"') == 1
    assert text.count('scripts/comment --plan "$STACK"') == 1
    # A called workflow has at most the permissions of the job that calls it.
    calls = [job for job in jobs.values() if "uses" in job]
    assert [job["permissions"] for job in calls] == [
        {"contents": "read", "pull-requests": "read"}
    ] * len(calls)
