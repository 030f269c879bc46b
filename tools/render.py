"""What a stack puts on an MX host, without an engine, a host or a secret.

`python -m tools.render STACK HOST DIRECTORY` writes the files below the directory.
"""

from __future__ import annotations

import sys
from pathlib import Path

from components.host.contents import files
from components.mail_exchanger import manifests_of
from components.settings.environment import SettingsError
from components.settings.stack_file import settings_of
from tools.arguments import Parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; exit 1 with one line for a wrong stack file, host or directory."""
    parser = Parser(prog="scripts/render")
    parser.add_argument("stack")
    parser.add_argument("host")
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    try:
        settings = settings_of(options.stack)
        if options.host not in settings.hosts:
            known = ", ".join(settings.hosts)
            source = f"stacks/Pulumi.{options.stack}.yaml"
            raise SettingsError(f"{source}: there is no host {options.host}; the hosts are {known}")
        bundles = manifests_of(settings, options.host, f"mx/{options.stack}")
    except SettingsError as error:
        print(f"render: {error}", file=sys.stderr)
        return 1
    found = files(bundles)
    try:
        for path, text in found.items():
            target = options.directory / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    except OSError as error:
        print(f"render: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"written: {len(found)} files below {options.directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
