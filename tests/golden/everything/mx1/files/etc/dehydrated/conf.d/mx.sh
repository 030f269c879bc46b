# Read by dehydrated(1).
# shellcheck shell=bash disable=SC2034
# The published TLSA 3 1 1 records are of the key (RFC 7671): it outlives renewals.
CA=https://acme.test:14000/dir
CHALLENGETYPE=dns-01
HOOK=/usr/local/sbin/mx-certificates-hook
WELLKNOWN=/var/lib/mx/acme-challenges
DOMAINS_D=/etc/dehydrated/domains.d
PRIVATE_KEY_RENEW=no
PRIVATE_KEY_ROLLOVER=no
KEYSIZE=4096
OCSP_MUST_STAPLE=no
AUTO_CLEANUP=yes
CURL_OPTS='--connect-timeout 15 --max-time 120'
CONTACT_EMAIL=postmaster@example.test
