"""What Postfix itself knows of main.cf, as data: names, versions, faults, and the file's syntax.

Below the settings, so that they can refuse a wrong parameter before a host is contacted; the
audit of a stranger's file reads the same data. Nothing here imports pulumi.
"""

from components.postconf.facts import FACTS, Fact, fault
from components.postconf.names import VERSIONS, known, suggestion

__all__ = ["FACTS", "VERSIONS", "Fact", "fault", "known", "suggestion"]
