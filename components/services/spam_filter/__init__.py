"""The service spam filter on an MX host."""
