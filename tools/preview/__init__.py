"""A preview as an operator reads it: the engine's JSON in, Markdown or JSON out.

Never imports pulumi.
"""
