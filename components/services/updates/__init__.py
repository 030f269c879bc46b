"""The service updates on an MX host."""
