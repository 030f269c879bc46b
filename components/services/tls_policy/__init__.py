"""The service tls policy on an MX host."""
