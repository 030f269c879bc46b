"""What stands in a stack file of a host: how it is reached, an MX host, a mailbox host."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from components.settings.types import (
    FileName,
    HostKey,
    Hostname,
    Model,
    Port,
    PublicIPv6,
    Reachable,
)


class SshSettings(Model):
    """How the hosts are reached. Without `privateKeyFile` the running ssh-agent is asked."""

    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = Field(
        "root", description="Login; one that is not root must be allowed `sudo -n`."
    )
    port: Port = 22
    private_key_file: FileName | None = Field(
        None, description="Path of an OpenSSH private key; it enters the state as a secret."
    )
    known_hosts_file: FileName | None = Field(
        None, description="known_hosts file with the keys of hosts that give no hostKey."
    )


class HostSettings(Model):
    """One MX host."""

    hostname: Hostname = Field(description="Name in the MX records, in the banner and in EHLO.")
    ipv4: IPv4Address
    ipv6: PublicIPv6 | None = None
    host_key: HostKey | None = Field(
        None, description="SSH host key, `ssh-ed25519 AAAA...`; or see ssh.knownHostsFile."
    )
    preference: Annotated[StrictInt, Field(ge=0, le=65535)] = Field(
        10, description="Preference of the MX records, RFC 5321 section 5.1."
    )
    inet_interfaces: list[IPv4Address | PublicIPv6 | Literal["all", "loopback-only"]] = Field(
        ["all"],
        description="Addresses that Postfix listens on and sends from (postconf(5)).",
        min_length=1,
    )
    debian: Literal[12, 13] = Field(13, description="Release of Debian on the host.")
    ssh_address: Reachable | None = Field(
        None, description="Address for SSH, if not the public IPv4 address."
    )
    monitoring_address: IPv4Address | PublicIPv6 | None = Field(
        None,
        description="Address that exporters listen on; default: ipv4, which needs `firewall`.",
    )
    give_up_queue: bool = Field(
        False,
        description="Remove Postfix even if mail is queued; nobody delivers it then.",
    )
    leaving: bool = Field(
        False,
        description="The host leaves all its domains; set this before you remove it.",
    )


class MailboxHostSettings(Model):
    """One mailbox host, to which the MX hosts relay."""

    hostname: Hostname
    port: Port = 25
    protocol: Literal["smtp", "lmtp"] = "smtp"
