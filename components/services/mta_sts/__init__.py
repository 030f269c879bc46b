"""nginx with the MTA-STS policy of each mail domain that has one (RFC 8461).

Each MX host of a domain serves the policy, so the policy stays reachable while one host is down.
"""
