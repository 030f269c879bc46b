"""A host as the command provider reaches it over SSH."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_command as command
from pydantic import TypeAdapter, ValidationError

from components.host.manifest import Manifest
from components.host.seen import Seen
from components.host.silent import Look
from components.settings.environment import Settings
from components.settings.host import HostSettings
from components.settings.types import KEY_TYPES, HostKey

# The plug-in dials once more than its limit says. An unreachable host is reported after four dials
# of ten seconds and the pauses between them: 41 s.
_DIAL_ERROR_LIMIT = 3
_PER_DIAL_TIMEOUT = 10
_HOST_KEY: TypeAdapter[str] = TypeAdapter(HostKey)


class Target:
    """Connection of one MX host; its host key is always pinned.

    `manifests`: what the bundles made so far send there. `reads`: commands made so far that only
    read. `before`: the host whose turn it is before this one. `interrupting`: commands made so far
    that may keep this host from taking mail; `earlier`: those of all hosts before it; `answered`:
    those of them whose host answered in this run.

    Raises pulumi.RunError when the private key or the host's key cannot be read.
    """

    def __init__(
        self, key: str, settings: Settings, seen: Seen, before: Target | None = None
    ) -> None:
        host, ssh = settings.hosts[key], settings.ssh
        self.seen = seen
        self.interrupting: list[pulumi.Resource] = []
        self.earlier: list[pulumi.Resource] = (
            [*before.earlier, *before.interrupting] if before is not None else []
        )
        self.answered: list[pulumi.Resource] = []
        if before is not None:
            self.answered += before.answered
            self.answered += before.interrupting if before.seen.read else []
        self.manifests: list[Manifest] = []
        self.reads: list[pulumi.Resource] = []
        private_key = None
        if ssh.private_key_file is not None:
            text = _read(ssh.private_key_file, "mx:mail.ssh.privateKeyFile")
            private_key = pulumi.Output.secret(text)
        self.sudo = "" if ssh.user == "root" else "sudo -n "
        self.host_key = host_key_of(key, settings)
        self.look = Look(key, address_of(host), ssh.port, seen.refused, answered=seen.read)
        self.connection = command.remote.ConnectionArgs(
            host=address_of(host),
            port=ssh.port,
            user=ssh.user,
            private_key=private_key,
            host_key=self.host_key,
            dial_error_limit=_DIAL_ERROR_LIMIT,
            per_dial_timeout=_PER_DIAL_TIMEOUT,
        )


def address_of(host: HostSettings) -> str:
    """The address that SSH goes to."""
    return host.ssh_address or str(host.ipv4)


def host_key_of(key: str, settings: Settings) -> str:
    """The pinned key of a host, as type and base64. Raises pulumi.RunError when there is none."""
    host = settings.hosts[key]
    return host.host_key or _known_host(key, host, address_of(host), settings.ssh.known_hosts_file)


def _read(path: str, key: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8", "replace")
    except OSError as error:
        raise pulumi.RunError(f"{key}: cannot read {path}: {error.strerror}") from None


def _known_host(key: str, host: HostSettings, address: str, path: str | None) -> str:
    """The host's key from a known_hosts file (sshd(8)), by address or name; ed25519 first."""
    if path is None:
        raise pulumi.RunError(
            f"mx:mail.hosts.{key}.hostKey: missing; give the host's SSH key, or a file in "
            "ssh.knownHostsFile"
        )
    found = []
    for line in _read(path, "mx:mail.ssh.knownHostsFile").split("\n"):
        fields = line.split()
        if len(fields) >= 3 and {address, host.hostname} & set(fields[0].split(",")):
            found.append(" ".join(fields[1:3]))
    usable = [entry for entry in found if entry.split()[0] in KEY_TYPES]
    if not usable:
        others = ", ".join(sorted({entry.split()[0] for entry in found}))
        what = f"only lines of type {others}" if found else "no line"
        raise pulumi.RunError(
            f"mx:mail.hosts.{key}.hostKey: {path} has {what} for {address} or "
            f"{host.hostname}; expected is a key of type {' or '.join(KEY_TYPES)}. Read it at "
            "the host's console: cat /etc/ssh/ssh_host_ed25519_key.pub"
        )
    chosen = min(usable, key=lambda entry: KEY_TYPES.index(entry.split()[0]))
    try:
        return _HOST_KEY.validate_python(chosen)
    except ValidationError:
        raise pulumi.RunError(
            f"mx:mail.hosts.{key}.hostKey: the line of {path} for {address} or "
            f"{host.hostname} is not an SSH host key"
        ) from None
