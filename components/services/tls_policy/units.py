"""Units and settings of the two TLS policy services: ours, and postfix-mta-sts-resolver behind it.

Sources: mta-sts-daemon.yml(5) of 1.1.2 (Debian 12) and 1.5.0 (Debian 13), systemd.exec(5).
"""

from __future__ import annotations

from components.services.hardening import PROTECT, RESTRICT
from components.services.tls_reports import units as tls_reports
from components.settings.environment import Settings

SOCKET = "/var/spool/postfix/mx-tls-policy/policy.sock"
"""In Postfix's queue directory, so that smtp(8) reaches it from its chroot too."""

STS_SOCKET = "/run/mx-mta-sts/policy.sock"
SOCKET_UNIT, UNIT = "mx-tls-policy.socket", "mx-tls-policy.service"
STS_UNIT = "postfix-mta-sts-resolver.service"
STS_CONFIG = "/etc/mta-sts-daemon.yml"


def used(settings: Settings) -> bool:
    """Whether the service is set up: TLS is, and the operator has no other service nor `none`."""
    return settings.certificates is not None and settings.postfix.tls.policy_service is None


def socketmap(settings: Settings) -> str | None:
    """The service as smtp_tls_policy_maps names it, without `socketmap:`; None without one."""
    if used(settings):
        return f"unix:{SOCKET.removeprefix('/var/spool/postfix/')}:QUERY"
    service = settings.postfix.tls.policy_service
    return None if service == "none" else service


def sts_config(settings: Settings, host: str) -> str:
    """mta-sts-daemon.yml(5)."""
    # Postfix before 3.10 would refuse these attributes (TLSRPT_README).
    reports = (
        "  # Postfix is told the policy too: reports have it, and it checks the MX names by it.\n"
    )
    reports += "  tlsrpt: true\n"
    return (
        "# In a directory that only this service's group may enter.\n"
        f"path: {STS_SOCKET}\n"
        "mode: 0660\n"
        "# A file: policies that were fetched hold over a restart (RFC 8461 section 5.1).\n"
        "cache:\n"
        "  type: sqlite\n"
        "  options:\n"
        "    filename: /var/lib/mta-sts/cache.db\n"
        "# Policies are renewed before they end, also of domains that get little mail.\n"
        "proactive_policy_fetching:\n"
        "  enabled: true\n"
        "default_zone:\n"
        "  strict_testing: false\n"
        "  timeout: 10\n" + (reports if tls_reports.socket(settings, host) is not None else "")
    )


STS_DROP_IN = """\
# A service that ends comes back, however often: without it mail is put off.
[Unit]
After=unbound.service
StartLimitIntervalSec=0

[Service]
Restart=always
RestartSec=1
TimeoutStartSec=30
TimeoutStopSec=10
RuntimeDirectory=mx-mta-sts
RuntimeDirectoryMode=0750
# Each connection is a file; only our service comes here.
LimitNOFILE=8192
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
RestrictSUIDSGID=yes
"""

LISTEN = f"""\
[Unit]
Description=Socket of the TLS policy service

[Socket]
ListenStream={SOCKET}
SocketUser=root
SocketGroup=postfix
SocketMode=0660

[Install]
WantedBy=sockets.target
"""

SERVICE = f"""\
[Unit]
Description=TLS policy of next hops for Postfix: DANE first, then MTA-STS
Requires={SOCKET_UNIT}
After=unbound.service {SOCKET_UNIT} {STS_UNIT}
Wants={STS_UNIT}
Before=postfix.service
StartLimitIntervalSec=0

[Service]
Type=notify
Environment=PYTHONPATH=/usr/local/lib/mx PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -P -m mx_tls_policy serve {STS_SOCKET}
Restart=always
RestartSec=1
DynamicUser=yes
SupplementaryGroups=_mta-sts
LimitNOFILE=8192
CapabilityBoundingSet=
IPAddressAllow=localhost
IPAddressDeny=any
{PROTECT}RestrictAddressFamilies=AF_INET AF_UNIX
{RESTRICT}
[Install]
WantedBy=multi-user.target
"""
