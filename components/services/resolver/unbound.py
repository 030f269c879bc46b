"""unbound.conf, resolv.conf and the drop-ins that keep other programs from resolv.conf.

Source: unbound.conf(5) of Unbound 1.17 (Debian 12) to 1.26, RFC 9364, RFC 8198, RFC 9156.
"""

from __future__ import annotations

from components.services.hardening import PACKAGED, PROTECT, RESTRICT
from components.settings.environment import Settings

DIRECTORY = "/etc/unbound"
CONTROL = "/run/unbound.ctl"
RECURSOR = "127.0.0.1@5335"
"""Where the second instance listens that never forwards; only there with forwarders."""

RESOLV_CONF = "nameserver 127.0.0.1\noptions edns0 trust-ad\n"
"""resolv.conf(5): the answers' AD bit may be trusted, since the resolver is this host."""

_ROOT_KEY = "/var/lib/unbound/root.key"

_HARDENING = """\
    # Answers: as few words as possible, none about this server.
    hide-identity: yes
    hide-version: yes
    minimal-responses: yes
    deny-any: yes
    # Forged answers: glue, stripped DNSSEC and names below nothing are not believed.
    harden-glue: yes
    harden-dnssec-stripped: yes
    harden-below-nxdomain: yes
    harden-referral-path: no
    unwanted-reply-threshold: 10000000
    # Questions: no more of the name than a server must know (RFC 9156).
    qname-minimisation: yes
    # No fragments (DNS flag day 2020).
    edns-buffer-size: 1232
"""


def hints_and_anchors(settings: Settings, hints: str | None, anchors: str) -> dict[str, str]:
    """Files beside unbound.conf; empty for the public root without anchors of one's own."""
    files = {}
    if hints is not None:
        files[f"{DIRECTORY}/mx-root.hints"] = hints
    if text := "".join(f"{line}\n" for line in settings.resolver.trust_anchors) + anchors:
        files[f"{DIRECTORY}/mx-anchors.key"] = text
    return files


def has_root_anchor(settings: Settings, anchors: str) -> bool:
    """Whether a trust anchor for the root is among the given ones."""
    lines = [*settings.resolver.trust_anchors, *anchors.split("\n")]
    return any(line.split()[:1] == ["."] for line in lines)


def _server(settings: Settings, host: str, hints: str | None) -> list[str]:
    """What both instances have in common."""
    resolver = settings.resolver
    ipv6 = settings.hosts[host].ipv6 is not None
    lines = [
        "server:",
        f"    do-ip6: {'yes' if ipv6 else 'no'}",
        f"    cache-max-ttl: {resolver.cache_max_ttl_seconds}",
        f"    cache-max-negative-ttl: {resolver.cache_max_negative_ttl_seconds}",
        f"    msg-cache-size: {resolver.cache_mebibytes}m",
        f"    rrset-cache-size: {2 * resolver.cache_mebibytes}m",
        *_HARDENING.removesuffix("\n").split("\n"),
    ]
    if hints is not None:
        lines.append(f'    root-hints: "{DIRECTORY}/mx-root.hints"')
    lines += [f'    local-zone: "{zone}." nodefault' for zone in resolver.private_zones]
    return lines


def _stubs(settings: Settings) -> list[str]:
    lines = []
    for zone, servers in settings.resolver.stub_zones.items():
        lines += ["stub-zone:", f'    name: "{zone}."']
        lines += [f"    stub-addr: {server}" for server in servers]
    return lines


def unbound_conf(settings: Settings, host: str, hints: str | None, anchors: str) -> str:
    """The resolver that the host asks: validating, on loopback."""
    resolver = settings.resolver
    lines = [
        *_server(settings, host, hints),
        "    interface: 127.0.0.1",
        *(["    interface: ::1"] if settings.hosts[host].ipv6 else []),
        "    # Popular answers are renewed before they expire, denials come from NSEC (RFC 8198).",
        "    prefetch: yes",
        "    prefetch-key: yes",
        "    aggressive-nsec: yes",
        '    module-config: "validator iterator"',
        "    val-log-level: 2",
        "    log-servfail: yes",
        "    extended-statistics: yes",
        "    # No answer outlives its TTL: DANE keys roll over by it (RFC 7671 section 8).",
        "    serve-expired: no",
    ]
    if not has_root_anchor(settings, anchors):
        lines.append(f'    auto-trust-anchor-file: "{_ROOT_KEY}"')
    if resolver.trust_anchors or anchors:
        lines.append(f'    trust-anchor-file: "{DIRECTORY}/mx-anchors.key"')
    lines += [f'    domain-insecure: "{zone}."' for zone in resolver.insecure_zones]
    if resolver.forwarders:
        lines += [
            '    tls-cert-bundle: "/etc/ssl/certs/ca-certificates.crt"',
            "    do-not-query-localhost: no",
        ]
    lines += ["remote-control:", "    control-enable: yes", f'    control-interface: "{CONTROL}"']
    lines += _stubs(settings)
    if resolver.forwarders:
        lines += ["forward-zone:", '    name: "."', "    forward-tls-upstream: yes"]
        lines += [
            f"    forward-addr: {one.address}@{one.port}#{one.hostname}"
            for one in resolver.forwarders
        ]
        for zone in resolver.recursed_zones:
            # A forward-zone without servers answers SERVFAIL, so these go to a recursor.
            lines += ["forward-zone:", f'    name: "{zone}."', f"    forward-addr: {RECURSOR}"]
    return "\n".join(lines) + "\n"


def recursor_conf(settings: Settings, host: str, hints: str | None) -> str:
    """The second instance, for zones that are never forwarded; the first one validates."""
    lines = [
        *_server(settings, host, hints),
        f"    interface: {RECURSOR}",
        '    pidfile: ""',
        '    module-config: "iterator"',
        "remote-control:",
        "    control-enable: no",
        *_stubs(settings),
    ]
    return "\n".join(lines) + "\n"


_SANDBOX = f"""\
{PACKAGED}CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_SETGID CAP_SETUID
CapabilityBoundingSet=CAP_SYS_CHROOT CAP_SYS_RESOURCE
ProtectProc=invisible
ReadWritePaths=/run -/var/lib/unbound
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
SystemCallFilter=@system-service
# An error is the program's to handle; without this line the kernel kills the program.
SystemCallErrorNumber=EPERM
"""

RECURSOR_UNIT = f"""\
[Unit]
Description=Unbound for the zones that are never forwarded
Before=unbound.service nss-lookup.target
After=network.target

[Service]
Type=notify
ExecStart=/usr/sbin/unbound -d -p -c /etc/unbound/mx-recursor.conf
ExecReload=+/bin/kill -HUP $MAINPID
{_SANDBOX}Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

DROP_IN = f"""\
# A resolver that ends comes back, however often.
[Unit]
StartLimitIntervalSec=0

[Service]
{_SANDBOX}Restart=always
RestartSec=1
"""

KEEP_SERVICE = f"""\
[Unit]
Description=resolv.conf names the local resolver, here and in Postfix's chroot
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/local/lib/mx/keep-resolv-conf
# It makes files of root's anew, in these two directories of root's only.
ReadWritePaths=/etc -/var/spool/postfix/etc
CapabilityBoundingSet=
PrivateNetwork=yes
{PROTECT}RestrictAddressFamilies=AF_UNIX
{RESTRICT}"""

KEEP_PATH = """\
[Unit]
Description=Watch for other writers of resolv.conf
Wants=mx-resolv-conf.service
StartLimitIntervalSec=0

[Path]
PathChanged=/etc/resolv.conf
PathChanged=/var/spool/postfix/etc/resolv.conf

[Install]
WantedBy=multi-user.target
"""

OTHER_WRITERS = {
    # dhclient-script(8) calls this function of ours instead of its own.
    "/etc/dhcp/dhclient-enter-hooks.d/mx": "make_resolv_conf() { :; }\n",
    # dhcpcd-run-hooks(8) leaves out the hooks named here.
    "/etc/dhcpcd.enter-hook": 'skip_hooks="$skip_hooks resolv.conf"\n',
    # NetworkManager.conf(5).
    "/etc/NetworkManager/conf.d/90-mx.conf": "[main]\ndns=none\nrc-manager=unmanaged\n",
    # resolved.conf(5): programs that ask systemd-resolved reach the same resolver.
    "/etc/systemd/resolved.conf.d/90-mx.conf": "[Resolve]\nDNS=127.0.0.1\nDomains=~.\n",
}
"""Path to text; each is only read where its program is installed."""
