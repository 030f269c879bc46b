"""A collector of the TLS results of outgoing mail, and a reporter that mails them once a day.

The reports follow RFC 8460. Mail flows without both services.
"""
