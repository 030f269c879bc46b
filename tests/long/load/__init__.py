"""What one MX host sustains, beside a plain Postfix on it, and what a client sees beyond that."""
