"""The host that the recorded connections went to: users, keys, an sshd, and addresses that fail.

All of it is in namespaces of its own (`unshare` of util-linux): its /etc, its /run, its loopback.
The machine sees no port, no user and no file of it, and the kernel ends its processes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

HOST, UNREACHABLE, NO_ROUTE = "127.0.77.1", "198.51.100.9", "203.0.113.9"
PORT, REFUSED_PORT = 2222, 1000
RUN = Path("/run/corpus")
PHRASE = "secret words"
# The passwords are "root pass" and "pass word" (openssl passwd -5).
_ROOT_PASS = "$5$corpus$n2FNyA1PXFB0rbDhtWI6Z0m5kn4Cnz9lPuzg5rB2H57"
_PASS_WORD = "$5$corpus$eR2FyxyfSwfWST79KSm2KagXwbKZihef/5yKGyXP.O3"
_PASSWORDS = {
    "root": _ROOT_PASS,
    "pw": _PASS_WORD,
    "plain": "*",
    "op": "*",
    "sshd": "*",
    "nobody": "*",
}
_PAM = """auth required pam_unix.so nodelay
account required pam_unix.so
session required pam_permit.so
"""
_SSHD = f"""ListenAddress {HOST}:{PORT}
ListenAddress {HOST}:22
HostKey {RUN}/host-ed25519
HostKey {RUN}/host-rsa
HostKey {RUN}/host-ecdsa
AuthorizedKeysFile {RUN}/authorized
PidFile none
StrictModes no
PermitRootLogin yes
KbdInteractiveAuthentication no
UsePAM yes
PrintMotd no
PrintLastLog no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
Match User plain
  AllowTcpForwarding no
"""
# Name, kind, form and pass phrase of each private key of a client.
_CLIENTS = (
    ("PRIVATE_KEY_RSA", "rsa", "RFC4716", ""),
    ("PRIVATE_KEY_ECDSA", "ecdsa", "RFC4716", ""),
    ("PRIVATE_KEY_RSA_PEM", "rsa", "PEM", ""),
    ("PRIVATE_KEY_PKCS8", "ecdsa", "PKCS8", ""),
    ("PRIVATE_KEY_ENCRYPTED", "ed25519", "RFC4716", PHRASE),
    ("PRIVATE_KEY_RSA_PEM_ENCRYPTED", "rsa", "PEM", PHRASE),
)


def _do(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def furnish() -> None:
    """Fill the namespaces: /etc, /run, and a network in which some addresses fail."""
    for folder in ("/etc", "/run"):
        _do("mount", "-t", "tmpfs", "-o", "mode=755", "corpus", folder)
    users = "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for number, name in _numbers())
    etc = Path("/etc")
    (etc / "passwd").write_text(f"root:x:0:0::/root:/bin/bash\n{users}")
    groups = "".join(f"{name}:x:{number}:\n" for number, name in _numbers())
    (etc / "group").write_text(f"root:x:0:\n{groups}")
    shadow = etc / "shadow"
    shadow.touch(0o600)
    shadow.write_text("".join(f"{name}:{word}:1::::::\n" for name, word in _PASSWORDS.items()))
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: dns\n")
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (etc / "pam.d").mkdir()
    (etc / "pam.d/sshd").write_text(_PAM)
    (etc / "pam.d/other").write_text(_PAM)
    Path("/run/sshd").mkdir(0o755)
    RUN.mkdir(0o755)
    for line in (
        "link set lo up",
        # Whatever is sent there is lost: nobody is asked for its place, nobody takes it.
        "link add void type veth peer name void-peer",
        "link set void arp off up",
        "link set void-peer arp off up",
        "address add 198.51.100.1/24 dev void",
        f"route add unreachable {NO_ROUTE}",
    ):
        _do("ip", *line.split())


def _numbers() -> list[tuple[int, str]]:
    return list(enumerate((name for name in _PASSWORDS if name != "root"), 1000))


def _key(file: Path, kind: str, form: str = "RFC4716", phrase: str = "") -> str:
    """Make a key; give the public half."""
    # The smallest that sshd takes (RequiredRSASize), as making larger ones takes seconds.
    size = ["-b", "1024"] if kind == "rsa" else []
    form_of = [] if form == "RFC4716" else ["-m", form]
    _do("ssh-keygen", "-q", "-t", kind, *size, *form_of, "-N", phrase, "-C", "", "-f", file)
    return " ".join(file.with_name(f"{file.name}.pub").read_text().split()[:2])


def names(private_key: str) -> Mapping[str, str | int]:
    """Make all keys but the recorded client's; the placeholders of a scenario with their values."""
    client = RUN / "PRIVATE_KEY"
    client.touch(0o600)
    client.write_text(private_key)
    asked = ["ssh-keygen", "-y", "-f", str(client)]
    public = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    found: dict[str, str | int] = {"PRIVATE_KEY": private_key, "PUBLIC_KEY": public}
    authorized = [public]
    for name, kind, form, phrase in _CLIENTS:
        authorized.append(_key(RUN / name, kind, form, phrase))
        found[name] = (RUN / name).read_text()
    (RUN / "authorized").write_text("\n".join(authorized) + "\n")
    _key(RUN / "unknown", "ed25519")
    found["PRIVATE_KEY_UNKNOWN"] = (RUN / "unknown").read_text()
    for kind, name in (("ed25519", ""), ("rsa", "_RSA"), ("ecdsa", "_ECDSA")):
        found[f"HOST_KEY{name}"] = _key(RUN / f"host-{kind}", kind)
    found["HOST_KEY_OTHER"] = _key(RUN / "other", "ed25519")
    return found | {
        "HOST": HOST,
        "PORT": PORT,
        "REFUSED_PORT": REFUSED_PORT,
        "UNREACHABLE_HOST": UNREACHABLE,
        "NO_ROUTE_HOST": NO_ROUTE,
    }


@contextlib.contextmanager
def sshd() -> Iterator[None]:
    """The server, until the end of the block."""
    config, log = RUN / "sshd_config", RUN / "sshd.log"
    config.write_text(_SSHD)
    # sshd has penalties since 9.8, and refuses an option that it does not know.
    lenient = ["-o", "PerSourcePenalties=no"]
    checked = subprocess.run(
        ["/usr/sbin/sshd", "-t", "-f", config, *lenient], check=False, capture_output=True
    )
    more = [] if checked.returncode else lenient
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", config, "-E", log, *more])
    try:
        deadline = time.monotonic() + 20
        while not log.exists() or log.read_text().count("Server listening on") < 2:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sshd did not start: {log.read_text() if log.exists() else ''}")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def agent(path: Path, *keys: Path) -> Iterator[None]:
    """An SSH agent at a path, with these keys."""
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not path.is_socket():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no ssh-agent at {path}")
            time.sleep(0.02)
        for key in keys:
            variables = {**os.environ, "SSH_AUTH_SOCK": str(path)}
            subprocess.run(["ssh-add", "-q", key], env=variables, check=True)
        yield
    finally:
        process.terminate()
        process.wait(10)
