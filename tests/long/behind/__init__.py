"""Hosts, states and operators that are behind; run with tests/long/behind-hosts."""
