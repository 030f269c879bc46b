"""The service postfix_tls on an MX host."""
