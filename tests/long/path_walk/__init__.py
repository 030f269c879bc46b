"""Which paths root's processes really wrote on a lab host, and whose directories those are in."""
