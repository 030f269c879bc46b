"""The environment in which the mx program and its engine see the lab."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from lab.topology import CHECKOUT, CLOUDFLARE_TOKEN, STATE

ENGINE_VERSION = "3.259.0"
PULUMI_HOME = STATE / "pulumi"
PULUMI_STATE = STATE / "pulumi-state"


def environment() -> dict[str, str]:
    """Return the variables, making the folders they name."""
    for folder in (PULUMI_HOME, PULUMI_STATE):
        folder.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    without_log(PULUMI_HOME)
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mx"
    engine = cached / "engine" / ENGINE_VERSION
    first = [str(stand_ins(engine, cached / "plugins" / "plugins")), str(engine)]
    rest = [part for part in os.environ.get("PATH", "").split(":") if part not in first]
    return {
        "PATH": ":".join([*first, *rest]),
        "PULUMI_HOME": str(PULUMI_HOME),
        "PULUMI_BACKEND_URL": state_url(PULUMI_STATE),
        "PULUMI_CONFIG_PASSPHRASE": "lab",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_CONTINUE_ON_ERROR": "true",
        "CLOUDFLARE_API_TOKEN": CLOUDFLARE_TOKEN,
    }


def state_url(folder: Path) -> str:
    """Return the URL of a state in a folder.

    Without the file of attributes that stands beside each state by default: it is not replaced in
    one step, and an engine killed meanwhile leaves an empty one, with which no state is read.
    """
    return f"file://{folder}?metadata=skip"


def without_log(home: Path) -> None:
    """Keep the CLI from writing its log into a PULUMI_HOME, for which it has no switch.

    Each command writes every property of every resource into it, encrypted: more work than the
    update itself.
    """
    logs = home / "logs"
    if not logs.is_symlink():
        shutil.rmtree(logs, ignore_errors=True)
        home.mkdir(parents=True, exist_ok=True)
        logs.symlink_to(os.devnull)


def stand_ins(engine: Path, plugins: Path) -> Path:
    """Return a folder with a stand-in for each plug-in that the vendor's are not there for.

    `engine` is the folder of the CLI, whose release brings the language host along; `plugins` is
    where scripts/install put the vendor's plug-ins, which the lab's PULUMI_HOME then shows.
    """
    for plugin in plugins.glob("resource-*"):
        link = PULUMI_HOME / "plugins" / plugin.name
        if not link.exists():
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(plugin)
    folder = STATE / "stand-ins"
    folder.mkdir(exist_ok=True)
    for stand_in in (CHECKOUT / "lab" / "engine" / "bin").iterdir():
        kind = stand_in.name.removeprefix("pulumi-")
        vendors = [engine / stand_in.name, *plugins.glob(f"{kind}-v*[0-9]")]
        link = folder / stand_in.name
        wanted = None if any(vendor.exists() for vendor in vendors) else stand_in
        # Left alone when it is right: an engine may be looking for it at this moment.
        if (link.readlink() if link.is_symlink() else None) != wanted:
            link.unlink(missing_ok=True)
            if wanted:
                link.symlink_to(wanted)
    return folder


def exports() -> str:
    """Return the environment as lines for a shell to evaluate."""
    return "".join(f"export {k}={shlex.quote(v)}\n" for k, v in environment().items())
