"""The service mta sts on an MX host."""
