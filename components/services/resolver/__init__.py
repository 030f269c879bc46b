"""The service resolver on an MX host."""
