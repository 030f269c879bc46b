"""Settings as they are in the wild, written anew: what the generator changes."""

from __future__ import annotations

# The own domain is example.net, its user is root.
BASES = (
    """\
compatibility_level = 3.6
myhostname = mx.example.net
mydestination = $myhostname, example.net, localhost
alias_maps =
mynetworks = 127.0.0.0/8, [::1]/128
smtpd_banner = $myhostname ESMTP
smtpd_helo_required = yes
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
    reject_non_fqdn_recipient,
    reject_unlisted_recipient
message_size_limit = 20480000
""",
    """\
# relay for a mailbox host
compatibility_level = 2
myhostname = gate.example.org
mydestination = localhost
relay_domains = example.net, lists.example.net
relay_recipient_maps = inline:{root@example.net=x}
transport_maps = inline:{example.net=smtp:[192.0.2.9]}
alias_maps =
mynetworks_style = host
smtpd_client_restrictions = permit_mynetworks, check_client_access cidr:{ {192.0.2.0/24 REJECT} }
smtpd_sender_restrictions = reject_non_fqdn_sender
smtpd_recipient_restrictions = permit_mynetworks,
    reject_unauth_destination,
    check_recipient_access inline:{root@example.net=DUNNO},
    reject_unauth_pipelining
maximal_queue_lifetime = 5d
bounce_queue_lifetime = 1d
""",
    """\
compatibility_level = 3.7
myhostname = mail.example.net
mydomain = example.net
mydestination = localhost
virtual_mailbox_domains = example.net
virtual_mailbox_maps = inline:{root@example.net=root/}
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
virtual_mailbox_base = /var/mail
virtual_alias_maps = inline:{postmaster@example.net=root@example.net}
alias_maps =
smtpd_helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname
smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination
smtpd_data_restrictions = reject_unauth_pipelining
minimal_backoff_time = 300s
queue_run_delay = 5m
""",
    """\
compatibility_level = 3.6
myhostname = mx1.example.net
mydestination = example.net
alias_maps =
smtpd_restriction_classes = strict, friends
strict = reject_non_fqdn_helo_hostname, reject_non_fqdn_sender
friends = check_client_access inline:{192.0.2.7=OK}
smtpd_recipient_restrictions = friends, strict, reject_unauth_destination
smtpd_client_connection_rate_limit = 60
anvil_rate_time_unit = 60s
smtpd_error_sleep_time = 1s
disable_vrfy_command = yes
""",
)
