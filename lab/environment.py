"""The environment in which the mx program and its engine see the lab."""

from __future__ import annotations

import os
import shlex
import shutil
from importlib.metadata import version
from pathlib import Path

from lab import installed
from lab.topology import CHECKOUT, CLOUDFLARE_TOKEN, RESOLVER, STATE, ipv4

# requirements.lock is the place of these numbers: an engine and its SDK are released together, and
# so are a plug-in and its package.
ENGINE_VERSION = version("pulumi")
PLUGIN_VERSIONS = {name: version(f"pulumi-{name}") for name in ("command", "cloudflare")}
STAND_INS = CHECKOUT / "lab" / "engine" / "bin"
PULUMI_HOME = STATE / "pulumi"
PULUMI_STATE = STATE / "pulumi-state"


def prepare() -> None:
    """Make what the variables name: the engine's folders, and the plug-ins of this checkout."""
    PULUMI_STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    make_home(PULUMI_HOME, STATE / "stand-ins")


def environment() -> dict[str, str]:
    """Return the variables. Nothing changes; `prepare` makes what they name."""
    return {
        "PATH": plugin_path(STATE / "stand-ins"),
        "PULUMI_HOME": str(PULUMI_HOME),
        "PULUMI_BACKEND_URL": state_url(PULUMI_STATE),
        "PULUMI_CONFIG_PASSPHRASE": "lab",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_CONTINUE_ON_ERROR": "true",
        # As for `mx` with other stacks (tools/mx/engine.py).
        "PULUMI_PARALLEL": "16",
        "CLOUDFLARE_API_TOKEN": CLOUDFLARE_TOKEN,
        # The lab's root hints and trust anchor are made as it starts.
        "MX_FILE_FOLDERS": str(STATE / "dns"),
        # For `mx status --stack lab` and `mx check lab`.
        "MX_LAB_RESOLVER": ipv4(RESOLVER),
        "MX_LAB_AUTHORITIES": str(STATE / "acme" / "roots.pem"),
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


def cache() -> Path:
    """Return the folder in which scripts/install keeps what it gets."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mx"


def engine_folder() -> Path:
    """Return the folder of the engine: of the pinned one, else of the one on PATH."""
    pinned = cache() / "engine" / ENGINE_VERSION
    found = shutil.which("pulumi")
    return pinned if (pinned / "pulumi").exists() or found is None else Path(found).parent


def make_home(home: Path, folder: Path) -> None:
    """Make a PULUMI_HOME that shows the vendor's plug-ins, and a folder with the stand-ins.

    With MX_LAB_PLUGINS=installed the stand-ins are installed in the PULUMI_HOME too, once there is
    an engine, and the folder has the language host alone.
    """
    without_log(home)
    engine, plugins = engine_folder(), cache() / "plugins" / "plugins"
    show_plugins(plugins, home)
    in_home = installed.wanted() and (engine / "pulumi").exists()
    if in_home:
        installed.install(
            engine / "pulumi",
            home,
            {
                name: (wanted, STAND_INS / f"pulumi-resource-{name}")
                for name, wanted in PLUGIN_VERSIONS.items()
                if name not in vendors(plugins)
            },
        )
    stand_ins(engine, plugins, folder, in_home)


def plugin_path(folder: Path) -> str:
    """Return a PATH on which the engine finds its plug-ins: the vendor's where they are installed.

    `folder`: of the stand-ins that `make_home` made. An engine takes a plug-in on PATH before an
    installed one, so no other stand-in is left on it.
    """
    first = [str(folder), str(engine_folder())]
    rest = [part for part in os.environ.get("PATH", "").split(":") if part not in first]
    return ":".join([*first, *(part for part in rest if Path(part or ".") != STAND_INS)])


def vendors(plugins: Path) -> dict[str, Path]:
    """Return the vendor's plug-ins of the wanted versions, by name: their folders.

    Beside each the engine keeps a file NAME.lock, and NAME.partial until all of it is there
    (sdk/go/common/workspace/plugins.go).
    """
    found = {}
    for name, wanted in PLUGIN_VERSIONS.items():
        folder = plugins / f"resource-{name}-v{wanted}"
        whole = not folder.with_name(f"{folder.name}.partial").exists()
        if whole and (folder / f"pulumi-resource-{name}").is_file():
            found[name] = folder
    return found


def show_plugins(plugins: Path, home: Path) -> None:
    """Have a PULUMI_HOME show the vendor's plug-ins: real folders with links to their files.

    The engine passes over a folder that is itself a link.
    """
    for plugin in vendors(plugins).values():
        shown = home / "plugins" / plugin.name
        if shown.is_symlink():
            shown.unlink()
        shown.mkdir(parents=True, exist_ok=True)
        for file in plugin.iterdir():
            link = shown / file.name
            # A stand-in that was installed here is a file.
            if not link.is_symlink() or not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to(file)


def stand_ins(engine: Path, plugins: Path, folder: Path, in_home: bool = False) -> None:
    """Fill a folder with a stand-in for each plug-in that the vendor's is not there for.

    `engine` is the folder of the CLI, whose release brings the language host along. `in_home`: the
    stand-ins of plug-ins are installed.
    """
    there = {
        f"pulumi-resource-{name}" for name in (PLUGIN_VERSIONS if in_home else vendors(plugins))
    }
    folder.mkdir(parents=True, exist_ok=True)
    for stand_in in STAND_INS.iterdir():
        link = folder / stand_in.name
        has_vendors = stand_in.name in there or (engine / stand_in.name).exists()
        wanted = None if has_vendors else stand_in
        # Left alone when it is right: an engine may be looking for it at this moment.
        if (link.readlink() if link.is_symlink() else None) != wanted:
            link.unlink(missing_ok=True)
            if wanted:
                link.symlink_to(wanted)


def described() -> str:
    """Return a line on the engine and its plug-ins: whose each is."""
    engine, found = engine_folder(), vendors(cache() / "plugins" / "plugins")
    parts = [f"engine in {engine}"]
    for name, wanted in PLUGIN_VERSIONS.items():
        parts.append(f"{name} {wanted}: {'the vendor' if name in found else 'the stand-in'}'s")
    is_vendors = (engine / "pulumi-language-python").exists()
    parts.append(f"language host: {'the vendor' if is_vendors else 'the stand-in'}'s")
    return ", ".join(parts)


def exports() -> str:
    """Return the environment as lines for a shell to evaluate."""
    return "".join(f"export {k}={shlex.quote(v)}\n" for k, v in environment().items())
