"""The command `mx`: one front door to everything that this repository does."""
