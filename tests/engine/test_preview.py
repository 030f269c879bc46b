"""The example stacks under the real engine: previews, order, and faults as one readable line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.settings.stack_file import settings_of
from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

from .conftest import PRIVATE, Project

pytestmark = pytest.mark.engine

Edit = Callable[[str, Callable[[str], str]], None]


@pytest.fixture(autouse=True)
def api(project: Project, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Api]:
    """Cloudflare with the zones of the example: every run asks whose they are."""
    # A test of one example only is one of staging.
    parameters = getattr(request.node, "callspec", None)
    zones = settings_of(
        parameters.params.get("stack", "staging") if parameters else "staging"
    ).dns.zones
    double = Api(tmp_path / "api.json", zones, {"t" * 40: SCOPES})
    with serving(double) as url:
        project.environment["CLOUDFLARE_BASE_URL"] = url
        yield double


@pytest.mark.parametrize("stack", ["staging", "production"])
def test_example_stack_previews_and_keeps_its_order(project: Project, stack: str) -> None:
    project.init(stack)
    steps = {step["urn"].rpartition("::")[2]: step for step in project.preview(stack)}
    assert {step["op"] for step in steps.values()} == {"create"}

    def needs(name: str) -> set[str]:
        dependencies = steps[name]["newState"].get("dependencies", [])
        return {urn.rpartition("::")[2] for urn in dependencies}

    assert needs("mx1-packages") == {"mx1-agent"}
    assert needs("mx1-mariadb") == {"mx1-packages"}
    assert needs("mx1-mail-database") == {"mx1-mariadb"}
    assert needs("mx1-resolver") == {"mx1-packages"}
    assert needs("mx1-tls-policy") == {"mx1-resolver"}
    assert needs("mx1-redis") == {"mx1-packages", "mx1-resolver"}
    assert needs("mx1-spam-filter") == {"mx1-redis"}
    before_postfix = {"mail-database", "resolver", "spam-filter", "tls-policy"}
    assert needs("mx1-postfix") == {f"mx1-{name}" for name in before_postfix}
    # Certificates first, then TLS and the policy host, then what DNS promises of them. These hosts
    # cannot be asked, so they may have certificates already.
    assert needs("mx1-acme-dns-tokens") == {"mx1-postfix"}
    assert needs("mx1-certificates") == {"mx1-acme-dns-tokens", "mx1-postfix"}
    assert {"mx1-certificates", "mx1-postfix"} <= needs("mx1-postfix-tls")
    assert needs("mx1-sts-host") == {"mx1-certificates"}
    promised = {"mx1-postfix", "mx1-postfix-tls", "mx1-sts-host"}
    # Its rows of recipients, too: a host without them refuses the mail of its domain.
    assert needs("dns-mx-example.org-mx1") == promised | {"mx1-mail-database"}
    domain = next(name for name in steps if name.startswith("dns-sts-example")).split("-", 2)[2]
    both = {name.replace("mx1", key) for name in promised for key in ("mx1", "mx2")}
    waits = needs(f"dns-sts-{domain}")
    addresses = {name for name in waits if name.startswith("dns-sts-a")}
    assert len(addresses) == 4
    assert waits - addresses == both - {"mx1-postfix", "mx2-postfix"}
    connection = steps["mx1-postfix"]["newState"]["inputs"]["connection"]
    assert connection == "[secret]"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("  mx:mails: {}\n", "stacks/Pulumi.staging.yaml: mx:mails: this key is unknown"),
        ("  cloudflare:apiToken: abc\n", "cloudflare:apiToken: the token is stored in clear text"),
        ("  mx:rspamdPassword: abc\n", "mx:rspamdPassword: the password is stored in clear text"),
    ],
)
def test_fault_of_the_stack_file_is_said_without_a_traceback(
    project: Project, edit: Edit, new: str, expected: str
) -> None:
    edit("staging", lambda text: text.replace("config:\n", "config:\n" + new))
    project.init("staging")
    done = project.run("preview", "--stack", "staging")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert expected in output
    assert "Traceback" not in output


@pytest.mark.parametrize("token", ["missing", ""])
def test_token_that_is_missing_or_empty_is_refused_before_anything_is_asked(
    project: Project, token: str
) -> None:
    if token:
        project.environment.pop("CLOUDFLARE_API_TOKEN")
    else:
        project.environment["CLOUDFLARE_API_TOKEN"] = token
    project.init("staging")
    done = project.run("preview", "--stack", "staging")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "stacks/Pulumi.staging.yaml: cloudflare:apiToken: missing; export CLOUDFLARE" in output
    assert "Traceback" not in output
    assert "mx:dns:Dns" not in output


def test_misspelled_setting_names_its_path_and_what_was_meant(project: Project, edit: Edit) -> None:
    edit("staging", lambda text: text.replace("hostname: mx1", "hostnam: mx1"))
    project.init("staging")
    done = project.run("preview", "--stack", "staging")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "mx:mail.hosts.mx1.hostnam: unknown key; did you mean 'hostname'?" in output
    assert "Traceback" not in output


def test_unedited_example_is_refused_though_it_renders(project: Project, edit: Edit) -> None:
    edit("staging", lambda text: text.replace(PRIVATE, ""))
    project.init("staging")
    for verb in (["preview"], ["up", "--yes"]):
        done = project.run(*verb, "--stack", "staging")
        output = done.stdout + done.stderr
        assert done.returncode != 0
        assert "stacks/Pulumi.staging.yaml: mx:mail.hosts.mx1.ipv4: 198.51.100." in output
        assert "is for documentation (RFC 5737)" in output
        assert "Traceback" not in output
