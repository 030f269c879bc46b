"""MariaDB with the mail domains, recipients and aliases that the host accepts.

Postfix looks them up there over a socket. The rows come from the stack file; a change of rows
restarts nothing.
"""
