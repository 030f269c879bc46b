"""Parameters in `postfix.extra` that would evade a check of the settings or cannot be right.

`postfix check` accepts them, and smtpd(8) or qmgr(8) would obey them. Sources: postconf(5),
SMTPD_ACCESS_README, MILTER_README.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from components.postconf import VERSIONS, fault, types
from components.settings import extra_services
from components.settings.types import wide

# Parameter to the setting to use instead; the program checks, publishes and shows that one.
_HAS_A_SETTING = {
    "bounce_queue_lifetime": "postfix.bounceQueueLifetime",
    "confirm_delay_cleared": "postfix.confirmDelayCleared",
    "delay_warning_time": "postfix.delayWarningTime",
    "inet_interfaces": "hosts.NAME.inetInterfaces",
    "maximal_queue_lifetime": "postfix.maximalQueueLifetime",
    "message_size_limit": "postfix.messageSizeLimitBytes",
    "mynetworks": "postfix.mynetworks, where an open relay is refused",
    "mynetworks_style": "postfix.mynetworks, where an open relay is refused",
    "myhostname": "hosts.NAME.hostname",
    "notify_classes": "postfix.notifyClasses",
    "postscreen_dnsbl_sites": "postfix.postscreen.dnsblSites",
    "postscreen_dnsbl_threshold": "postfix.postscreen.dnsblThreshold",
    "recipient_delimiter": "postfix.recipientDelimiter",
    "relay_domains": "domains",
    "relay_recipient_maps": "recipients or recipientsFile of a mail domain",
    "smtp_tls_policy_maps": "postfix.tlsPolicies",
    "smtpd_tls_chain_files": "certificates",
    "transport_maps": "mailboxHosts",
    "virtual_alias_maps": "aliases of a mail domain",
}
_DIRECTORY = "the package and the running queue depend on it"
_LOCAL = "an MX host delivers no mail locally; all its mail domains are relay domains"
_LOGS = "drift, alerts and runbooks expect the log where it is now"
# Parameter to the reason why it must not change.
_FIXED = {
    **dict.fromkeys(
        (
            *("command_directory", "config_directory", "daemon_directory", "data_directory"),
            *("mail_owner", "meta_directory", "multi_instance_directories", "process_id_directory"),
            *("multi_instance_enable", "queue_directory", "setgid_group", "shlib_directory"),
            *("mail_spool_directory", "default_privs"),
        ),
        _DIRECTORY,
    ),
    **dict.fromkeys(
        (
            *("local_recipient_maps", "local_transport", "mailbox_command", "mailbox_transport"),
            *("mydestination", "virtual_alias_domains", "virtual_mailbox_domains"),
            *("virtual_mailbox_maps", "virtual_transport"),
        ),
        _LOCAL,
    ),
    **dict.fromkeys(("maillog_file", "syslog_facility", "syslog_name"), _LOGS),
    "defer_transports": "mail for these transports would stay in the queue",
    "master_service_disable": "master(8) would no longer run these services",
    "parent_domain_matches_subdomains": "a mail domain does not include the names below it",
    "receive_override_options": "unknown recipients would be accepted, or aliases ignored",
    "smtpd_relay_restrictions": "this parameter keeps strangers from relaying",
}
# Parameter to the values that an MX host must not have, and the reason.
_NOT = {
    "allow_percent_hack": (("yes",), "strangers could relay through user%remote@here"),
    "allow_untrusted_routing": (("yes",), "strangers could relay through user@elsewhere@here"),
    "milter_default_action": (
        ("accept", "reject", "quarantine"),
        "a filter that is down must neither let mail through nor lose it",
    ),
    "smtpd_delay_reject": (("no",), "restrictions that look at the recipient would run too early"),
    "smtpd_forbid_bare_newline": (("no",), "messages could be smuggled in (CVE-2023-51764)"),
    "smtpd_forbid_unauth_pipelining": (("no",), "messages could be smuggled in (CVE-2023-51764)"),
    "smtpd_peername_lookup": (("no",), "clients' host names would not be looked up"),
    "smtpd_reject_unlisted_recipient": (("no",), "unknown recipients would be accepted"),
    "soft_bounce": (("yes",), "unknown recipients would be tried again for days"),
    "swap_bangpath": (("yes",), "strangers could route mail through remote!user"),
    "inet_protocols": (("ipv6",), "most mail servers can be reached over IPv4 only"),
}
_DELIVERS_NOTHING = ("discard", "error", "retry", "local", "virtual")
_TRANSPORTS = ("default_transport", "relay_transport", "best_mx_transport", "content_filter")
# Postfix believes what these clients claim (XCLIENT_README, XFORWARD_README, VERP_README).
_TRUSTED = (
    "smtpd_authorized_xclient_hosts",
    "smtpd_authorized_xforward_hosts",
    "smtpd_authorized_verp_clients",
    "smtpd_forbid_bare_newline_exclusions",
)
_STAGES = ("client", "helo", "sender", "recipient", "data", "end_of_data")
_REFUSES_ALL = ("reject", "defer", "defer_if_permit", "defer_if_reject")
_CODES = re.compile(r"(unknown_\w+|relay_domains|\w*)_reject_code")


def setting_of(name: str) -> str | None:
    """The setting, as a YAML path, from which a parameter of main.cf comes; None without one."""
    text = _HAS_A_SETTING.get(name)
    return None if text is None else text.partition(",")[0].partition(" ")[0]


def contradictions(extra: Mapping[str, str], releases: Iterable[int]) -> Iterable[str]:
    """A line for each parameter that Postfix of one of the Debian releases must not get."""
    found: dict[str, None] = {}
    for release in sorted(releases):
        for name, value in extra.items():
            version = VERSIONS[release]
            wrong = (
                fault(name, version)
                or guard(name, value)
                or types.fault(name, value, version)
                or extra_services.fault(name, value, version)
            )
            if wrong is not None:
                found[f"postfix.extra.{name}: {wrong}"] = None
    return list(found)


def guard(name: str, value: str) -> str | None:
    """Why this parameter, or this value, must not be in `postfix.extra`; None when it may be."""
    words = [word for word in re.split(r"[,\s]+", value) if word]
    if name in _HAS_A_SETTING:
        return f"the setting for this is {_HAS_A_SETTING[name]}"
    if name in _FIXED:
        return f"this parameter must not be changed: {_FIXED[name]}"
    if name in _NOT and value.strip().lower() in _NOT[name][0]:
        return f"the value must not be {value.strip()!r}: {_NOT[name][1]}"
    if name in _TRANSPORTS and value.split(":")[0].strip() in _DELIVERS_NOTHING:
        return f"{value!r} delivers no mail: accepted mail would be lost or bounce"
    if name in _TRUSTED:
        for word in words:
            if word.startswith("static:") or wide(word.replace("[", "").replace("]", "")):
                return (
                    f"{word} includes strangers, and Postfix would believe what they claim about "
                    "clients"
                )
    if _CODES.fullmatch(name) and not re.fullmatch(r"[45]\d\d", value.strip()):
        return f"{value!r} refuses nobody: an SMTP code that refuses begins with 4 or 5"
    if any(name == f"smtpd_{stage}_restrictions" for stage in _STAGES):
        return _refuses_all(words)
    return None


def _refuses_all(words: list[str]) -> str | None:
    """A bare `reject`, which refuses every stranger; after warn_if_reject it is only logged."""
    for before, word in zip(["", *words], words, strict=False):
        if word in _REFUSES_ALL and before != "warn_if_reject":
            return f"{word} would refuse all mail from strangers, which an MX host must accept"
    return None
