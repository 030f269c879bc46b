"""What tests change in this service (components/services/sample.py)."""

from __future__ import annotations

from components.services.sample import Sample

SAMPLES = {
    "redis": Sample(
        "/etc/mx/redis.conf",
        "maxmemory 256mb",
        "maxmemory 128mb",
        "redis-cli -s /run/redis/redis-server.sock CONFIG GET maxmemory",
    ),
    "spam-filter": Sample(
        "/etc/rspamd/local.d/actions.conf",
        "reject = 15;",
        "reject = 14;",
        "rspamadm configdump actions | grep reject; systemctl is-active rspamd",
    ),
}
