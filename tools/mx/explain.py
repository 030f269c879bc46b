"""Puts the engine's and the plug-ins' errors into words that name the cause and the way out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.settings import stack_file
from components.settings.environment import SettingsError

from . import access
from .console import program
from .log import without_password

NO_LOGIN = re.compile(r"ssh: unable to authenticate|Permission denied \(publickey")
CHECK_LOGIN = (
    "check ssh.user, ssh.privateKeyFile or the ssh-agent (ssh-add -l), and authorized_keys there"
)
NO_SUDO = "sudo: a password is required"
_NOISE = re.compile(
    r"an unhandled error occurred: program exited with non-zero exit code"
    r"|^(preview|update) failed$|^resource registration failed"
)
# The vendor's DNS plug-in says an error of the API twice: in a message, and as the call's error.
_TWICE = re.compile(r"^\[ERROR\] (.*): failed to make http request$", re.DOTALL)
_OWN = re.compile(r"(error: )?stacks/Pulumi\.[a-z0-9-]+\.yaml: mx:mail\.")
_TRACEBACK = re.compile(r"\nTraceback \(most recent call last\):.*KeyboardInterrupt\S*", re.DOTALL)


@dataclass(frozen=True)
class Cause:
    """One kind of error: the pattern that shows it, and the text for a reader."""

    pattern: re.Pattern[str]
    text: Callable[[re.Match[str], str], str]


def _no_stack(found: re.Match[str], stack: str) -> str:
    return (
        f"The state backend has no stack named {stack}. Either this is another backend than the "
        f"one you used before (`mx pulumi {stack} whoami -v` shows it), or the stack is new.\n"
        f"For a new stack: mx pulumi {stack} stack init"
    )


def _no_login(found: re.Match[str], stack: str) -> str:
    return (
        f"No state backend is chosen: {access.folder() / f'{stack}.env'}, which `mx init` writes, "
        "is missing or names none. If the state is in the folder that `mx init` takes by "
        "default, write these two lines to that file:\n"
        f"        PULUMI_BACKEND_URL={access.local_backend()}\n"
        f"        PULUMI_CONFIG_PASSPHRASE_FILE={access.folder() / f'{stack}.passphrase'}\n"
        "docs/backends.md names other places."
    )


def _passphrase(found: re.Match[str], stack: str) -> str:
    return (
        f"The passphrase of the stack {stack} is missing. It decrypts the stack's secrets.\n"
        "Set PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds the passphrase (mode 0600)."
    )


def _no_passphrase_file(found: re.Match[str], stack: str) -> str:
    return (
        f"The file with the passphrase of {stack} cannot be read: {found[1].strip()}.\n"
        f"{access.folder() / f'{stack}.env'} names the file, unless PULUMI_CONFIG_PASSPHRASE_FILE "
        "is set in your shell. Put the file back from your copy. A lost passphrase cannot be "
        "recovered: docs/backups.md says what to do then."
    )


def _wrong_passphrase(found: re.Match[str], stack: str) -> str:
    return (
        f"The passphrase is not the one with which the secrets of {stack} were encrypted.\n"
        f"{_source(stack)} A lost passphrase cannot be recovered: docs/backups.md says what to do "
        "then."
    )


def _source(stack: str) -> str:
    """Where the passphrase was taken from, as the engine chooses it."""
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        if name in os.environ:
            return f"The passphrase is that of {name} in your shell."
    named = access.read(stack).get("PULUMI_CONFIG_PASSPHRASE_FILE", "no file")
    return f"The passphrase is in {named}, which {access.folder() / f'{stack}.env'} names."


def _locked(found: re.Match[str], stack: str) -> str:
    by = re.search(r"created by (\S+) \(pid (\d+)\) at ([0-9T:-]+)", found.string)
    who = f" The lock was made by {by[1]}, process {by[2]}, at {by[3]} UTC." if by else ""
    if found.string.endswith(" ended"):
        what = f"A run of the engine that has ended left the lock of {stack}.{who}\nRemove it:"
    else:
        what = (
            f"Another run of the engine holds the lock of {stack}.{who}\n"
            "If that run is still at work, wait for it. If it was killed, remove the lock:"
        )
    return f"{what}\n  mx pulumi {stack} cancel --yes\nThen `mx up {stack}` goes on from there."


def _duplicate_key(found: re.Match[str], stack: str) -> str:
    try:
        stack_file.document(stack)
    except SettingsError as error:  # in the words of every other command
        return str(error)
    return f"stacks/Pulumi.{stack}.yaml, line {found[1]}: the key {found[2]} occurs twice"


def _no_yaml(found: re.Match[str], stack: str) -> str:
    try:
        stack_file.document(stack)
    except SettingsError as error:  # by a parser that knows the line better
        return f"{error}. Check the indentation and the quotes there and in the line before."
    return (
        f"stacks/Pulumi.{stack}.yaml, about line {found[1]}: this is no YAML ({found[2].strip()}). "
        "Check the indentation and the quotes there and in the line before."
    )


def _scope(found: re.Match[str], stack: str) -> str:
    return (
        "Cloudflare refuses the API token for what it was asked "
        f"({found[0].strip()}). The token needs the permissions Zone > DNS > Edit and "
        "Zone > Zone > Read for every zone of dns.zones.\n"
        f"Check the token and the zone IDs: {program()} check {stack}"
    )


def _backend_gone(found: re.Match[str], stack: str) -> str:
    return (
        f"The state could not be written: its server was lost during the run ({found[1]}).\n"
        "What the run had done on hosts and in DNS stays done, and nothing of it is lost. Once the "
        f"server is back:\n  mx pulumi {stack} cancel --yes\n  mx up {stack}\n"
        "docs/backends.md explains both."
    )


def _no_backend(found: re.Match[str], stack: str) -> str:
    if found[1].endswith(": no such file or directory"):
        what = f"The folder of the state is missing ({found[1]})."
        todo = "Correct its name, or bring the folder back from your copy (docs/backups.md)."
    else:
        what = f"The server of the state cannot be reached ({found[1]})."
        todo = "docs/backends.md explains logins and locks."
    return (
        f"{what} Nothing was read or changed.\nWhere the state is kept: PULUMI_BACKEND_URL in the "
        f"environment, else {access.folder() / f'{stack}.env'}. {todo}"
    )


def _identical(found: re.Match[str], stack: str) -> str:
    return (
        "The zone has this record already, and the state of the stack does not know it. Either a "
        "run that was cut off made it, or somebody else did.\n"
        f"Take over what is equal in every field: {program()} records {stack}"
    )


def _silent_api(found: re.Match[str], stack: str) -> str:
    return (
        f"The DNS API cannot be reached ({found[1]}). Records that exist are served on; none was "
        "changed. Check the network between here and api.cloudflare.com.\n"
        f"Hosts alone, without reading records: mx up {stack} --refresh=false --exclude "
        "'**cloudflare:index/dnsRecord:DnsRecord::**'"
    )


def _unreachable(found: re.Match[str], stack: str) -> str:
    return (
        f"The host at {found[1]} cannot be reached over SSH ({found[2].strip()}).\nCheck "
        "hosts.*.ipv4, hosts.*.sshAddress and ssh.port in the stack file, and a firewall between "
        f"here and the host. `mx forget {stack} HOST` is for a lost host (docs/lost-host.md)."
    )


def _login(found: re.Match[str], stack: str) -> str:
    return f"The host refuses the SSH login: no key is accepted; {CHECK_LOGIN}"


def _sudo(found: re.Match[str], stack: str) -> str:
    user = (found.groupdict().get("user") or "USER").strip("'")
    return (
        "sudo asks for a password on the host. Allow the login to do without, for example in "
        f"/etc/sudoers.d/mx: `{user} ALL=(ALL) NOPASSWD: ALL`."
    )


CAUSES = (
    Cause(re.compile(r"no stack named '[^']*' found"), _no_stack),
    Cause(re.compile(r"PULUMI_ACCESS_TOKEN must be set"), _no_login),
    Cause(re.compile(r"incorrect passphrase"), _wrong_passphrase),
    Cause(
        re.compile(r"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: ([^\n]*)"), _no_passphrase_file
    ),
    Cause(re.compile(r"passphrase must be set"), _passphrase),
    Cause(re.compile(r"the stack is currently locked"), _locked),
    Cause(re.compile(r"(?s)failed to save snapshot.*?: ([^:\n]+: [^:\n]+)\s*\Z"), _backend_gone),
    Cause(
        re.compile(
            r"(?s)(?:unable to open (?:state \w+|bucket)|could not list bucket|blob \(key)"
            r".*?: ([^:\n]+: [^:\n]+)\s*\Z"
        ),
        _no_backend,
    ),
    Cause(re.compile(r'"code": ?81058\b'), _identical),
    Cause(
        re.compile(
            r"failed to make http request: [A-Z]+ \S+: ([^\n]*(?:dial tcp|lookup|timeout|EOF"
            r"|[Cc]onnection|Errno)[^\n]*)"
        ),
        _silent_api,
    ),
    Cause(
        re.compile(r"line (\d+): mapping key (\S+) already defined at line (\d+)"), _duplicate_key
    ),
    Cause(re.compile(r"\b40[013]\b[^\n]*\b(9109|10000|9103|6003|1000[01])\b[^\n]{0,80}"), _scope),
    Cause(re.compile(r"dial tcp (\S+?): ([^\n]*)"), _unreachable),
    Cause(NO_LOGIN, _login),
    Cause(re.compile(NO_SUDO), _sudo),
    # As bootstrap.sh says it.
    Cause(re.compile(r"user (?P<user>\S+) may not use sudo without a password"), _sudo),
    Cause(re.compile(r"invalid YAML file: yaml: line (\d+): ([^\n]*)"), _no_yaml),
)
"""In the order in which they are tried; the first one that matches is used."""


def explain(error: str, stack: str) -> str:
    """One error of the engine as a reader needs it; an unknown error comes back unchanged.

    So does one of the program itself, which names the place in the stack file.
    """
    if _OWN.match(error):
        return stack_file.located(error.removeprefix("error: ").strip())
    error = _TWICE.sub(r"failed to make http request: \1", without_password(error))
    for cause in CAUSES:
        found = cause.pattern.search(error)
        if found:
            return cause.text(found, stack)
    return _TRACEBACK.sub("", error).removeprefix("error: ").strip()


def explained(errors: Iterable[str], stack: str) -> list[str]:
    """All errors, explained; each text once, and without what only repeats that there was one."""
    texts = [explain(error, stack) for error in errors]
    told = [text for text in dict.fromkeys(texts) if text and not _NOISE.search(text)]
    return told or list(dict.fromkeys(texts))
