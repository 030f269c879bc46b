"""Files for Prometheus, Alertmanager, blackbox exporter and Grafana, from the stack's outputs."""
