"""What each service puts on an MX host, one folder a service."""
