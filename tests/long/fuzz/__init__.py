"""Hostile text in every setting and in every part of a report, read back with parsers."""
