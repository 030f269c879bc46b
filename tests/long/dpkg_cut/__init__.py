"""dpkg cut off at chosen moments, and other states of packages; run with tests/long/dpkg-cut."""
