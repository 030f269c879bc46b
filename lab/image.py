"""Base images: Debian as debootstrap lays it, plus packages, built once and cached."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import apt_proxy, cache
from lab.system import run, say, write
from lab.topology import MIRROR, RESOLVER, Host, ipv4

_BARE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "python3",
    "sudo",
    "ca-certificates",
    "iproute2",
    "iputils-ping",
)
_POSTFIX = ("postfix", "postfix-pcre")
_PACKAGES = {
    "bare": (),
    "mailbox": _POSTFIX,
    "monitor": ("prometheus", "prometheus-blackbox-exporter", "prometheus-alertmanager"),
    "internet": (
        *_POSTFIX,
        "knot",
        "knot-dnsutils",
        "unbound",
        "pebble",
        "python3-flask",
        "python3-dnspython",
        # A verifier of mail that is not Rspamd.
        "python3-authheaders",
        "python3-spf",
    ),
}


@dataclass(frozen=True)
class Image:
    """One image: a kind of host on one Debian suite."""

    kind: str
    suite: str

    @property
    def path(self) -> Path:
        """Where the finished image is; its key changes with what it is made of."""
        made_of = repr((_BARE, _PACKAGES[self.kind], _sources(self.suite), apt_proxy.URL))
        digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
        return cache.directory() / "images" / f"{self.suite}-{self.kind}-{digest}"


def of(host: Host, suite: str) -> Image:
    """Return the image of a host; only the exchangers follow the chosen suite."""
    return Image(host.image, suite if host.image == "bare" else "trixie")


def _sources(suite: str) -> str:
    """Return the sources.list of a suite."""
    return (
        f"deb http://{MIRROR}/debian {suite} main\n"
        f"deb http://{MIRROR}/debian {suite}-updates main\n"
        f"deb http://{MIRROR}/debian-security {suite}-security main\n"
    )


def ensure(image: Image) -> Path:
    """Return the image's folder, building it first when it is not there."""
    if image.path.is_dir():
        return image.path
    unfinished = image.path.with_name(image.path.name + ".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    if image.kind == "bare":
        say(f"building the {image.suite} image with debootstrap (about a minute)")
        _debootstrap(image.suite, unfinished)
    else:
        bare = ensure(Image("bare", image.suite))
        say(f"building the {image.kind} image: {' '.join(_PACKAGES[image.kind])}")
        run(["cp", "-a", bare, unfinished])
        _install(unfinished, _PACKAGES[image.kind])
    unfinished.rename(image.path)
    return image.path


def _debootstrap(suite: str, root: Path) -> None:
    """Lay a minimal Debian and make its package lists ready."""
    include = f"--include={','.join(_BARE)}"
    mirror = f"http://{MIRROR}/debian"
    proxy = {"http_proxy": apt_proxy.URL}
    run(["debootstrap", "--variant=minbase", include, suite, root, mirror], env=proxy)
    write(root / "etc/apt/sources.list", _sources(suite))
    write(root / "etc/apt/apt.conf.d/01proxy", f'Acquire::http::Proxy "{apt_proxy.URL}";\n')
    write(root / "etc/resolv.conf", f"nameserver {ipv4(RESOLVER)}\noptions edns0 trust-ad\n")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    write(root / "etc/machine-id", "")
    inside = ["chroot", str(root)]
    run([*inside, "apt-get", "update"])
    run(
        [
            *inside,
            "useradd",
            "--create-home",
            "--shell",
            "/bin/bash",
            "--gid",
            "operator",
            "operator",
        ]
    )
    write(root / "etc/sudoers.d/operator", "operator ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    run([*inside, "apt-get", "clean"])


def _install(root: Path, packages: tuple[str, ...]) -> None:
    """Install packages without starting their services."""
    policy = root / "usr/sbin/policy-rc.d"
    write(policy, "#!/bin/sh\nexit 101\n", 0o755)
    write(root / "etc/hostname", "image\n")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    run(["chroot", str(root), *install], env={"DEBIAN_FRONTEND": "noninteractive"})
    run(["chroot", str(root), "apt-get", "clean"])
    policy.unlink()
