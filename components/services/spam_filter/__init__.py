"""Rspamd with its Redis, and a filter that bounds how deeply a message may nest.

Postfix asks both about every message before it accepts the message.
"""
