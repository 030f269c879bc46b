"""An hourly look at the Debian updates that wait for this host.

Previews and an alert name security updates. The host installs updates by itself only where the
stack file asks for that.
"""
