"""An nftables table that lets in mail, SSH and the networks that the stack file names.

New rules are on trial: they undo themselves unless MX confirms them over a new SSH connection.
"""
