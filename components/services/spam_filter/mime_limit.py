"""Units of the milter that stands before Rspamd (systemd.socket(5), systemd.exec(5)).

systemd holds the socket and starts the service with the first connection: no other user can take
its place, and a restart of the service refuses no connection of Postfix.
"""

from __future__ import annotations

from components.services.hardening import PROTECT, RESTRICT

SOCKET_UNIT, UNIT = "mx-mime-limit.socket", "mx-mime-limit.service"
PROGRAM = "/usr/local/lib/mx/mx_mime_limit.py"
SOCKET = "/var/spool/postfix/mx-mime-limit/milter.sock"
"""In Postfix's queue directory, so that smtpd(8) reaches it from its chroot too."""

LISTEN = f"""\
[Unit]
Description=Socket of the milter that counts messages within a message

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
Description=Milter that counts messages within a message
Requires={SOCKET_UNIT}
After={SOCKET_UNIT}
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/python3 -I -B {PROGRAM} serve
Restart=always
RestartSec=1
DynamicUser=yes
PrivateNetwork=yes
CapabilityBoundingSet=
{PROTECT}RestrictAddressFamilies=AF_UNIX
{RESTRICT}"""
