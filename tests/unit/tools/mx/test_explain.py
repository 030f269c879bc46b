"""Errors of the engine and its plug-ins, in words that name the cause and the way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.settings import stack_file
from tools.mx.explain import explain, explained

# What the engine and its plug-ins print, and words that a reader needs.
ERRORS = {
    "no stack": (
        "error: no stack named 'production' found",
        "mx pulumi production stack init",
    ),
    "no passphrase": (
        "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE "
        "environment variables",
        "PULUMI_CONFIG_PASSPHRASE_FILE to a file",
    ),
    "wrong passphrase": ("failed to decrypt: incorrect passphrase", "is not the one with which"),
    "locked": (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) "
        "to end or delete the lock file with `pulumi cancel`.\n  file:///s/x.json: created by "
        "root@mx (pid 4711) at 2026-11-28T09:00:00Z",
        "process 4711, at 2026-11-28T09:00:00 UTC",
    ),
    "no backend": ("PULUMI_ACCESS_TOKEN must be set for login", "PULUMI_BACKEND_URL"),
    "a key twice": (
        'line 12: mapping key "hosts" already defined at line 4',
        "stacks/Pulumi.production.yaml, line 12",
    ),
    "sudo of the bootstrap": (
        "Process exited with status 1: mx-agent bootstrap: user operator may not use sudo without "
        "a password on this host",
        "/etc/sudoers.d/mx: `operator ALL=(ALL) NOPASSWD: ALL`",
    ),
    "no YAML": (
        "error: getting stack configuration: invalid YAML file: yaml: line 54: mapping values are "
        "not allowed in this context",
        "stacks/Pulumi.production.yaml, about line 54: this is no YAML (mapping values are",
    ),
    "token without scope": (
        'POST "https://api.test/zones/0123/dns_records": 403 Forbidden {"errors":[{"code":10000,'
        '"message":"Authentication error"}]}',
        "Zone > DNS > Edit",
    ),
    "state lost during the run": (
        "post-step event returned an error: failed to save snapshot: An IO error occurred while "
        'writing the new snapshot file: blob (key ".pulumi/stacks/mx/production.json") '
        "(code=Unknown): dial tcp 10.0.0.7:5432: connect: connection refused",
        "mx pulumi production cancel --yes\n  mx up production",
    ),
    "state not reached": (
        'unable to open state database "postgres://mx:words@10.0.0.7/mx": failed to ping '
        "PostgreSQL: dial tcp 10.0.0.7:5432: connect: connection refused",
        "server of the state cannot be reached (connect: connection refused)",
    ),
    "bucket not reached": (
        "could not list bucket: blob (code=Unknown): operation error S3: ListObjectsV2, https "
        'response error StatusCode: 0, RequestID: , HostID: , request send failed, Get "http://10.'
        '0.0.7:7171/state?list-type=2": dial tcp 10.0.0.7:7171: connect: connection refused',
        "server of the state cannot be reached (connect: connection refused)",
    ),
    "record of a run that was cut off": (
        'failed to make http request: POST "https://api.test/zones/0123/dns_records": 400 Bad '
        'Request {"errors":[{"code":81058,"message":"An identical record already exists."}]}',
        "scripts/mx records production",
    ),
    "DNS API not reached": (
        'failed to make http request: GET "https://api.test/zones/0123": Get "https://api.test": '
        "dial tcp 203.0.113.9:443: connect: connection refused",
        "The DNS API cannot be reached",
    ),
    "host not reached": ("dial tcp 10.0.0.5:22: connect: no route to host", "10.0.0.5:22"),
    "login refused": ("ssh: handshake failed: ssh: unable to authenticate", "ssh-add -l"),
    "sudo with a password": ("sudo: a password is required", "NOPASSWD"),
}


@pytest.mark.parametrize("state", ERRORS)
def test_error_of_the_engine_names_the_way_out(state: str) -> None:
    error, words = ERRORS[state]
    assert words in explain(error, "production")


def test_error_of_the_program_that_names_its_zone_keeps_its_words() -> None:
    own = (
        "stacks/Pulumi.production.yaml: mx:mail.dns.zones.a.test: Cloudflare refuses (403 Invalid "
        "access token (9109)); the token needs the scopes Zone > Zone > Read and Zone > DNS > Read"
    )
    told = explain(f"error: {own}\n", "production")
    assert re.sub(r"[.]yaml:\d+:", ".yaml:", told) == own


def test_same_error_of_many_records_is_said_once() -> None:
    error = ERRORS["token without scope"][0]
    noise = "an unhandled error occurred: program exited with non-zero exit code: 1"
    assert len(explained([error] * 45 + [noise], "production")) == 1


def test_error_that_the_plug_in_logs_and_answers_is_said_once() -> None:
    answer = 'POST "https://api.test/zones/0123/dns_records": 422 Unprocessable {"errors":[]}'
    errors = [f"[ERROR] {answer}: failed to make http request"]
    errors.append(f"failed to make http request: {answer}")
    assert explained(errors, "production") == [errors[1]]


def test_password_in_the_url_of_the_state_is_not_shown() -> None:
    errors = [ERRORS["state not reached"][0], "cannot use postgres://mx:words@10.0.0.7/mx"]
    assert "words" not in "".join(explained(errors, "production"))


def test_the_line_of_bad_yaml_is_the_one_that_our_parser_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.bad.yaml").write_text("config:\n  mx:mail:\n    ssh: {}\n     hosts: {}\n")
    monkeypatch.setattr(stack_file, "path", lambda name: tmp_path / f"Pulumi.{name}.yaml")
    told = explain("invalid YAML file: yaml: line 3: mapping values are not allowed", "bad")
    assert "4:" in told or "line 4" in told, told
    assert "Check the indentation and the quotes there" in told
