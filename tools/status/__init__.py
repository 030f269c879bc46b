"""Is my mail system right? Checks from outside, of any domain; `scripts/status` is the command.

A check is a row of a table: name, severity, why, what to do, and a function that tells what is
wrong. The modules hold one subject each. Nothing here needs Pulumi or a login.
"""
