"""A service that tells Postfix how strictly to encrypt towards each destination.

DANE has precedence over MTA-STS. For MTA-STS the service asks Debian's postfix-mta-sts-resolver,
which fetches and keeps the policies.
"""
