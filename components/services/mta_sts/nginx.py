"""nginx as MTA-STS policy host: a server for each mail domain, HTTPS only (RFC 8461 3.3)."""

from __future__ import annotations

from components.services.certificates import dehydrated
from components.services.hardening import PACKAGED
from components.services.mta_sts import policy as mta_sts
from components.services.postfix.tls_profiles import SIX_SUITES
from components.settings.environment import Settings

SITE = "/etc/nginx/sites-enabled/mx-mta-sts"
STATUS_SITE = "/etc/nginx/sites-enabled/mx-status"
# A port: a socket file that stays after a kill would keep nginx from starting.
STATUS_ADDRESS = "127.0.0.1:8480"


def site(settings: Settings, host: str) -> str:
    """The text of the site."""
    ports = ["443"] if settings.hosts[host].ipv6 is None else ["443", "[::]:443"]
    blocks = [
        _block(
            [
                *(f"listen {port} ssl default_server;" for port in ports),
                "# Names that are not ours get no certificate to look at.",
                "ssl_reject_handshake on;",
                "return 444;",
            ]
        )
    ]
    for domain in settings.mta_sts_domains_of(host):
        name = f"mta-sts.{domain}"
        chains = dehydrated.chain_files(name)
        blocks.append(
            _block(
                [
                    *(f"listen {port} ssl;" for port in ports),
                    f"server_name {name};",
                    *(f"ssl_certificate {chain};" for chain in chains),
                    *(f"ssl_certificate_key {chain};" for chain in chains),
                    "ssl_protocols TLSv1.2 TLSv1.3;",
                    # The same floor as Postfix's: forward secrecy and AEAD.
                    f"ssl_ciphers {SIX_SUITES};",
                    "ssl_prefer_server_ciphers off;",
                    "location = /.well-known/mta-sts.txt {",
                    f"    alias {mta_sts.DIRECTORY}/{domain}.txt;",
                    "    default_type text/plain;",
                    "}",
                    "location / { return 404; }",
                ]
            )
        )
    return "\n".join(blocks)


def status() -> str:
    """The site with nginx's own numbers, for the collector on this host."""
    return _block(
        [
            f"listen {STATUS_ADDRESS};",
            "access_log off;",
            "location = /status { stub_status; }",
            "location / { return 404; }",
        ]
    )


DROP_IN = f"""\
[Service]
{PACKAGED}CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_SETGID CAP_SETUID
ProtectProc=invisible
ReadWritePaths=/run -/var/lib/nginx -/var/log/nginx
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallFilter=@system-service
# An error is the program's to handle; without this line the kernel kills the program.
SystemCallErrorNumber=EPERM
"""


def _block(lines: list[str]) -> str:
    return "".join(["server {\n", *(f"    {line}\n" for line in lines), "}\n"])
