"""The command `mx sbom`: a software bill of materials."""

from __future__ import annotations

from pathlib import Path

import click
from pulumi import RunError

from components.settings.environment import SettingsError
from components.settings.stack_file import settings_of

from . import engine, hosts
from .app import STACK, Failure, mx
from .console import tell
from .explain import explain


@mx.command()
@click.argument("stack", type=STACK)
@click.option("--ask", is_flag=True, help="Ask each host for all of its packages and versions.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write into this file and not to stdout.",
)
def sbom(stack: str, ask: bool, output: Path | None) -> int:
    """Print a bill of materials of a stack (CycloneDX 1.6).

    The document lists the Python packages and Go modules of MX with their
    versions, and the Debian packages that MX installs on each host. With --ask it
    lists all Debian packages of each host with their versions. Without --ask the
    command contacts no host, and the Debian packages have no versions.

    Example: mx sbom production --ask --output sbom.json

    Exit codes: 0 done, 1 a host did not answer or the stack file is wrong.
    """
    from tools import sbom as bill

    try:
        settings = settings_of(stack)
        if ask:
            packages = {
                host: _installed(host, *answer)
                for host, answer in hosts.run(settings, settings.hosts, bill.INSTALLED).items()
            }
        else:
            packages = {host: bill.asked_for(settings, host) for host in settings.hosts}
    except (SettingsError, RunError) as error:
        raise Failure(str(error)) from None
    text = bill.document(settings, engine.product_version(), packages)
    if output is None:
        print(text, end="")
        return 0
    try:
        output.write_text(text)
    except OSError as error:
        raise Failure(f"{output}: {error.strerror}") from None
    tell(f"written: {output}")
    return 0


def _installed(
    host: str, code: int, out: str, err: str
) -> list[tuple[str, str | None, str | None]]:
    from tools import sbom as bill

    if code != 0:
        raise Failure(
            f"{host} did not tell its packages: {explain(err, '') or f'exit code {code}'}"
        )
    try:
        return bill.installed(out)
    except ValueError as error:
        raise Failure(f"{host} did not tell its packages: {error}") from None
