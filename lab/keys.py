"""SSH keys of the lab: one for the client, one for each host, and known_hosts."""

from __future__ import annotations

from pathlib import Path

from lab.system import run, write
from lab.topology import ALL_HOSTS, STATE, Host, ipv6

DIRECTORY = STATE / "ssh"
CLIENT_KEY = DIRECTORY / "id_ed25519"
KNOWN_HOSTS = DIRECTORY / "known_hosts"


def host_key(host: Host) -> Path:
    """Return the path of a host's private key."""
    return DIRECTORY / f"host_{host.name}_ed25519"


def ensure() -> None:
    """Make the keys that are missing and write known_hosts."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    DIRECTORY.chmod(0o700)
    _ensure_key(CLIENT_KEY, "mx-lab")
    lines = []
    for host in ALL_HOSTS:
        _ensure_key(host_key(host), host.fqdn)
        public = " ".join(host_key(host).with_suffix(".pub").read_text().split()[:2])
        names = f"{host.address},{ipv6(host.numbers[0])},{host.name},{host.fqdn}"
        lines.append(f"{names} {public}\n")
    write(KNOWN_HOSTS, "".join(lines), 0o600)


def _ensure_key(path: Path, comment: str) -> None:
    """Make an Ed25519 key unless it is there."""
    if not path.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def ssh_command(host: Host, user: str = "root") -> list[str]:
    """Return the ssh command line that reaches a host, without a remote command."""
    options = [f"UserKnownHostsFile={KNOWN_HOSTS}", "IdentitiesOnly=yes", "LogLevel=ERROR"]
    flags = [part for option in options for part in ("-o", option)]
    return ["ssh", "-F", "/dev/null", "-i", str(CLIENT_KEY), *flags, f"{user}@{host.address}"]
