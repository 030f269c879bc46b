"""Servers of the engine's state, all stories and what they cost: tests/long/state-backends."""
