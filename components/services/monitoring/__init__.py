"""The service monitoring on an MX host."""
