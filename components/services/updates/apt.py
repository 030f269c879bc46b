"""Texts for apt and its timers: apt.conf(5), unattended-upgrades(8), apt.systemd.daily(8)."""

from __future__ import annotations

from collections.abc import Iterable

from components.services.hardening import PROTECT, RESTRICT
from components.settings.environment import Settings

CONFIG = "/etc/apt/apt.conf.d/60mx-updates"
"""After 20auto-upgrades and 50unattended-upgrades of Debian's package."""

_SECURITY = "origin=Debian,codename=${distro_codename}-security,label=Debian-Security"

# Other processes, and the kernel's version, are what it looks at.
_PROTECT = PROTECT.replace("ProcSubset=pid\n", "").replace("ProtectProc=invisible\n", "")

_SERVICE = f"""\
[Unit]
Description=What the packages of this host wait for

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B /usr/local/lib/mx/mx_updates.py{{}}
StateDirectory=mx-updates
Nice=10
TimeoutStartSec=300
PrivateNetwork=yes
# apt writes the signed lists that it reads to a temporary file.
PrivateTmp=yes
# Of every process it reads what is mapped.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE
{_PROTECT}\
RestrictAddressFamilies=AF_UNIX
{RESTRICT.replace("UMask=0077", "UMask=0022")}"""

TIMER = """\
[Unit]
Description=Look what the packages of this host wait for

[Timer]
OnBootSec=120
OnUnitActiveSec=3600
AccuracySec=60

[Install]
WantedBy=timers.target
"""


def service(settings: Settings) -> str:
    """The look; its arguments are packages whose every update counts as a security update."""
    return _SERVICE.format("".join(f" {name}" for name in settings.spam_filter.other_packages))


def config(settings: Settings, mail_path: Iterable[str]) -> str:
    """apt.conf(5): lists are fetched daily; with `unattended`, what is installed by itself.

    `mail_path`: beginnings of names of packages that stay as they are unless `updates.mailPath`.
    Nothing is taken from `spamFilter.source`: unattended-upgrade prefers a version of a repository
    that is named here to apt's own candidate, whatever its pin.
    """
    own = settings.updates
    lines = ["// Written by mx.", 'APT::Periodic::Update-Package-Lists "1";']
    if own.unattended:
        kept = () if own.mail_path else mail_path
        lines += [
            'APT::Periodic::Unattended-Upgrade "1";',
            "#clear Unattended-Upgrade::Origins-Pattern;",
            f'Unattended-Upgrade::Origins-Pattern {{ "{_SECURITY}"; }};',
            "#clear Unattended-Upgrade::Package-Blacklist;",
            *(f'Unattended-Upgrade::Package-Blacklist {{ "{name}"; }};' for name in kept),
            "// A run that reaches the end of its window stops after the package at hand.",
            'Unattended-Upgrade::MinimalSteps "true";',
            'Unattended-Upgrade::Automatic-Reboot "false";',
            'Unattended-Upgrade::OnlyOnACPower "false";',
        ]
    return "\n".join(lines) + "\n"


def timer_drop_in(settings: Settings, host: str) -> str:
    """apt-daily-upgrade.timer: in the host's window and at no other time, a boot included."""
    at = settings.updates.begins(host, settings.hosts)
    return (
        "[Timer]\n"
        "OnCalendar=\n"
        f"OnCalendar=*-*-* {at}:00 UTC\n"
        "RandomizedDelaySec=0\n"
        "Persistent=false\n"
    )


def service_drop_in(settings: Settings) -> str:
    """apt-daily-upgrade.service: ends before the next host's window (systemd.service(5))."""
    minutes = settings.updates.window_minutes - 15
    return f"[Service]\nTimeoutStartSec={minutes}min\nTimeoutStopSec=14min\n"
