"""The program that applies bundles on a host."""
