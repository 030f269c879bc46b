"""The service firewall on an MX host."""
