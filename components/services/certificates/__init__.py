"""Certificates of the host from an ACME authority, one with an ECDSA and one with an RSA key.

dehydrated proves the names by DNS records (dns-01), and renews the certificates by a timer. The
keys outlive renewals, so that the published TLSA records stay true (RFC 7671 section 8).
"""
