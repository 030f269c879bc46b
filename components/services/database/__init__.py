"""The service database on an MX host."""
