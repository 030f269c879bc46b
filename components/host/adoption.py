"""Files that a host already has where a bundle will put its own: shown before the first `up`.

A host without the agent was set up by somebody else, or by nobody. What the agent replaces there
it keeps, and `destroy` brings it back; but a reviewer must see it first. So a preview asks such
hosts, and no others, once more: the paths go there, and what every login of the host may read
comes back. A file that not all may read is named only: somebody's password may be in it.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_command as command

from components.host.ask import SCRIPT, environment, parse
from components.host.contents import files
from components.host.manifest import Manifest
from components.host.target import Target
from components.postconf import syntax
from components.protocol import warnings
from components.protocol.warnings import REPLACES, Warned
from components.settings.environment import Settings
from components.settings.text import visible

# One line for whatever login shell the host has; the paths come on stdin.
CALL = (
    'exec sh -c \'while read -r path; do test -f "$path" || continue; '
    'text=-; if test -n "$(find -L "$path" -perm -o=r)"; then text=$(base64 -w0 "$path"); fi; '
    'printf "%s %s\\n" "$path" "$text"; done\''
)
DIFF_LINES = 200


def warn_of_replaced(settings: Settings, targets: Mapping[str, Target]) -> None:
    """In a preview: warn of every file that the first `up` on a host replaces, with the diff."""
    bare = {key: target.manifests for key, target in targets.items() if target.seen.bare}
    if not bare or not pulumi.runtime.is_dry_run():
        return
    paths = sorted({path for manifests in bare.values() for path in wanted(manifests)})
    answer = command.local.run(
        command=SCRIPT.read_text(),
        environment=environment(settings, bare) | {"MX_CALL": CALL, "MX_STDIN": "\n".join(paths)},
        logging=command.local.Logging.NONE,
    )
    for key, (code, out, err) in parse(answer.stdout).items():
        if code:
            words = err.strip().split("\n")[-1] or f"exit code {code}"
            pulumi.log.warn(warnings.files_not_read(key, visible(words)))
            continue
        try:
            for text in replaced(key, bare[key], out):
                pulumi.log.warn(text)
        except ValueError as error:
            pulumi.log.warn(warnings.files_not_read(key, visible(str(error))))


def wanted(manifests: Sequence[Manifest]) -> dict[str, str | None]:
    """Path to text of every file that the bundles of one host make; None where it is secret."""
    secret = {path for each in manifests for path, file in each.files.items() if file.secret}
    return {path: None if path in secret else text for path, text in files(manifests).items()}


def replaced(key: str, manifests: Sequence[Manifest], answer: str) -> Iterable[str]:
    """A warning for each file that is there and differs; `answer` is what CALL printed."""
    texts = wanted(manifests)
    assembled = {path for each in manifests for path in each.assemble}
    for line in answer.split("\n"):
        path, _, coded = line.rpartition(" ")
        if path not in texts:
            continue
        ours = texts[path]
        if coded == "-" or ours is None:
            yield str(
                Warned(REPLACES, key, f"{path}: not shown, because not every login may read it")
            )
            continue
        theirs = base64.b64decode(coded).decode(errors="replace")
        if theirs == ours:
            continue
        if path in assembled:
            theirs, ours = _statements(theirs), _statements(ours)
        diff = difflib.unified_diff(_lines(theirs), _lines(ours), lineterm="")
        lines = list(diff)[2:]
        if len(lines) > DIFF_LINES:
            lines = [*lines[:DIFF_LINES], f"... {len(lines) - DIFF_LINES} more lines"]
        yield str(Warned(REPLACES, key, path, tuple(map(visible, lines))))


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _statements(text: str) -> str:
    """A main.cf as its parameters, one a line, sorted: order and comments say nothing."""
    return "\n".join(sorted(f"{entry.name} = {entry.value}" for entry in syntax.parse(text)[0]))
