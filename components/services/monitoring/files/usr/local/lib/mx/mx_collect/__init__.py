"""Collector of an MX host: metrics that no exporter of the distribution has."""
