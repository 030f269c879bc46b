"""The service tls reports on an MX host."""
