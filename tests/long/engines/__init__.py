"""The newest engine that there is, beside the pinned one: tests/long/newest-engine."""
