"""Units and settings of tlsrpt-reporter: the collector that Postfix tells, and the reporter.

Sources: RFC 8460, TLSRPT_README of Postfix, the options in tlsrpt-reporter 0.6.0, systemd.exec(5).
"""

from __future__ import annotations

from components.services.hardening import PROTECT, RESTRICT
from components.settings.environment import Settings
from components.settings.tls_reports import can_report

COLLECTD, REPORTD = "mx-tlsrpt-collectd.service", "mx-tlsrpt-reportd.service"
CONFIG = "/etc/mx/tlsrpt.cfg"
LIBRARY = "/usr/local/lib/mx/tlsrpt"
"""Modules of tlsrpt-reporter; apart from ours, which are in the folder above."""
PYTHONPATH = f"{LIBRARY}:/usr/local/lib/mx"
STATE = "/var/lib/mx-tlsrpt"
SOCKET = "/var/spool/postfix/tlsrpt/collectd.sock"
"""In Postfix's queue directory, so that smtp(8) reaches it from its chroot too."""

_FETCHER = f"/usr/bin/python3 -P -m tlsrpt_reporter.tlsrpt_fetcher --config_file {CONFIG}"
_POST = "/usr/bin/python3 -P -m mx_tls_reports.post"


def used(settings: Settings, host: str) -> bool:
    """Whether an MX host sends reports: its Postfix can, and it has the key to sign them with."""
    if settings.tls_reports is None or not can_report(settings.hosts[host].debian):
        return False
    return host in settings.keepers(settings.tls_reports.contact.rpartition("@")[2])


def socket(settings: Settings, host: str) -> str | None:
    """The collector's socket as smtp_tlsrpt_socket_name has it; None without one."""
    if used(settings, host):
        return SOCKET.removeprefix("/var/spool/postfix/")
    return settings.postfix.tls.report_socket if can_report(settings.hosts[host].debian) else None


def config(settings: Settings) -> str:
    """The settings of all three programs. Raises ValueError without `tlsReports`.

    A report is kept for ten days (`keep_days`), what was collected until the next day is over.
    """
    reports = settings.tls_reports
    if reports is None:
        raise ValueError("the settings have no tlsReports")
    # configparser(3) would take a % for the beginning of a reference.
    organization = reports.organization.replace("%", "%%")
    contact = reports.contact.replace("%", "%%")
    return f"""\
[tlsrpt_collectd]
storage = sqlite://{STATE}/collectd.sqlite
socketname = {SOCKET}
socketgroup = postfix
socketmode = 0660
# Without a name for it a datagram that is none would end the collector.
dump_path_for_invalid_datagram = {STATE}/invalid-datagram

[tlsrpt_fetcher]
storage = sqlite://{STATE}/collectd.sqlite

[tlsrpt_reportd]
dbname = {STATE}/reportd.sqlite
fetchers = {_FETCHER}
organization_name = {organization}
contact_info = {contact}
sender_address = {contact}
sendmail_script = /usr/bin/python3 -P -m mx_tls_reports.submit
sendmail_timeout = 60
http_script = {_POST}
http_timeout = 70
# About a day of attempts (RFC 8460 section 5.5).
min_wait_delivery = 1800
max_wait_delivery = 3600
max_retries_delivery = 30
# The journal tells what is sent, and why something is not.
log_level = info
"""


_SANDBOX = f"""\
Environment=PYTHONPATH={PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
Restart=always
RestartSec=5
# One user for both: the reporter reads what the collector wrote.
DynamicUser=yes
User=mx-tlsrpt
StateDirectory=mx-tlsrpt
StateDirectoryMode=0700
CapabilityBoundingSet=
{PROTECT}{RESTRICT}
[Install]
WantedBy=multi-user.target
"""

COLLECTD_SERVICE = f"""\
# Postfix does not wait for it: libtlsrpt sends without blocking, and a datagram that nobody takes
# is a warning in the log, not a delay of mail.
[Unit]
Description=Collector of TLS sessions for reports (RFC 8460)
Before=postfix.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/python3 -P -m tlsrpt_reporter.tlsrpt_collectd --config_file {CONFIG}
# To give it the socket: Postfix's smtp(8) runs as postfix.
SupplementaryGroups=postfix
ReadWritePaths=/var/spool/postfix/tlsrpt
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
{_SANDBOX}"""


def reportd_service(settings: Settings, host: str) -> str:
    """The unit of the reporter, which sends by mail to this host's Postfix and by HTTPS."""
    program = f"mx_tls_reports.reportd {settings.hosts[host].hostname}"
    return f"""\
[Unit]
Description=TLS reports of yesterday to the domains that ask for them (RFC 8460)
After={COLLECTD} postfix.service unbound.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/python3 -P -m {program} --config_file {CONFIG}
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
{_SANDBOX}"""
