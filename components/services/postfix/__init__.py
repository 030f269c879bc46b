"""Postfix, which takes mail, checks it, and relays it to the mailbox hosts.

MX writes main.cf in sections, has Postfix check the whole, and reloads Postfix.
"""
