"""The command `mx init`: a new environment from questions or options."""

from __future__ import annotations

import os
import re
import sys

import click

from components.dns.client import Client, Refused, Silent
from components.settings import public_addresses
from components.settings.environment import Settings, SettingsError, from_mapping
from components.settings.stack_file import path

from . import access, engine, hosts, init_file, init_live, init_questions, ssh_keys, state
from . import answers as checked
from .answers import Asking
from .app import Failure, mx
from .codes import OK, USAGE
from .console import program, safe, say, tell
from .explain import explain

_AGAIN = "to go on from here, with the answers given so far:"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
_OFFICIAL = re.compile(r'^VERSION_ID="?(\d+)"?$', re.MULTILINE)


@mx.command()
@click.argument("name")
@click.option("--host", "given", multiple=True, metavar="NAME[,IPV4[,IPV6]]", help="An MX host.")
@click.option("--domain", "domains", multiple=True, help="A mail domain.")
@click.option("--recipient", "recipients", multiple=True, help="A local part, for every domain.")
@click.option("--mailbox-host", metavar="NAME[:PORT]", help="The host that keeps the mailboxes.")
@click.option("--mynetworks", multiple=True, help="A network that may send mail out.")
@click.option("--zone", "zones", multiple=True, metavar="NAME=ID", help="A zone at Cloudflare.")
@click.option("--ssh-user", default="", help="The login on the hosts; default root.")
@click.option("--ssh-port", default=22, help="The port of SSH; default 22.")
@click.option("--ssh-key", metavar="FILE", default="", help="A private key; default: ssh-agent.")
@click.option("--trust-host-keys", is_flag=True, help="Trust the fetched host keys; do not ask.")
@click.option("--accept-terms", is_flag=True, help="You agree to the terms of Let's Encrypt.")
@click.option("--backend", metavar="URL", help="Where the state is: file://, s3://, postgres://.")
def init(
    name: str, backend: str | None, trust_host_keys: bool, accept_terms: bool, **given: object
) -> int:
    """Make a new environment: stack file, state and passphrase.

    The command asks for everything that no option gives. It fetches the key of each
    host and shows the fingerprint, so that you can compare it. It finds the zones at
    Cloudflare with CLOUDFLARE_API_TOKEN. It changes nothing on a host or in DNS. By
    default the state is a folder on this machine; docs/backends.md describes other
    places for a team.

    Example: mx init example --host mx1.example.org --host mx2.example.org
    --domain example.org --mailbox-host mail.example.org

    Exit codes: 0 done, 1 failed, 64 an answer is missing or wrong.
    """
    if not _NAME.match(name):
        raise Failure(
            f"{name!r}: a stack's name has a-z, 0-9 and -, and begins with a letter", USAGE
        )
    state.check(backend or "")
    target = path(name)
    if target.exists():
        raise Failure(
            f"stacks/{target.name} exists already: give another name, or edit the file", USAGE
        )
    asking = Asking()
    answers = init_file.Answers(certificates=accept_terms, backend=backend or "")
    try:
        init_questions.ask(asking, given, answers)
        _make(name, asking, answers, trust_host_keys)
    except (Failure, SettingsError) as error:
        code = error.code if isinstance(error, Failure) else USAGE
        again = f"\n\n{_AGAIN}\n{init_file.call(name, answers, trust_host_keys)}"
        told = asking.possible and answers.hosts
        raise Failure(f"{error}{again if told else ''}", code) from None
    except (click.Abort, KeyboardInterrupt):
        if asking.possible and answers.hosts:
            print(file=sys.stderr)  # below the question
            tell(_AGAIN)
            print(safe(init_file.call(name, answers, trust_host_keys)), file=sys.stderr)
        raise
    _next(name, answers)
    return OK


def _make(
    name: str,
    asking: Asking,
    answers: init_file.Answers,
    trust_host_keys: bool,
) -> None:
    """The stack file and the state. Raises Failure, and then neither is there."""
    target = path(name)
    init_live.find(answers)
    _zones(asking, answers)
    _keys(asking, answers, trust_host_keys)
    tell(
        "certificates come from Let's Encrypt, to which each host proves its name by DNS: each "
        "host then gets a copy of the token for Cloudflare"
    )
    terms = "Do you agree to the terms of Let's Encrypt\n(https://letsencrypt.org/repository/)?"
    answers.certificates = answers.certificates or asking.yes(terms, "--accept-terms")
    if not answers.certificates:
        tell("without certificates there is no STARTTLS, no DANE and no MTA-STS")
    settings = from_mapping(init_file.mail(answers), f"stacks/{target.name}")
    for fault in public_addresses.faults(settings):
        tell(f"{fault}. `mx preview` and `mx up` refuse it until then.")
    _releases(answers, settings)
    engine.install()
    if not answers.backend:
        if asking.possible:
            tell("the engine keeps its state in a folder, unless you give another URL")
        answers.backend = asking.words("State", "--backend", access.local_backend(), state.asked)
    state.check(answers.backend)
    target.write_text(init_file.text(answers))
    try:
        state.make(name, answers.backend)
    except Failure:
        # So that the same call can be made again.
        target.unlink()
        raise


def _keys(asking: Asking, answers: init_file.Answers, trusted: bool) -> None:
    """Fetch each host's key and let a person compare the fingerprint."""
    for host in answers.hosts:
        found = ssh_keys.best(ssh_keys.scan(host.ipv4, answers.ssh_port))
        if not found:
            raise Failure(
                f"{host.hostname} ({host.ipv4}) shows no SSH host key on port {answers.ssh_port}: "
                "is the address right, and does SSH answer there?"
            )
        host.host_key = found
        addresses = ", ".join(filter(None, (host.ipv4, host.ipv6)))
        say(f"{host.hostname} ({addresses}): {found.split()[0]} {ssh_keys.fingerprint(found)}")
    say("Compare them on each host's console:\n  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    if not trusted and not asking.yes("Are these the keys of your hosts?", "--trust-host-keys"):
        raise Failure("the host keys are not confirmed; nothing was written", USAGE)


def _zones(asking: Asking, answers: init_file.Answers) -> None:
    """The zone of each domain and host name, found with the token or asked."""
    token = os.environ.get("CLOUDFLARE_API_TOKEN", "")
    names = [*answers.domains, *(host.hostname for host in answers.hosts)]
    missing = [name for name in names if not _covered(name, answers.zones)]
    if token and missing:
        client = Client(token)
        for name in missing:
            try:
                found = client.zone_for(name)
            except Refused as error:
                raise Failure(f"Cloudflare: {error}. The token needs Zone > Zone > Read.") from None
            except Silent as error:
                given = f" (--zone: {', '.join(answers.zones)})" if answers.zones else ""
                raise Failure(
                    f"{name} is in no zone that was given{given}, and Cloudflare, which may know "
                    f"the zone, does not answer: {error}\nNothing was written. Is the name right? "
                    "With --zone NAME=ID for each zone, nothing is asked there."
                ) from None
            if found:
                answers.zones[str(found["name"])] = str(found["id"])
    for name in names:
        if not _covered(name, answers.zones):
            guess = ".".join(name.split(".")[-2:])
            option = "--zone NAME=ID or CLOUDFLARE_API_TOKEN"
            zone = asking.words(f"Zone of {name}", option, guess, checked.domains)
            answers.zones[zone] = asking.words(
                f"Zone ID of {zone} (32 characters, on the zone's overview page)",
                f"--zone {zone}=ID",
                kind=checked.zone_id,
            )


def _covered(name: str, zones: dict[str, str]) -> bool:
    return any(name == zone or name.endswith(f".{zone}") for zone in zones)


def _releases(answers: init_file.Answers, settings: Settings) -> None:
    """Read each host's Debian release, which proves the login as well."""
    told = hosts.run(settings, settings.hosts, "cat /etc/os-release")
    for host in answers.hosts:
        code, out, err = told[host.key]
        if code != 0:
            login = f"{answers.ssh_user}@{host.ipv4}, port {answers.ssh_port}"
            raise Failure(
                f"{host.hostname} ({login}): {_refused(err)}\nNothing was written. Try "
                f"`ssh {answers.ssh_user}@{host.ipv4}` yourself. --ssh-user, --ssh-key and "
                "--ssh-port give `mx init` another login."
            )
        found = _OFFICIAL.search(out)
        if "ID=debian" not in out.split("\n") or not found or found[1] not in ("12", "13"):
            raise Failure(f"{host.hostname} does not run Debian 12 or 13, which MX needs")
        host.debian = int(found[1])


def _refused(err: str) -> str:
    """Why a host was not reached. No stack file is there yet, so none is named."""
    if "Permission denied" in err:
        return "the host accepts no key of this login (ssh-add -l lists those of the ssh-agent)"
    return explain(err, "")


def _next(name: str, answers: init_file.Answers) -> None:
    print(f"\nWritten: stacks/Pulumi.{name}.yaml. Next:")
    mx_here = program()
    print(f"  {mx_here} check {name}     can these hosts, zones and mailbox hosts do it?")
    if answers.live:
        print(f"  {mx_here} adopt {name}     take over the SPF and DMARC records that are there")
    print(f"  {mx_here} preview {name}   what would change")
    print(f"  {mx_here} up {name}        the same report, then the question")
    if len(answers.hosts) > 1:
        say(
            f"{answers.hosts[0].key} is the canary: each change is applied and probed there before "
            "the other hosts get it (rollout.canary). Senders try the hosts in the order of your "
            "answers (hosts.NAME.preference)."
        )
    if not answers.live:
        say(
            "Does a domain receive mail already? Then read docs/moving-a-domain.md before "
            f"`{mx_here} up`: its leavingMx keeps mail where it is until you have tried the hosts."
        )
    if not answers.mynetworks:
        say(
            "Outgoing mail: no network may relay yet. docs/outgoing-mail.md explains "
            "postfix.mynetworks."
        )
