"""Commands that wrap a tool which has its own module: status, audit, render, comment and others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tools.arguments import Parser, WrongUsage

from . import engine, state
from .app import ENGINE_OPTIONS, HOST, STACK, Failure, engine_options, mx, stacks
from .codes import FAILED, OK, USAGE
from .console import complain, say
from .explain import explain
from .option_types import ADDRESS, AUTHORITIES, GREETING, NAME, POSITIVE, RESOLVER, SELECTOR

_FILE = click.Path(path_type=Path)


def _tool(main: Any, arguments: list[str]) -> int:
    """Call the main function of a tool; argparse ends a wrong call with SystemExit."""
    Parser.silent = True
    try:
        return int(main(arguments))
    except WrongUsage as wrong:
        raise click.UsageError(wrong.message) from None
    except SystemExit as end:
        raise Failure("see the help: add --help", USAGE if end.code else OK) from None


def _given(**options: Any) -> list[str]:
    """Options for argparse: what was not given is left out."""
    found = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            found.append(flag)
        elif isinstance(value, tuple):
            found += [part for one in value for part in (flag, str(one))]
        elif value is not None and value is not False:
            found += [flag, str(value)]
    return found


@mx.command()
@click.argument("domains", nargs=-1)
@click.option("--stack", type=STACK, help="Check all domains of this stack.")
@click.option("--outputs", is_flag=True, help="Read `pulumi stack output --json` on stdin, too.")
@click.option("--json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--resolver", type=RESOLVER, metavar="IP[@PORT]", help="Ask this validating resolver."
)
@click.option("--ca-file", type=AUTHORITIES, help="Trust these authorities too.")
@click.option(
    "--selector", type=SELECTOR, multiple=True, help="Check the DKIM key of this selector."
)
@click.option("--blocklist", type=NAME, multiple=True, help="Ask this block list instead.")
@click.option("--no-blocklists", is_flag=True, help="Ask no block list.")
@click.option(
    "--helo", type=GREETING, metavar="NAME", help="The name for EHLO; the default is this host's."
)
@click.option("--port", type=click.IntRange(1, 65535), help="The port of SMTP; the default is 25.")
@click.option("--timeout", type=POSITIVE, help="Seconds to wait for an answer; the default is 10.")
@click.option(
    "--days", type=click.IntRange(0), help="Days that a certificate must be valid; default 14."
)
def status(domains: tuple[str, ...], **options: Any) -> int:
    """Tell whether mail for a domain works, seen from outside.

    The command checks MX, addresses, PTR, SMTP, STARTTLS, certificates, DANE,
    MTA-STS, SPF, DKIM, DMARC and block lists. Each finding says why it matters and
    what to do. You can check any domain, not only a domain of a stack. With --stack,
    a finding names the key of the stack file that does it, where there is one.

    Example: mx status example.org

    Exit codes: 0 nothing is wrong, 1 the check failed, 2 something is wrong.
    """
    from tools.status.__main__ import main

    from .findings import present

    if not domains and not options["stack"]:
        raise click.UsageError("give a domain, or --stack NAME for all domains of a stack")
    for each in {*domains} & {*stacks()}:
        raise click.UsageError(f"{each} is a stack here: mx status --stack {each}")
    for name, value in engine.outside(options["stack"]).items():
        options[name] = options[name] or value
    return _tool(
        lambda arguments: main(arguments, present, say, complain),
        [*_given(**options), "--", *domains],
    )


@mx.command()
@click.argument("file")
@click.option("--json", is_flag=True, help="Print the findings as JSON.")
@click.option("--fix", is_flag=True, help="Print a patch of main.cf for faults with a sure fix.")
@click.option("--postfix", help="The version of Postfix that reads the file, for example 3.7.")
def audit(file: str, **options: Any) -> int:
    """Find what is wrong in any main.cf, line by line.

    FILE is a main.cf, or a directory with main.cf, master.cf and tables, of any
    server; `-` reads standard input. The command contacts nobody and changes
    nothing.

    Example: mx audit /etc/postfix/main.cf

    Exit codes: 0 no finding, 1 the file cannot be read, 2 findings.
    """
    from tools.audit.__main__ import main

    return _tool(lambda arguments: main(arguments, say), [*_given(**options), "--", file])


@mx.command()
@click.argument("stack", type=STACK)
@click.argument("host", type=HOST)
@click.argument("directory", type=_FILE)
def render(stack: str, host: str, directory: Path) -> int:
    """Write the files that a stack puts on a host into a directory.

    The command contacts no host. It leaves out files with secrets. It writes main.cf
    as one file, put together from its sections.

    Example: mx render production mx1 build/mx1

    Exit codes: 0 written, 1 wrong stack file or host.
    """
    from tools.render import main

    return _tool(main, [stack, host, str(directory)])


@mx.command()
@click.argument("stack", type=STACK)
@click.argument("directory", type=_FILE)
@click.option("--runbooks", metavar="URL", help="The URL of docs/runbooks; default: on `origin`.")
@click.option(
    "--resolver",
    type=ADDRESS,
    metavar="ADDRESS",
    help="The resolver that DNS probes ask (1.1.1.1).",
)
@click.option("--ca-file", metavar="PATH", help="On the Prometheus server: the root certificates.")
@click.option("--blackbox", metavar="ADDRESS", help="The blackbox exporter (127.0.0.1:9115).")
@click.option("--hold-factor", type=POSITIVE, help="Shorten the delay of every alert, for tests.")
def monitoring(stack: str, directory: Path, **options: Any) -> int:
    """Write files for Prometheus, Alertmanager and Grafana.

    There are files for the blackbox exporter too. The command makes all files from
    the outputs of the stack, so run the command after each `mx up`. The stack file
    needs `monitoring`. It does not rewrite a file that has not changed.

    The alerts link to docs/runbooks at GitHub or GitLab, where the remote `origin`
    of the clone is. With another `origin` give --runbooks, or there are no links.

    Example: mx monitoring production /etc/prometheus/mx

    Exit codes: 0 written, 1 failed.
    """
    from tools.monitoring.__main__ import main

    engine.install()
    done = engine.call(stack, ["stack", "output", "--json"])
    if done.returncode != 0:
        raise Failure(explain(done.stderr, stack))
    return _tool(
        lambda arguments: main(arguments, done.stdout, complain),
        [stack, str(directory), *_given(**options)],
    )


@mx.command()
@click.argument("report", type=_FILE, required=False)
@click.option(
    "--plan",
    metavar="STACK",
    help="Post nothing: print the name of the plan in the report of this stack.",
)
@click.option("--forge", type=click.Choice(["github", "gitlab", "forgejo"]), required=True)
@click.option("--api", required=True, metavar="URL", help="For example https://api.github.com.")
@click.option("--repository", required=True, metavar="OWNER/NAME")
@click.option("--number", type=int, help="The number of the pull request.")
@click.option("--commit", help="Instead of --number: a commit that the pull request brought.")
@click.option(
    "--issue",
    metavar="TITLE",
    help="Write an issue with this title instead of a comment.",
)
@click.option("--nothing", is_flag=True, help="With --issue: close it, as nothing differs.")
@click.option(
    "--author", required=True, metavar="LOGIN", help="The user that the token belongs to."
)
def comment(report: Path | None, **options: Any) -> int:
    """Post a report as a comment on a pull request, or as an issue.

    Each stack has one comment on a pull request, and one issue: the report replaces
    what the same author posted for the stack before. With --plan the command posts
    nothing, and prints the name of the plan that was reviewed: `mx up --plan` takes
    it. The token of the forge comes from the variable MX_FORGE_TOKEN.

    Example: mx comment report.md --forge github --api https://api.github.com
    --repository example/mx --number 7 --author mx-bot

    Exit codes: 0 done, 1 the forge refused, 64 wrong usage.
    """
    from tools.preview.comment import main

    given = _given(**options)
    return _tool(main, given if report is None else [str(report), *given])


@mx.command()
@click.argument("base")
def touched(base: str) -> int:
    """Print the stacks that a change touches, as a JSON list.

    The change is what `git diff BASE...HEAD` shows. The lab is never in the list.

    Example: mx touched origin/main

    Exit codes: 0 done, 1 git does not know BASE.
    """
    return OK if engine.script("touched", base) == 0 else FAILED


@mx.command(context_settings=ENGINE_OPTIONS)
@click.argument("stack", type=STACK)
@engine_options
def records(stack: str, pulumi_options: tuple[str, ...]) -> int:
    """Make the DNS records that a stack lacks, many at once.

    The command changes nothing else, and shows no risks: read the report of
    `mx preview` first. The engine writes its state once, at the end, instead of
    twice for each record. The command lists the records and asks; the option --yes
    answers the question. After a killed run, run `mx pulumi STACK cancel` first: the command then
    takes over the records that the killed run made. The hosts must be reachable.

    Example: mx records production

    Exit codes: 0 done, 1 failed, 64 the question could not be asked.
    """
    engine.install()
    state.locked(stack)
    done = engine.script("records", stack, *pulumi_options, stack=stack)
    return done if done in (OK, USAGE) else FAILED
