"""Where everything lies on the host, and how long the agent waits."""

from __future__ import annotations

import re

VERSION = "1.6.0"
AGENT = "/usr/local/sbin/mx-agent"
STATE = "/var/lib/mx-agent"
UPLOADS = "/var/lib/mx-upload"
RECOVER_UNIT = "mx-agent-recover.service"
RECOVER_PATH = "/etc/systemd/system/" + RECOVER_UNIT
RECOVER_TEXT = f"""\
[Unit]
Description=Undo or finish a change of the mail configuration that was cut off
DefaultDependencies=no
Conflicts=shutdown.target
After=local-fs.target systemd-remount-fs.service
Before=basic.target shutdown.target
RequiresMountsFor={STATE} /usr/local/sbin /etc
ConditionPathExists={STATE}/journal.json

[Service]
Type=oneshot
ExecStart={AGENT} recover --boot
# It renames files, gives them owners and modes, and calls systemctl(1) and gpasswd(1). A manifest
# may write anywhere, so no ProtectSystem=.
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID
PrivateNetwork=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=basic.target
"""
LOCK_WAIT = 300.0
SYSTEMCTL_TIMEOUT = 180.0
COMMAND_TIMEOUT = 180.0
APT_TIMEOUT = 1800.0
PROBE_TIMEOUT = 30.0
COMPARE_TIMEOUT = 60.0
ROOT_GROUP = 0
# Debian gives /usr/local to this group, whose members are as good as root (base-passwd's list).
STAFF_GROUP = 50
LISTS_MAX_AGE = 86400.0
DIFF_LINES = 200
DIFF_WIDTH = 500
PREFIX = ".mx-agent-"
RESOLV_CONF = "/etc/resolv.conf"
KEEP_CONFIGURATION = ("--force-confold", "--force-confdef")
# How apt and dpkg say that another process holds a lock of theirs.
PACKAGES_LOCKED = re.compile(
    r"Could not get lock[^\n]*|Unable to (?:acquire|lock)[^\n]*|lock was locked by another[^\n]*"
)
UNIT_FILE = re.compile(r"(?:/usr)?/lib/systemd/system/([^/@]+\.(?:service|socket|timer|path))")
NAMESPACE = ["unshare", "--mount", "--propagation", "private", "--"]
# Characters of a line of output; each is four bytes at most.
LINE_LIMIT = 4000
