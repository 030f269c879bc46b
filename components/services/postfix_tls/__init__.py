"""The TLS sections of Postfix's main.cf, once the host has its certificates.

They are a bundle of their own, so that Postfix takes mail before the first certificate is issued.
"""
