"""What the services of a host take of its memory when all that the settings allow is used.

Measured on Debian 13 as proportional set size (proc_pid_smaps(5)); docs/load.md has the figures.
"""

from __future__ import annotations

from components.settings.environment import Settings

LEAST_MIB = 1400
"""All services with some sessions and empty caches, and room for a costly scan."""
_SESSION_MIB = 3
"""An smtpd(8) and a cleanup(8) with a message of 10 kB."""
_REST_MIB = 730
"""Everything that no setting limits: Rspamd, MariaDB, the journal, MX's own programs."""


def at_most(settings: Settings) -> int:
    """MiB for all sessions at once, with full caches.

    Costly scans and large messages are not in it: how many arrive at once is not limited by a size.
    """
    redis, cache = settings.spam_filter.redis_memory_mebibytes, settings.resolver.cache_mebibytes
    # Unbound's record cache is twice its message cache.
    return _REST_MIB + _SESSION_MIB * settings.postfix.smtpd_processes + redis + 3 * cache
