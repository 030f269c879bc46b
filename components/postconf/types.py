"""What a parameter can hold: why Postfix stops, or refuses all mail, at a value.

Sources: mail_conf_bool.c, mail_conf_int.c, mail_conf_long.c, mail_conf_time.c, mail_conf_str.c and
conv_time.c of Postfix 3.10, and the tables of words (NAME_CODE, NAME_MASK) of its programs.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from components.postconf import lists
from components.postconf.parameters import Parameter, parameter
from components.postconf.syntax import shown, words

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_INT_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1
# valid_hostname(): labels of letters, digits, - and _, at least one of them not all digits.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOSTNAME = re.compile(rf"(?=[^.]*[A-Za-z_-]|.*[A-Za-z_-])(?:{_LABEL})(?:\.{_LABEL})*")
_DIGITS = re.compile(r"[ \t\n\v\f\r]*([+-]?\d+)")

_CLIENT_LEVELS = ("none", "may", "encrypt", "fingerprint", "verify", "secure", "dane", "dane-only")
_LOCKS = ("fcntl", "flock", "dotlock")
_MASQUERADE = ("envelope_sender", "envelope_recipient", "header_sender", "header_recipient")
_SOURCES = ("sendmail", "smtpd", "qmqpd", "forward", "bounce", "notify", "verify")
# One word out of these, in any case; the program stops at another one.
_CHOICES: dict[str, tuple[str, ...]] = {
    "smtpd_tls_security_level": _CLIENT_LEVELS,
    "smtp_tls_security_level": _CLIENT_LEVELS,
    "lmtp_tls_security_level": _CLIENT_LEVELS,
    "postscreen_tls_security_level": ("none", "may", "encrypt"),
    "mynetworks_style": ("subnet", "class", "host"),
    "postscreen_greet_action": ("ignore", "enforce", "drop"),
    "postscreen_dnsbl_action": ("ignore", "enforce", "drop"),
    "postscreen_denylist_action": ("ignore", "enforce", "drop"),
    "postscreen_blacklist_action": ("ignore", "enforce", "drop"),
    "postscreen_pipelining_action": ("ignore", "enforce", "drop"),
    "postscreen_bare_newline_action": ("ignore", "enforce", "drop"),
    "postscreen_non_smtp_command_action": ("ignore", "enforce", "drop"),
    "smtp_dns_support_level": ("", "disabled", "enabled", "dnssec"),
    "lmtp_dns_support_level": ("", "disabled", "enabled", "dnssec"),
    "smtpd_upstream_proxy_protocol": ("", "haproxy"),
    "postscreen_upstream_proxy_protocol": ("", "haproxy"),
    "smtp_address_preference": ("any", "ipv4", "ipv6"),
    "lmtp_address_preference": ("any", "ipv4", "ipv6"),
    "syslog_facility": (
        *("auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "security"),
        *("syslog", "user", "uucp", *(f"local{number}" for number in range(8))),
    ),
    "info_log_address_format": ("external", "internal"),
    "header_from_format": ("standard", "obsolete"),
    "reject_tempfail_action": ("defer", "defer_if_permit"),
    "unknown_address_tempfail_action": ("defer", "defer_if_permit"),
    "unknown_helo_hostname_tempfail_action": ("defer", "defer_if_permit"),
    "unverified_recipient_tempfail_action": ("defer", "defer_if_permit"),
    "unverified_sender_tempfail_action": ("defer", "defer_if_permit"),
    "smtp_tls_dane_insecure_mx_policy": ("none", "may", "encrypt", "dane"),
    "lmtp_tls_dane_insecure_mx_policy": ("none", "may", "encrypt", "dane"),
}
# Words out of these, parted by blanks and commas; capitals are other words (name_mask.c).
_MASKS: dict[str, tuple[str, ...]] = {
    "inet_protocols": ("all", "ipv4", "ipv6"),
    "notify_classes": (
        *("bounce", "2bounce", "data", "delay"),
        *("policy", "protocol", "resource", "software"),
    ),
    "masquerade_classes": _MASQUERADE,
    "canonical_classes": _MASQUERADE,
    "sender_canonical_classes": ("envelope_sender", "header_sender"),
    "recipient_canonical_classes": ("envelope_recipient", "header_recipient"),
    "mailbox_delivery_lock": _LOCKS,
    "virtual_mailbox_lock": _LOCKS,
    "propagate_unmatched_extensions": (
        *("canonical", "virtual", "alias", "forward", "include", "generic"),
    ),
    "allow_mail_to_commands": ("alias", "forward", "include"),
    "allow_mail_to_files": ("alias", "forward", "include"),
    "receive_override_options": (
        *("no_unknown_recipient_checks", "no_address_mappings"),
        *("no_header_body_checks", "no_milters"),
    ),
    "smtputf8_autodetect_classes": ("all", *_SOURCES),
    "internal_mail_filter_classes": _SOURCES,
    "smtp_dns_resolver_options": ("res_defnames", "res_dnsrch"),
    "lmtp_dns_resolver_options": ("res_defnames", "res_dnsrch"),
    "prepend_delivered_header": ("command", "file", "forward"),
    "smtp_host_lookup": ("dns", "native"),
    "lmtp_host_lookup": ("dns", "native"),
}
_BARE_NEWLINE = ("yes", "no", "normalize", "reject")
_TLS_PROTOCOLS = ("sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3")
_GRADES = ("export", "low", "medium", "high", "null")


def seconds(value: str, unit: str = "s") -> int | None:
    """A time of Postfix in seconds; None when Postfix refuses it.

    conv_time() reads digits and the one character after them, so that "5minutes" is five minutes
    and "5 minutes" is an error.
    """
    match = _DIGITS.match(value)
    if match is None and value[:1] in _UNITS:  # strtol(3) reads a 0 before the unit
        return 0
    if match is None or not 0 <= int(match[1]) <= _INT_MAX:
        return None
    size = _UNITS.get(value[match.end() : match.end() + 1] or unit)
    number = int(match[1])
    if size is None or (size > 1 and number >= _INT_MAX // size):
        return None
    return number * size


def number(value: str, largest: int = _INT_MAX) -> int | None:
    """A whole number of Postfix; None when Postfix refuses it."""
    match = _DIGITS.fullmatch(value)
    if match is None or len(match[1]) > 20 or abs(int(match[1])) > largest:
        return None
    return int(match[1])


def _range(one: Parameter, value: int, unit: str = "") -> str | None:
    # A bound of 0 is none: check_mail_conf_int() looks at it only when it is not 0.
    if one.low and value < one.low:
        return f"{value}{unit} is below the lowest value, {one.low}{unit}"
    if one.high is not None and value > one.high:
        return f"{value}{unit} is above the highest value, {one.high}{unit}"
    return None


def _scalar(one: Parameter, value: str) -> str | None:
    read = shown(value[:60])
    if one.kind in ("bool", "nbool"):
        if value.lower() not in ("yes", "no"):
            return f"{read!r} is neither yes nor no"
    elif one.kind in ("int", "nint", "long"):
        found = number(value, _LONG_MAX if one.kind == "long" else _INT_MAX)
        if found is None:
            return f"{read!r} is not a whole number without a unit"
        if one.name == "queue_minfree" and found < 0:
            return f"{found} is more than any disk has: all mail is refused (452)"
        return _range(one, found)
    elif one.kind == "time":
        default = re.fullmatch(r"\d+([smhdw])", one.default)
        found = seconds(value, default[1] if default else "s")
        if found is None:
            return f"{read!r} is not a time: write digits and one of s, m, h, d, w, such as 30s"
        if not _DIGITS.match(value):
            return f"{read!r} has no number: Postfix reads it as 0"
        return _range(one, found, "s")
    elif one.low is not None and len(value) < one.low:
        return "an empty value" if one.low == 1 else f"shorter than {one.low} characters"
    elif one.high is not None and len(value) > one.high:
        return f"longer than {one.high} characters"
    return None


def protocols(value: str) -> str | None:
    """Why TLS is switched off by a list of protocols; None when Postfix can read it."""
    for word in words(value, ", \t\r\n:"):
        name = word[2:] if word[:2] in (">=", "<=") else word.removeprefix("!")
        if name.lower() in _TLS_PROTOCOLS:
            if word[:2] in (">=", "<=") and name.lower() == "sslv2":
                return f"{shown(word)!r}: SSLv2 cannot be a bound"
            continue
        if word[:2] in (">=", "<=") and re.fullmatch(r"(0[xX])?[0-9A-Fa-f]{1,7}", name):
            continue
        return f"{shown(word[:40])!r} names no TLS protocol, for example >=TLSv1.2"
    return None


def _words_of(name: str, value: str, version: str) -> str | None:
    lower = value.lower()
    if name in _CHOICES:
        allowed = _CHOICES[name]
        empty = value == "" and name.endswith("_tls_security_level")
        if lower not in allowed and not empty:
            return f"{shown(value[:60])!r} is none of {', '.join(one for one in allowed if one)}"
    if name in _MASKS:
        for word in words(value):
            if word not in _MASKS[name]:
                return f"{shown(word[:60])!r} is none of {', '.join(_MASKS[name])}"
    if name in ("myhostname", "mydomain") and not _HOSTNAME.fullmatch(value):
        return f"{shown(value[:60])!r} is not a host name"
    if name in ("default_privs", "mail_owner") and value in ("root", "0"):
        return f"{shown(value)!r} is the superuser"
    if name in ("message_reject_characters", "message_strip_characters"):
        letters = "".join(re.findall(r"(?<!\\)[A-Za-z0-9]", value))
        if letters:
            return f"{shown(value[:60])!r} holds ordinary letters: nearly every message has them"
    if name == "smtpd_proxy_filter" and re.fullmatch(r"(?!\d+$)[^:]+", value):
        return f"{shown(value[:60])!r} is not host:port: every recipient is deferred (451)"
    if name == "smtpd_forbid_bare_newline":
        # "note" came with 3.9 and was not taken over by the patch levels of older versions.
        allowed = (*_BARE_NEWLINE, *(("note",) if version in ("3.9", "3.10", "3.11") else ()))
        if lower not in allowed:
            return f"{shown(value[:60])!r} is none of {', '.join(allowed)}"
    if re.fullmatch(r"(smtpd|smtp|lmtp|tlsproxy)(_client)?_tls_(mandatory_)?protocols", name):
        return protocols(value)
    if re.fullmatch(r"(smtpd|smtp|lmtp)_tls_(mandatory_)?ciphers", name) and lower not in _GRADES:
        return f"{shown(value[:60])!r} is none of {', '.join(_GRADES)}"
    return None


def fault(
    name: str, value: str, version: str, classes: Collection[str] = frozenset()
) -> str | None:
    """Why a version of Postfix ("3.10") cannot work with a value; None when nothing is known of it.

    `value` is expanded already; a value with a reference is not judged, and a parameter that the
    version does not have is not either. `classes` are the operator's smtpd_restriction_classes.
    """
    one = parameter(name, version)
    if one is None or "$" in value or one.kind == "raw":
        return None
    return (
        _scalar(one, value) or _words_of(name, value, version) or lists.fault(name, value, classes)
    )
