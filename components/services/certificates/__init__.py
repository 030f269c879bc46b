"""The service certificates on an MX host."""
