"""Rspamd's local.d files.

Source: the Rspamd manual, https://docs.rspamd.com/ (configuration, workers, modules), read for
3.4 (Debian 12) and 3.12 (Debian 13).
"""

from __future__ import annotations

from collections.abc import Sequence

from components.services.hardening import PACKAGED
from components.services.spam_filter import password as rspamd_password
from components.services.spam_filter.redis import SOCKET as REDIS
from components.settings.environment import Settings

MILTER = "/var/spool/postfix/rspamd/milter.sock"
"""In Postfix's queue directory, so that smtpd(8) reaches it from its chroot too."""

SCANNERS = "/run/rspamd/scan.sock"
"""In a directory of _rspamd's: no other user can take the scanners' place, as at a TCP port."""

CONTROLLER = "/run/rspamd/controller.sock"
CONTROLLER_PORT = 11334
_HEARTBEAT = 2
KEYS = "/var/lib/mx-dkim"
"""Root's, not below /var/lib/rspamd: who owns a directory decides where a path in it leads."""


def key_file(settings: Settings, host: str, domain: str) -> str:
    """Where the DKIM key of a domain is on a host."""
    return f"{KEYS}/{domain}.{settings.spam_filter.selector(host)}.key"


def options(settings: Settings) -> str:
    """DNS, our networks, and what happens to a scan that does not end."""
    ours = ", ".join(_quoted(network) for network in _networks(settings))
    longest = settings.spam_filter.scan_timeout_seconds
    return f"""\
local_addrs = [{ours}];
dns {{
  nameserver = "127.0.0.1:53";
  timeout = 1s;
  retransmits = 3;
}}
# A Redis that failed is asked again soon: until then all mail is deferred.
upstream {{
  revive_time = 2s;
  revive_jitter = 0.1;
}}
task_timeout = {longest}s;
# Never accepted because time was over.
soft_reject_on_timeout = true;
# A worker that is stuck in one message for longer is ended, and another one started.
heartbeat_interval = {_HEARTBEAT}s;
heartbeats_loss_max = {lost_heartbeats(longest)};
"""


def lost_heartbeats(seconds: int) -> int:
    """Lost heartbeats after which a worker is terminated, so that one stuck for `seconds` ends.

    Rspamd looks each second interval, counts one more lost at each look, sends SIGTERM at this
    number, which a computing worker does not see, and SIGKILL two looks later
    (rspamd_main_heartbeat_cb): a stuck worker lives for two to three looks more than this number.
    """
    look = 2 * _HEARTBEAT
    return max(1, -(-seconds // look) - 2)


def actions(settings: Settings) -> str:
    """Scores from which on something happens."""
    spam_filter = settings.spam_filter
    return f"""\
reject = {spam_filter.reject_score:g};
add_header = {spam_filter.header_score:g};
greylist = {spam_filter.greylist_score:g};
"""


def greylist(settings: Settings) -> str:
    """Greylisting; its memory is in Redis."""
    chosen = settings.spam_filter.greylist
    return f"""\
enabled = {"true" if chosen.enabled else "false"};
timeout = {chosen.delay_seconds}s;
expire = {chosen.expire_hours}h;
"""


def ratelimit(settings: Settings) -> str:
    """Rate limits; their counters are in Redis."""
    lines = ["rates {"]
    for name, limit in sorted(settings.spam_filter.rate_limits.items()):
        rate = f"{limit.per_minute} / 1min"
        lines.append(f'  {name} = {{ bucket = {{ burst = {limit.burst}; rate = "{rate}"; }} }}')
    return "\n".join([*lines, "}"]) + "\n"


def dkim_signing(settings: Settings, host: str) -> str:
    """Mail of our own networks is signed for the domain in From:, once the key is in DNS."""
    ours = ", ".join(_quoted(network) for network in _networks(settings))
    return f"""\
path = "{KEYS}/$domain.$selector.key";
selector = "{settings.spam_filter.selector(host)}";
sign_local = true;
sign_networks = [{ours}];
use_domain = "header";
use_esld = false;
allow_username_mismatch = true;
# A signature that nobody can verify yet would be worse than none.
check_pubkey = true;
allow_pubkey_mismatch = false;
"""


def arc(settings: Settings, host: str) -> str:
    """Incoming mail is sealed for its recipient's domain (RFC 8617): aliases forward it."""
    return f"""\
path = "{KEYS}/$domain.$selector.key";
selector = "{settings.spam_filter.selector(host)}";
sign_inbound = true;
sign_local = false;
use_domain = "recipient";
use_esld = false;
allow_username_mismatch = true;
check_pubkey = true;
allow_pubkey_mismatch = false;
"""


def dmarc(settings: Settings) -> str:
    """The settings of mx_dmarc.lua, as lines of Lua before it; domains and networks are checked."""
    chosen = settings.spam_filter.dmarc
    forwarders = "nil"
    if chosen.forwarders:
        networks = ", ".join(map(_quoted, chosen.forwarders))
        # A map of a fixed list (rspamd_config:add_map).
        forwarders = (
            "rspamd_config:add_map({ type = 'radix', description = 'forwarders', "
            f"url = {{ url = 'static', data = {{ {networks} }} }} }})"
        )
    return (
        "local wanted = {\n"
        f"  ours = {_quoted(chosen.own_domains)},\n"
        f"  others = {_quoted(chosen.other_domains)},\n"
        f"  own = {_set(sorted(settings.domains))},\n"
        f"  lists = {_set(chosen.lists)},\n"
        f"  sealers = {_set(chosen.arc_sealers)},\n"
        f"  forwarders = {forwarders},\n"
        "}\n"
    )


def _set(names: Sequence[str]) -> str:
    return "{ " + "".join(f"[{_quoted(name)}] = true, " for name in names) + "}"


def local_d(settings: Settings, host: str) -> dict[str, str]:
    """File name in local.d to text."""
    autolearn = "true" if settings.spam_filter.bayes_autolearn else "false"
    return {
        "options.inc": options(settings),
        "redis.conf": f'servers = "{REDIS}";\ntimeout = 2s;\n',
        "actions.conf": actions(settings),
        "greylist.conf": greylist(settings),
        "ratelimit.conf": ratelimit(settings),
        "dkim_signing.conf": dkim_signing(settings, host),
        "arc.conf": arc(settings, host),
        "classifier-bayes.conf": f'backend = "redis";\nautolearn = {autolearn};\n',
        "milter_headers.conf": _MILTER_HEADERS,
        "worker-proxy.inc": _PROXY,
        "worker-normal.inc": _SCANNERS,
        "worker-controller.inc": _CONTROLLER,
        "logging.inc": 'type = "syslog";\nfacility = "mail";\nlevel = "notice";\n',
    }


def _networks(settings: Settings) -> list[str]:
    own = [*settings.postfix.mynetworks, *settings.spam_filter.local_networks]
    return ["127.0.0.0/8", "::1", *sorted(set(own))]


def _quoted(text: str) -> str:
    return f'"{text}"'


_PROXY = f"""\
# The directory's group is postfix and is inherited by the socket.
bind_socket = "{MILTER} mode=0660";
milter = yes;
timeout = 120s;
# A proxy only hands messages on: one that scanned would keep all its other sessions waiting.
upstream "local" {{
  default = yes;
  self_scan = no;
  hosts = "{SCANNERS}";
}}
# A message that ended its scanner is not given to all the others in turn.
max_retries = 1;
count = 2;
"""

_SCANNERS = f"""\
bind_socket = "{SCANNERS} mode=0600";
# A scanner takes no other message while it computes: more of them than messages that need half a
# minute and come at once.
count = 8;
"""

_CONTROLLER = f"""\
# root needs no password at the socket; on loopback there is none that fits this hash, until
# override.d has one. (Always both: a reload loses the sockets of a worker that gets another one.)
bind_socket = ["{CONTROLLER} mode=0600", "127.0.0.1:{CONTROLLER_PORT}"];
secure_ip = [];
password = "{rspamd_password.LOCKED}";
"""

_MILTER_HEADERS = """\
# Results of others in these headers are taken away.
use = ["x-spamd-result", "x-rspamd-queue-id", "x-spam-level", "authentication-results"];
skip_local = false;
skip_authenticated = false;
"""

DROP_IN = f"""\
[Unit]
After=redis-server.service unbound.service
Wants=redis-server.service
StartLimitIntervalSec=0

[Service]
# It parses what strangers send: it writes its own folders, and has no capability.
{PACKAGED}CapabilityBoundingSet=
ProtectProc=invisible
ReadWritePaths=-/var/lib/rspamd -/var/spool/postfix/rspamd -/var/log/rspamd
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
# mincore(2): the unwinder of LuaJIT asks by it; systemd of Debian 12 has it in no group.
SystemCallFilter=@system-service mincore
# An error is the program's to handle; without this line the kernel kills the program.
SystemCallErrorNumber=EPERM
RestartSec=1
# A proxy that has had a connection does not end by SIGTERM (github.com/rspamd/rspamd/issues/4941),
# and all mail would be deferred for twice the scan timeout: five seconds for scans under way.
ExecStop=/usr/bin/kill -TERM $MAINPID
ExecStop=-/usr/bin/timeout 5 /usr/bin/tail --pid=${{MAINPID}} -f /dev/null
ExecStop=-/usr/bin/pkill -KILL --parent $MAINPID
"""
