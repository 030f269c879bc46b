"""A service that tells Postfix how strictly to encrypt towards each destination.

DANE wins over MTA-STS. Debian's postfix-mta-sts-resolver fetches and keeps the MTA-STS policies
behind it.
"""
