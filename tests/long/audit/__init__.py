"""The audit against a real Postfix: generated files, and what Postfix did with each."""
