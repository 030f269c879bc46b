"""A Debian host as a systemd-nspawn container on an overlay over its base image."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from uuid import uuid4

from lab import keys, network, process
from lab.system import mounted, run, wait_for, write
from lab.topology import Host


def prepare(host: Host, image: Path) -> None:
    """Mount the host's root file system and give it its name and its keys."""
    upper, work = host.directory / "upper", host.directory / "work"
    for folder in (upper, work, host.root):
        folder.mkdir(parents=True, exist_ok=True)
    lower = f"{host.saved}:{image}" if host.saved.is_dir() else image
    # A folder of a layer below can be renamed, as on any other file system.
    options = f"lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=on"
    run(["mount", "-t", "overlay", "overlay", "-o", options, host.root])
    root = host.root
    write(root / "etc/hostname", f"{host.name}\n")
    if not host.saved.is_dir():
        # Else systemd takes the one of D-Bus from the image, and all hosts are clones.
        write(root / "etc/machine-id", f"{uuid4().hex}\n", 0o444)
    own = f"{host.address} {host.fqdn} {host.name}\n"
    local = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
    write(root / "etc/hosts", local + own)
    key = keys.host_key(host)
    write(root / "etc/ssh/ssh_host_ed25519_key", key.read_text(), 0o600)
    public = key.with_suffix(".pub").read_text()
    write(root / "etc/ssh/ssh_host_ed25519_key.pub", public)
    client = keys.CLIENT_KEY.with_suffix(".pub").read_text()
    for home in ("root", "home/operator"):
        folder = root / home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        write(folder / "authorized_keys", client, 0o600)
    run(["chroot", root, "chown", "-R", "operator:operator", "/home/operator/.ssh"])


def boot(host: Host) -> None:
    """Start systemd in the container; it goes on in the background."""
    network.join(host)
    process.start(
        host.name,
        [
            "systemd-nspawn",
            "--register=no",
            "--keep-unit",
            "--boot",
            f"--network-namespace-path=/run/netns/{host.netns}",
            "--resolv-conf=off",
            "--link-journal=no",
            "--timezone=off",
            "--console=read-only",
            "--capability=CAP_NET_ADMIN",
            f"--machine={host.name}",
            f"--directory={host.root}",
        ],
    )


def listens(host: Host, port: int = 22) -> bool:
    """Tell whether a TCP port of the host answers."""
    try:
        with socket.create_connection((host.address, port), timeout=1):
            return True
    except OSError:
        return False


def wait(host: Host) -> None:
    """Wait until the host's SSH answers."""
    wait_for(f"SSH on {host.name}", lambda: listens(host), 60)


def leader(host: Host) -> int | None:
    """Return the id of the container's init, seen from outside."""
    for pid in process.pids(host.name):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        spaces = next(line.split() for line in status.splitlines() if line.startswith("NSpid"))
        if len(spaces) == 3 and spaces[2] == "1":
            return pid
    return None


def enter(host: Host) -> list[str]:
    """Return the words that run a command in the container, without SSH, when put before it."""
    flags = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root"]
    target = f"--target={leader(host) or 0}"
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # nsenter's own --wd is a folder outside the container's root.
    env = ["/usr/bin/env", "--chdir=/root", "HOME=/root", path]
    return ["nsenter", target, *flags, *env]


def inside(host: Host, command: list[str], *, stdin: str | None = None, check: bool = True) -> str:
    """Run a command in the container and return what it printed."""
    return run([*enter(host), *command], stdin=stdin, check=check)


def save(host: Host) -> None:
    """Wait for the host's end and keep what it added to its image, for `prepare`."""
    process.finish(host.name)
    run(["umount", host.root])
    host.saved.parent.mkdir(parents=True, exist_ok=True)
    (host.directory / "upper").rename(host.saved)


def remove(host: Host) -> None:
    """Wait for the host's end, unmount and delete its file system."""
    process.finish(host.name)
    if mounted(host.root):
        run(["umount", host.root])
    if host.directory.exists():
        shutil.rmtree(host.directory)
