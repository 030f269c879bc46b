"""Postfix on the lab's own hosts: Maildirs for any recipient, a log file, no chroot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.system import run, write
from lab.topology import CHECKOUT

MAILDIRS = "/var/mail"
_UID = 5000
_DELIVER = "usr/local/lib/mx-lab/maildir_deliver.py"


def configure(root: Path, domains: Sequence[str], parameters: Mapping[str, str]) -> None:
    """Write main.cf and the transport to the Maildirs into a root file system.

    virtual(8) takes no pattern for a mailbox's path, so a pipe(8) delivers to any recipient.
    """
    settings = {
        "compatibility_level": "3.6",
        "maillog_file": "/var/log/mail.log",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8 [::1]/128",
        "alias_maps": "",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "virtual_mailbox_domains": ", ".join(domains),
        "virtual_mailbox_maps": "static:all",
        "virtual_transport": "maildir",
        "maildir_destination_recipient_limit": "1",
        "message_size_limit": "104857600",
        **parameters,
    }
    main = "".join(f"{name} = {value}\n" for name, value in settings.items())
    write(root / "etc/postfix/main.cf", main)
    program = CHECKOUT / "lab" / "files" / "maildir_deliver.py"
    write(root / _DELIVER, program.read_text(), 0o755)
    service = "etc/systemd/system/postfix.service.d/mx-lab.conf"
    write(root / service, "[Unit]\nAfter=network.target\n")
    inside = ["chroot", str(root)]
    run([*inside, "groupadd", "--gid", str(_UID), "vmail"])
    run([*inside, "useradd", "--uid", str(_UID), "--gid", str(_UID), "--no-create-home", "vmail"])
    run([*inside, "install", "-d", "-o", "vmail", "-g", "vmail", MAILDIRS])
    run([*inside, "postconf", "-F", "*/*/chroot = n"])
    pipe = f"maildir unix - n n - - pipe flags=DRhu user=vmail argv=/{_DELIVER} {MAILDIRS}"
    run([*inside, "postconf", "-M", f"maildir/unix={pipe} ${{domain}} ${{user}}"])


def maildir(root: Path, recipient: str) -> Path:
    """Return the Maildir of a recipient, seen from outside the container."""
    user, _, domain = recipient.rpartition("@")
    return root / MAILDIRS.lstrip("/") / domain / user
