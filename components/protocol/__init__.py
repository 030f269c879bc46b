"""Words that one room writes and another one reads, without knowing each other.

The program warns while it runs; a report reads the warnings out of the engine's JSON. The agent's
call stands in a resource; a report reads the call out of a preview. Each form is here once, with
the function that writes it and the function that reads it.
"""
