"""Recorded `pulumi preview --json --show-sames` of the lab's stack, as trim.py leaves it."""
