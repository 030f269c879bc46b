"""What tlsrpt-reporter needs around it on an MX host: its files, unique names, a way to send."""
