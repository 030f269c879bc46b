"""main.cf files with one mechanical fault each, and what a Postfix says before and after --fix."""

from __future__ import annotations

from components.audit import audit
from tools.audit.patch import fixed

BASE = """\
compatibility_level = 3.6
myhostname = mx.example.net
mydestination = $myhostname, example.net, localhost
alias_maps =
mynetworks = 127.0.0.0/8, [::1]/128
smtpd_forbid_bare_newline = normalize
"""
# Lines after BASE, the same parameters again where they replace one of it.
FAULTS = {
    "boolean": "smtpd_helo_required = true\n",
    "boolean_in_quotes": "smtpd_helo_required = 'yes'\n",
    "size_with_a_unit": "header_size_limit = 100K\n",
    "time_with_a_blank": "queue_run_delay = 5 minutes\n",
    "address_without_brackets": "mynetworks = 127.0.0.0/8 ::1/128\n",
    "name_in_quotes": 'myorigin = "$myhostname"\nmydomain = "example.net"\n',
    "comment_after_a_value": "disable_vrfy_command = yes # nobody asks\n",
    "comment_after_a_list": "smtpd_relay_restrictions = reject_unauth_destination # all\n",
    "backslash": "smtpd_relay_restrictions = permit_mynetworks, \\\n  reject_unauth_destination\n",
    "no_break_space": "smtpd_relay_restrictions = sleep 1,\u00a0reject_unauth_destination\n",
    "wide_blank": "mynetworks = 127.0.0.0/8\u3000[::1]/128\n",
    "tls_before_the_greeting": "smtpd_tls_wrappermode = yes\n",
    "protocol_that_excludes_others": "smtpd_tls_protocols = TLSv1.2\n",
    "parameter_that_is_gone": "smtpd_tls_eecdh_grade = strong\n",
    "code_that_is_no_refusal": "unknown_local_recipient_reject_code = 250\n",
    "queue_that_gives_up": "maximal_queue_lifetime = 4h\n",
    "value_over_lines": "smtpd_helo_required =\n# asked for\n  enabled\n",
}


def mended(name: str) -> tuple[str, str]:
    """The file with the fault, and what --fix makes of it; twice, as a person would run it."""
    replaced = {line.partition("=")[0].strip() for line in FAULTS[name].splitlines()}
    kept = [line for line in BASE.splitlines() if line.partition("=")[0].strip() not in replaced]
    broken = "\n".join(kept) + "\n" + FAULTS[name]
    text = broken.encode()
    for _ in range(2):
        text = fixed(text, audit(text))
    return broken, text.decode()
