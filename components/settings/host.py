"""Settings of hosts: how SSH reaches them, each MX host, each mailbox host."""

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
    """How SSH reaches the hosts. Without `privateKeyFile`, the running ssh-agent gives the key."""

    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = Field(
        "root",
        description="Login name. A user other than root needs sudo without a password (`sudo -n`).",
    )
    port: Port = Field(22, description="TCP port of SSH on every host.")
    private_key_file: FileName | None = Field(
        None,
        description="Path of an OpenSSH private key. The stack's state holds the key as an "
        "encrypted secret.",
    )
    known_hosts_file: FileName | None = Field(
        None,
        description="known_hosts file with the SSH host keys of those hosts that have no "
        "`hostKey`.",
    )


class HostSettings(Model):
    """One MX host."""

    hostname: Hostname = Field(
        description="Name of the host in MX records, in the SMTP banner and in EHLO."
    )
    ipv4: IPv4Address = Field(description="Public IPv4 address, which is published in DNS.")
    ipv6: PublicIPv6 | None = Field(
        None, description="Public IPv6 address, which is published in DNS. Default: none."
    )
    host_key: HostKey | None = Field(
        None,
        description="SSH host key, for example `ssh-ed25519 AAAA...`. Without it, "
        "`ssh.knownHostsFile` must have the key.",
    )
    preference: Annotated[StrictInt, Field(ge=0, le=65535)] = Field(
        10,
        description="Preference in the MX records. Senders try the lowest number first (RFC 5321 "
        "section 5.1).",
    )
    inet_interfaces: list[IPv4Address | PublicIPv6 | Literal["all", "loopback-only"]] = Field(
        ["all"],
        description="Addresses that Postfix listens on and sends from (inet_interfaces, "
        "postconf(5)).",
        min_length=1,
    )
    debian: Literal[12, 13] = Field(13, description="Debian release that runs on the host.")
    ssh_address: Reachable | None = Field(
        None, description="Address or name that SSH connects to. Default: `ipv4`."
    )
    monitoring_address: IPv4Address | PublicIPv6 | None = Field(
        None,
        description="Address that the exporters listen on. Default: `ipv4`, which is allowed only "
        "with `firewall`.",
    )
    give_up_queue: bool = Field(
        False,
        description="Let this host lose Postfix while mail is queued. Nobody delivers that mail "
        "then.",
    )
    leaving: bool = Field(
        False,
        description="The host is about to be removed. DNS stops naming it as MX of every domain, "
        "and the host still accepts mail. Set this in one `up`, and remove the host "
        "in a later one.",
    )


class MailboxHostSettings(Model):
    """One mailbox host, to which the MX hosts relay."""

    hostname: Hostname = Field(description="Host name of the mailbox server.")
    port: Port = Field(25, description="TCP port that the MX hosts deliver to.")
    protocol: Literal["smtp", "lmtp"] = Field("smtp", description="Protocol of that port.")
