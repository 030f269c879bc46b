"""The TLS sections of Postfix's main.cf, once the host has its certificates.

MX applies them separately, so that Postfix accepts mail before the first certificate is issued.
"""
