"""node_exporter and a collector of the numbers that the alerts and the dashboard need.

Prometheus reads both from one port of the host.
"""
