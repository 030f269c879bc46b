"""Unbound, the validating resolver that everything else on the host asks.

Postfix believes the DNSSEC result of this resolver, and DANE depends on that.
"""
