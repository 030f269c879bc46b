"""A double of Cloudflare's API for DNS, which serves what it is told through a local Knot DNS.

The lab copies the package, and the table of record types, to a host that has only Debian's Flask
and dnspython.
"""
