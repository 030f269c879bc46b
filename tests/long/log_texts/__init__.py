"""Thousands of texts that clients have written into the mail log of a lab host."""
