"""The policies that a mail domain publishes in DNS, as text: what is wrong with one, and why.

Pure: settings refuse what these find before it is published, `scripts/status` says it of what is
published already.
"""
