"""Imported first by the process of a plug-in: the SDK's protocol modules come without the SDK.

That spares each of the four or five processes of an update a third of its start.
"""

import sys
from importlib.util import find_spec, module_from_spec

for _name in ("pulumi", "pulumi.runtime"):
    _spec = find_spec(_name)
    if _spec is not None:
        sys.modules[_name] = module_from_spec(_spec)
