"""TLS policy of a next hop for Postfix: DANE first, then MTA-STS (RFC 8461 section 2)."""
