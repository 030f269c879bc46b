"""The service postfix on an MX host."""
