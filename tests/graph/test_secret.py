"""A bundle with a secret in it: a secret for the engine, and nothing of its call is logged."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from components.host import Bundle, File, Manifest, Seen, Target
from components.host.manifest import Step
from components.settings.environment import from_mapping
from tests.support.graph import Answers, Recorder
from tests.support.mapping import mapping

SECRET = Manifest(
    bundle="one", owner="me", files={"/etc/key": File("hunter22", "0600", secret=True)}
)


def register(manifest: Manifest, secret: bool) -> Any:
    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        target = Target("mx1", from_mapping(mapping()), Seen())
        Bundle("one", target, manifest, pulumi.ResourceOptions(), secret=secret)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder.requests["one"]


def test_a_secret_bundle_is_hidden_and_silent() -> None:
    request = register(SECRET, secret=True)
    assert request.object["stdin"][rpc._special_sig_key] == rpc._special_secret_sig
    assert request.object["logging"] == "none"
    assert set(request.additionalSecretOutputs) >= {"stdin", "stdout", "stderr"}
    assert "hunter22" not in request.object["create"]


def test_a_plain_bundle_is_readable() -> None:
    request = register(
        Manifest(bundle="one", owner="me", files={"/etc/a": File("a")}), secret=False
    )
    assert '"secret"' not in request.object["stdin"]
    assert "logging" not in request.object


@pytest.mark.parametrize(
    "manifest",
    [SECRET, Manifest(bundle="one", owner="me", run=[Step(["x"], secret=True)])],
)
def test_a_secret_in_a_plain_bundle_is_refused(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="not a secret bundle"):
        register(manifest, secret=False)
