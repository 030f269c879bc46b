"""redis.conf for the spam filter's Redis.

Source: redis.conf of Redis 7.0 (Debian 12) and 8.0 (Debian 13).
"""

from __future__ import annotations

from components.settings.environment import Settings

SOCKET = "/run/redis/redis-server.sock"
CONFIG = "/etc/mx/redis.conf"
"""Not in /etc/redis, which belongs to the user redis and which group redis may write."""


def redis_conf(settings: Settings) -> str:
    """Only a Unix socket; bounded memory; what Bayes has learned survives a restart."""
    return f"""\
# No TCP: the group redis reaches the socket, nobody else does.
port 0
unixsocket {SOCKET}
unixsocketperm 770
supervised systemd
daemonize no
pidfile /run/redis/redis-server.pid
dir /var/lib/redis
logfile ""
syslog-enabled yes
# When memory is short, what would expire next goes first.
maxmemory {settings.spam_filter.redis_memory_mebibytes}mb
maxmemory-policy volatile-ttl
# At most a second of learning is lost in a crash.
appendonly yes
appendfsync everysec
"""


DROP_IN = f"""\
[Service]
ExecStart=
ExecStart=/usr/bin/redis-server {CONFIG} --supervised systemd --daemonize no
# The unit lets it write /etc/redis too.
ReadWritePaths=
ReadWritePaths=/var/lib/redis
"""
