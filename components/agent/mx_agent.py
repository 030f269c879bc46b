#!/usr/bin/python3
"""mx-agent: applies one manifest on one Debian host as a transaction.

The contract (manifest, order of the steps, promises) is in docs/architecture.md. This file runs on
the host: Python >= 3.9, standard library only, and it is the only file there is.

Exit codes: 0 done, 1 failed with everything undone, 2 bad manifest or bad usage.
"""

from __future__ import annotations

import base64
import contextlib
import difflib
import errno
import fcntl
import grp
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Optional, cast

VERSION = "1.4.0"
AGENT = "/usr/local/sbin/mx-agent"
STATE = "/var/lib/mx-agent"
UPLOADS = "/var/lib/mx-upload"
RECOVER_UNIT = "mx-agent-recover.service"
RECOVER_PATH = "/etc/systemd/system/" + RECOVER_UNIT
RECOVER_TEXT = f"""\
[Unit]
Description=Undo or finish a change of the mail configuration that was cut off
DefaultDependencies=no
Conflicts=shutdown.target
After=local-fs.target systemd-remount-fs.service
Before=basic.target shutdown.target
RequiresMountsFor={STATE} /usr/local/sbin /etc
ConditionPathExists={STATE}/journal.json

[Service]
Type=oneshot
ExecStart={AGENT} recover --boot

[Install]
WantedBy=basic.target
"""
LOCK_WAIT = 300.0
SYSTEMCTL_TIMEOUT = 180.0
COMMAND_TIMEOUT = 180.0
APT_TIMEOUT = 1800.0
PROBE_TIMEOUT = 30.0
COMPARE_TIMEOUT = 60.0
ROOT_GROUP = 0
# Debian gives /usr/local to this group, whose members are as good as root (base-passwd's list).
STAFF_GROUP = 50
LISTS_MAX_AGE = 86400.0
DIFF_LINES = 200
DIFF_WIDTH = 500
PREFIX = ".mx-agent-"
RESOLV_CONF = "/etc/resolv.conf"
KEEP_CONFIGURATION = ("--force-confold", "--force-confdef")
# How apt and dpkg say that another process holds a lock of theirs.
PACKAGES_LOCKED = re.compile(
    r"Could not get lock[^\n]*|Unable to (?:acquire|lock)[^\n]*|lock was locked by another[^\n]*"
)
UNIT_FILE = re.compile(r"(?:/usr)?/lib/systemd/system/([^/@]+\.(?:service|socket|timer|path))")
NAMESPACE = ["unshare", "--mount", "--propagation", "private", "--"]

KEYS = (
    *("bundle", "owner", "packages", "debconf", "groups", "directories", "files", "assemble"),
    *("build", "check", "units", "run", "undo", "compare", "probe"),
)

Json = dict[str, Any]


class Failure(Exception):
    """The call fails; whatever it had changed is undone."""


class BadManifest(Exception):
    """The manifest or the command line is wrong; nothing was started."""


class Interrupted(Failure):
    """A signal asked the agent to stop."""


class Result(NamedTuple):
    """What a command came back with."""

    code: int
    out: str
    err: str

    def words(self) -> str:
        """Return what the command said, errors first."""
        parts = [part.strip() for part in (self.err, self.out) if part.strip()]
        return "\n".join(parts) or f"exit code {self.code}"


Run = Callable[[list[str], Optional[bytes], float], Result]  # noqa: UP045 (runtime, 3.9)


def run_command(argv: list[str], stdin: bytes | None = None, timeout: float = 180.0) -> Result:
    """Run a command to its end; a missing program or an overrun is a result like any other."""
    env = dict(os.environ, LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive")
    env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        done = subprocess.run(
            argv,
            input=b"" if stdin is None else stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=env,
        )
    except FileNotFoundError:
        return Result(127, "", f"{argv[0]}: command not found")
    except PermissionError:
        return Result(126, "", f"{argv[0]}: permission denied")
    except subprocess.TimeoutExpired:
        return Result(124, "", f"{argv[0]}: no end after {timeout:.0f} s")
    return Result(
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


# --- the manifest ---------------------------------------------------------------------------

NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
MODE = re.compile(r"0[0-7]{3,4}\Z")
UNIT = re.compile(r"[A-Za-z0-9@:_.\\-]+\Z")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.:-]*\Z")
USER = re.compile(r"[a-z_][a-z0-9_-]*\Z")


def _bad(where: str, what: str) -> NoReturn:
    raise BadManifest(f"manifest: {where}: {what}")


def _table(value: Any, where: str, known: Iterable[str], needed: Iterable[str] = ()) -> Json:
    if not isinstance(value, dict):
        _bad(where, "must be an object")
    table = cast(Json, value)
    for key in table:
        if key not in set(known):
            _bad(where, f"unknown key {key!r}")
    for key in needed:
        if key not in table:
            _bad(where, f"key {key!r} is missing")
    return table


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        _bad(where, "must be a string")
    return value


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _bad(where, "must be a list of strings")
    return list(value)


def _bool(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        _bad(where, "must be true or false")
    return value


def _argv(value: Any, where: str) -> list[str]:
    argv = _strings(value, where)
    if not argv or not argv[0]:
        _bad(where, "must name a program")
    return argv


def _path(value: Any, where: str) -> str:
    path = _text(value, where)
    if not path.startswith("/") or path != os.path.normpath(path) or path.count("/") < 2:
        _bad(where, f"{path!r} is not a normal absolute path below a top directory")
    if "\0" in path or "\n" in path or path.startswith("//"):
        _bad(where, f"{path!r} has characters a path cannot have")
    if path in (STATE, AGENT, RECOVER_PATH) or path.startswith(STATE + "/"):
        _bad(where, f"{path} belongs to the agent itself")
    return path


def _attributes(table: Json, where: str, mode: str) -> Json:
    given = _text(table.get("mode", mode), f"{where}.mode")
    if not MODE.match(given):
        _bad(f"{where}.mode", f'{given!r} is not octal like "0644"')
    return {
        "mode": given,
        "owner": _text(table.get("owner", "root"), f"{where}.owner"),
        "group": _text(table.get("group", "root"), f"{where}.group"),
    }


def _items(value: Any, where: str, kind: type) -> Any:
    if not isinstance(value, kind):
        _bad(where, "must be a list" if kind is list else "must be an object")
    return value


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
        _bad(where, "must be seconds between 0 and 3600")
    return float(value)


def _probe(value: Any, where: str) -> Json:
    table = _table(value, where, ("unit", "tcp", "expect", "run", "timeout", "before"))
    kinds = [key for key in ("unit", "tcp", "run") if key in table]
    if len(kinds) != 1:
        _bad(where, "must have exactly one of unit, tcp, run")
    if "expect" in table and kinds != ["tcp"]:
        _bad(where, "expect goes with tcp only")
    probe: Json = {"timeout": _seconds(table.get("timeout", PROBE_TIMEOUT), f"{where}.timeout")}
    probe["before"] = _bool(table.get("before", False), f"{where}.before")
    if "unit" in table:
        probe["unit"] = _text(table["unit"], f"{where}.unit")
    elif "run" in table:
        probe["run"] = _argv(table["run"], f"{where}.run")
    else:
        probe["tcp"] = _text(table["tcp"], f"{where}.tcp")
        if not re.search(r"[^:]:[0-9]+\Z|\]:[0-9]+\Z", probe["tcp"]):
            _bad(f"{where}.tcp", "must be host:port")
        probe["expect"] = _text(table.get("expect", ""), f"{where}.expect")
    return probe


def _check(value: Any, where: str) -> Json:
    table = _table(value, where, ("run", "fail_on_stderr", "fail_on_output"), ("run",))
    check: Json = {
        "run": _argv(table["run"], f"{where}.run"),
        "fail_on_stderr": _bool(table.get("fail_on_stderr", False), f"{where}.fail_on_stderr"),
        "fail_on_output": None,
    }
    if table.get("fail_on_output") is not None:
        pattern = _text(table["fail_on_output"], f"{where}.fail_on_output")
        try:
            re.compile(pattern)
        except re.error as error:
            _bad(f"{where}.fail_on_output", f"is not a regular expression: {error}")
        check["fail_on_output"] = pattern
    return check


def _groups(value: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for user, names in _items(value, "groups", dict).items():
        where = f"groups[{user}]"
        for name in (user, *_strings(names, where)):
            if not USER.match(name):
                _bad(where, f"{name!r} is not the name of a user or a group")
        groups[user] = list(names)
    return groups


def _step(value: Any, where: str) -> Json:
    table = _table(value, where, ("run", "stdin", "creates", "timeout", "secret"), ("run",))
    creates = table.get("creates")
    return {
        "run": _argv(table["run"], f"{where}.run"),
        "stdin": _text(table.get("stdin", ""), f"{where}.stdin"),
        "creates": None if creates is None else _path(creates, f"{where}.creates"),
        "timeout": _seconds(table.get("timeout", COMMAND_TIMEOUT), f"{where}.timeout"),
        "secret": _bool(table.get("secret", False), f"{where}.secret"),
    }


def _comparison(value: Any, where: str) -> Json:
    table = _table(value, where, ("name", "run", "timeout"), ("name", "run"))
    return {
        "name": _text(table["name"], f"{where}.name"),
        "run": _argv(table["run"], f"{where}.run"),
        "timeout": _seconds(table.get("timeout", COMPARE_TIMEOUT), f"{where}.timeout"),
    }


def _steps(top: Json, key: str) -> list[Json]:
    steps = _items(top.get(key, []), key, list)
    return [_step(value, f"{key}[{number}]") for number, value in enumerate(steps)]


def parse_manifest(text: str) -> Json:
    """Check a manifest strictly and return it with all defaults filled in."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BadManifest(f"manifest: not JSON: {error}") from None
    top = _table(raw, "top level", KEYS, ("bundle", "owner"))
    if not NAME.match(_text(top["bundle"], "bundle")):
        _bad("bundle", f"{top['bundle']!r} does not match [a-z][a-z0-9-]*")
    if not _text(top["owner"], "owner"):
        _bad("owner", "is empty")
    packages = _strings(top.get("packages", []), "packages")
    for package in packages:
        if not PACKAGE.match(package):
            _bad("packages", f"{package!r} is not a package name")
    directories: Json = {}
    for path, value in _items(top.get("directories", {}), "directories", dict).items():
        where = f"directories[{path}]"
        table = _table(value, where, ("mode", "owner", "group", "exclusive"))
        entry = _attributes(table, where, "0755")
        entry["exclusive"] = _bool(table.get("exclusive", False), f"{where}.exclusive")
        directories[_path(path, where)] = entry
    files: Json = {}
    for path, value in _items(top.get("files", {}), "files", dict).items():
        where = f"files[{path}]"
        table = _table(
            value, where, ("content", "mode", "owner", "group", "secret", "restart"), ("content",)
        )
        entry = _attributes(table, where, "0644")
        entry["content"] = _text(table["content"], f"{where}.content")
        entry["secret"] = _bool(table.get("secret", False), f"{where}.secret")
        entry["restart"] = _strings(table.get("restart", []), f"{where}.restart")
        files[_path(path, where)] = entry
    assemble: Json = {}
    for path, value in _items(top.get("assemble", {}), "assemble", dict).items():
        where = f"assemble[{path}]"
        table = _table(value, where, ("directory", "mode", "owner", "group"), ("directory",))
        entry = _attributes(table, where, "0644")
        entry["directory"] = _path(table["directory"], f"{where}.directory")
        assemble[_path(path, where)] = entry
    build = []
    for number, value in enumerate(_items(top.get("build", []), "build", list)):
        where = f"build[{number}]"
        table = _table(value, where, ("run", "makes"), ("run", "makes"))
        makes = [_path(p, f"{where}.makes") for p in _strings(table["makes"], f"{where}.makes")]
        build.append({"run": _argv(table["run"], f"{where}.run"), "makes": makes})
    targets = [*files, *assemble, *(path for step in build for path in step["makes"])]
    for path in targets:
        if targets.count(path) > 1 or path in directories:
            _bad(path, "is declared twice")
    units: Json = {}
    for unit, value in _items(top.get("units", {}), "units", dict).items():
        where = f"units[{unit}]"
        table = _table(value, where, ("restart_when",))
        if not UNIT.match(unit):
            _bad(where, "is not a unit name")
        units[unit] = {"restart_when": _text(table.get("restart_when", ""), where)}
    return {
        "bundle": top["bundle"],
        "owner": top["owner"],
        "packages": packages,
        "debconf": _strings(top.get("debconf", []), "debconf"),
        "groups": _groups(top.get("groups", {})),
        "directories": directories,
        "files": files,
        "assemble": assemble,
        "build": build,
        "check": [
            _check(value, f"check[{number}]")
            for number, value in enumerate(_items(top.get("check", []), "check", list))
        ],
        "units": units,
        "run": _steps(top, "run"),
        "undo": _steps(top, "undo"),
        "compare": [
            _comparison(value, f"compare[{number}]")
            for number, value in enumerate(_items(top.get("compare", []), "compare", list))
        ],
        "probe": [
            _probe(value, f"probe[{number}]")
            for number, value in enumerate(_items(top.get("probe", []), "probe", list))
        ],
    }


# --- files ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Want:
    """What a path is or shall be: a file, a symbolic link, or absent (no data, no link)."""

    data: bytes | None = None
    link: str | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0

    @property
    def absent(self) -> bool:
        """Tell whether there is nothing at the path."""
        return self.data is None and self.link is None

    def to_json(self) -> Json:
        """Return the value as JSON, for the staging process and the store of originals."""
        data = None if self.data is None else base64.b64encode(self.data).decode("ascii")
        return {"data": data, "link": self.link, "mode": self.mode, "ids": [self.uid, self.gid]}

    @staticmethod
    def from_json(value: Json) -> Want:
        """Read what to_json wrote."""
        data = None if value["data"] is None else base64.b64decode(value["data"])
        return Want(data, value["link"], value["mode"], value["ids"][0], value["ids"][1])


def look(real: Path) -> Want:
    """Return what is at a path now.

    The path is opened once, without following a link, and everything else is asked of that
    descriptor: whoever may write in the directory cannot put another file there in between.
    """
    try:
        seen = os.open(real, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Want()
    try:
        info = os.fstat(seen)
        if stat.S_ISLNK(info.st_mode):
            return Want(link=os.readlink("", dir_fd=seen), uid=info.st_uid, gid=info.st_gid)
        if not stat.S_ISREG(info.st_mode):
            raise Failure(f"{real}: is neither a file nor a symbolic link, not touched")
        # The link in /proc leads to the very file that was opened (proc_pid_fd(5)).
        with open(f"/proc/self/fd/{seen}", "rb") as stream:
            data = stream.read()
        mode = stat.S_IMODE(info.st_mode)
        return Want(data=data, mode=mode, uid=info.st_uid, gid=info.st_gid)
    finally:
        os.close(seen)


def own_directory(real: Path, mode: int, uid: int, gid: int) -> None:
    """Give a directory its owner and mode, by a descriptor."""
    fd = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        info = os.fstat(fd)
        if (info.st_uid, info.st_gid) != (uid, gid):
            os.fchown(fd, uid, gid)
        if stat.S_IMODE(info.st_mode) != mode:
            os.fchmod(fd, mode)
    finally:
        os.close(fd)


def sync_directory(real: Path) -> None:
    """Make renames in a directory durable."""
    fd = os.open(real, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def place(real: Path, want: Want) -> None:
    """Make a file or link at a path where nothing is, durable and with its owner and mode."""
    if want.link is not None:
        os.symlink(want.link, real)
        if os.lstat(real).st_uid != want.uid or os.lstat(real).st_gid != want.gid:
            os.lchown(real, want.uid, want.gid)
        return
    fd = os.open(real, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as stream:
        stream.write(want.data or b"")
        stream.flush()
        # Every program of Postfix waits, as it starts, until main.cf is older than a second.
        os.utime(fd, (time.time() - 2,) * 2)
        info = os.fstat(fd)
        if (info.st_uid, info.st_gid) != (want.uid, want.gid):
            os.fchown(fd, want.uid, want.gid)
        os.fchmod(fd, want.mode)
        os.fsync(fd)


def write_state(real: Path, text: str) -> None:
    """Write a file of the agent's own state: 0600, atomic, durable."""
    fresh = real.with_name(real.name + ".new")
    gone(fresh)
    try:
        place(fresh, Want(data=text.encode(), mode=0o600, uid=os.geteuid(), gid=os.getegid()))
        fresh.rename(real)
    except OSError:
        gone(fresh)
        raise
    sync_directory(real.parent)


def gone(real: Path) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        real.unlink()


def uid_of(name: str) -> int:
    """Return the number of a user."""
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise Failure(f"there is no user {name!r} on this host") from None


def gid_of(name: str) -> int:
    """Return the number of a group."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise Failure(f"there is no group {name!r} on this host") from None


def pieces(root: Path, directory: str) -> list[Path]:
    """Return the pieces of an assembled file in their order."""
    real = root / directory.lstrip("/")
    if not real.is_dir():
        return []
    return [
        piece
        for piece in sorted(real.iterdir(), key=lambda item: item.name)
        if piece.name.endswith(".cf") and not piece.name.startswith(".") and piece.is_file()
    ]


def concatenate(found: list[Path]) -> bytes:
    """Concatenate pieces; a piece without a newline at its end gets one."""
    parts = [piece.read_bytes() for piece in found]
    return b"".join(part if part.endswith(b"\n") or not part else part + b"\n" for part in parts)


def digest(data: bytes | None) -> str:
    """Return the SHA-256 of some bytes in hex."""
    return hashlib.sha256(data or b"").hexdigest()


# --- the staged state -----------------------------------------------------------------------


def stage_files(root: Path, plan: Json, run: Run) -> Json:
    """Write the staged files below root, assemble, build and check; return what came of it.

    Root is a view in which writing is free: an overlay in a namespace of its own, or in the unit
    tests a copy. Failures are Failure with the words of the check.
    """
    for path, attributes in plan["directories"].items():
        real = root / path.lstrip("/")
        real.mkdir(parents=True, exist_ok=True)
        _own(real, attributes)
    for path, value in plan["writes"].items():
        real = root / path.lstrip("/")
        want = Want.from_json(value)
        gone(real)
        if not want.absent:
            real.parent.mkdir(parents=True, exist_ok=True)
            place(real, want)
    result: Json = {"assembled": {}, "made": {}}
    for path, entry in plan["assemble"].items():
        real = root / path.lstrip("/")
        found = pieces(root, entry["directory"])
        if not found:
            raise Failure(f"{path}: there are no *.cf in {entry['directory']} to assemble it from")
        uid, gid = uid_of(entry["owner"]), gid_of(entry["group"])
        want = Want(data=concatenate(found), mode=int(entry["mode"], 8), uid=uid, gid=gid)
        gone(real)
        real.parent.mkdir(parents=True, exist_ok=True)
        place(real, want)
        result["assembled"][path] = want.to_json()
    for step in plan["build"]:
        done = run(step["run"], None, COMMAND_TIMEOUT)
        if done.code != 0:
            raise Failure(f"build {' '.join(step['run'])}: {done.words()}")
        for path in step["makes"]:
            want = look(root / path.lstrip("/"))
            if want.absent:
                raise Failure(f"build {' '.join(step['run'])}: did not make {path}")
            result["made"][path] = want.to_json()
    for check in plan["check"]:
        done = run(check["run"], None, COMMAND_TIMEOUT)
        pattern = check["fail_on_output"]
        words = ""
        if done.code != 0:
            words = done.words()
        elif check["fail_on_stderr"] and done.err.strip():
            words = done.err.strip()
        elif pattern and re.search(pattern, done.out + "\n" + done.err, re.MULTILINE):
            words = done.words()
        if words:
            raise Failure(f"check {' '.join(check['run'])}: {words}")
    return result


def _own(real: Path, attributes: Json) -> None:
    ids = uid_of(attributes["owner"]), gid_of(attributes["group"])
    own_directory(real, int(attributes["mode"], 8), *ids)


def overlay_tops(paths: Iterable[str]) -> list[str]:
    """Return the directories that the staged view overlays for these paths."""
    tops = set()
    for path in paths:
        for top in ("/etc", "/usr/local"):
            if path.startswith(top + "/"):
                tops.add(top)
                break
        else:
            parent = Path(path).parent
            while not parent.is_dir():
                parent = parent.parent
            if str(parent) in ("/", "/run", "/proc", "/sys", "/dev", "/tmp", "/usr"):  # noqa: S108
                raise Failure(f"{path}: cannot be staged, {parent} is no place for managed files")
            tops.add(str(parent))
    return sorted(
        top for top in tops if not any(top.startswith(other + "/") for other in tops - {top})
    )


def stage_in_namespace(plan: Json, run: Run) -> Json:
    """Mount the overlays (in the namespace that unshare made for this process) and stage."""
    base = Path("/run/mx-agent")
    base.mkdir(mode=0o700, exist_ok=True)
    mounts = [["mount", "-t", "tmpfs", "-o", "mode=0700", "mx-agent", str(base)]]
    places = [*plan["writes"], *plan["assemble"], *plan["directories"]]
    places += [path for step in plan["build"] for path in step["makes"]]
    for number, top in enumerate(overlay_tops(places)):
        options = f"lowerdir={top},upperdir={base}/{number}/upper,workdir={base}/{number}/work"
        mounts.append(["mount", "-t", "overlay", "-o", options, "overlay", top])
    for number, argv in enumerate(mounts):
        if number:
            upper = base / str(number - 1) / "upper"
            upper.mkdir(parents=True)
            (upper.parent / "work").mkdir()
            info = Path(argv[-1]).stat()
            os.chown(upper, info.st_uid, info.st_gid)
            upper.chmod(stat.S_IMODE(info.st_mode))
        done = run(argv, None, COMMAND_TIMEOUT)
        if done.code != 0:
            raise Failure(f"staging: {' '.join(argv)}: {done.words()}")
    os.chdir("/")
    return stage_files(Path("/"), plan, run)


def stage_main() -> int:
    """Run as the hidden verb _stage: plan on stdin, result or failure as JSON on stdout."""
    plan = json.loads(sys.stdin.read())
    answer: Json
    try:
        answer = stage_in_namespace(plan, run_command)
    except Failure as error:
        answer = {"failure": str(error)}
    except OSError as error:
        answer = {"failure": explain(error, "staging")}
    sys.stdout.write(json.dumps(answer))
    return 0


def with_resolvers_of_before(argv: list[str], agent: Agent) -> int:
    """Run a program that sees resolv.conf as it was before any bundle took it over.

    Nobody else sees it: this process is in a mount namespace of its own.
    """
    before = agent.original(RESOLV_CONF)
    data = before.data
    if before.link is not None:
        data = Path("/etc", before.link).read_bytes()
    base = Path("/run/mx-agent")
    base.mkdir(mode=0o700, exist_ok=True)
    text = base / "resolv.conf"
    for mount in (["-t", "tmpfs", "mx-agent", str(base)], ["--bind", str(text), RESOLV_CONF]):
        done = agent.run(["mount", *mount], None, COMMAND_TIMEOUT)
        if done.code != 0:
            raise Failure(f"mount {' '.join(mount)}: {done.words()}")
        if not text.exists():
            place(text, Want(data=data, mode=0o644))
    os.execvp(argv[0], argv)  # noqa: S606


def unified(wanted: str, now: Want) -> list[str]:
    """Return the diff from a wanted text to what is there, cut where it gets long."""
    if now.data is None:
        return ["-a file", f"+a symbolic link to {now.link}"]
    lines = list(
        difflib.unified_diff(
            wanted.splitlines(), now.data.decode("utf-8", "replace").splitlines(), n=2, lineterm=""
        )
    )[2:]
    return cut(lines)


def cut(lines: list[str]) -> list[str]:
    """Return as many lines of a diff, and as much of each, as a status takes."""
    more = len(lines) - DIFF_LINES
    kept = [line[:DIFF_WIDTH] for line in lines[:DIFF_LINES]]
    return [*kept, f"[... {more} more lines]"] if more > 0 else kept


def explain(error: OSError, doing: str) -> str:
    """Say in plain words why the system refused."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{doing}: no space left on device{where}"
    return f"{doing}: {error.strerror or error}{where}"


# --- the agent ------------------------------------------------------------------------------


class Agent:
    """The agent below a root directory; root and run are parameters for the unit tests."""

    # A command of a bundle ends when this process is killed: it would go on after the undo.
    tied: tuple[str, ...] = ("setpriv", "--pdeathsig", "TERM", "--")

    def __init__(self, root: Path = Path("/"), run: Run = run_command) -> None:
        self.root = root
        self.run = run
        self.state = self.real(STATE)
        self.journal_path = self.state / "journal.json"
        self.lock_wait = LOCK_WAIT
        self.secrets: list[str] = []
        # Commands of the change that ran to their end, or were cut off.
        self.begun: list[str] = []
        # What of the call itself goes into the record: see apply.
        self._call: Json = {}
        self.boot = False

    # words

    def redact(self, text: str) -> str:
        """Take lines of secret files out of what other programs say."""
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        return text

    def say(self, line: str) -> None:
        """Print a progress line; a closed pipe does not matter."""
        _print(sys.stdout, _short(self.redact(line)))

    def warn(self, line: str) -> None:
        """Print a line to stderr; a closed pipe does not matter."""
        _print(sys.stderr, _short(self.redact(line)))

    def step(self, name: str, detail: str = "") -> None:
        """Announce a step of the transaction."""
        self.say(f"{name}: {detail}" if detail else name)

    # places

    def real(self, path: str) -> Path:
        """Return where a path of the host is."""
        return self.root / path.lstrip("/")

    def prepare_state(self) -> None:
        """Make the state directories."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.chmod(0o700)
        for name in ("bundles", "originals"):
            (self.state / name).mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the host's lock; wait for it, but not for ever."""
        self.prepare_state()
        fd = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + self.lock_wait
            told = False
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
                    if time.monotonic() >= deadline:
                        raise Failure(
                            f"another call of the agent (process {holder}) still works after "
                            f"{self.lock_wait:.0f} s; nothing has been changed"
                        ) from None
                    if not told:
                        self.step("lock", f"waiting for process {holder}")
                        told = True
                    time.sleep(0.1)
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(fd)

    # records and originals

    def records(self) -> dict[str, Json]:
        """Return the records of all applied bundles."""
        found = {}
        directory = self.state / "bundles"
        if directory.is_dir():
            for item in sorted(directory.glob("*.json")):
                found[item.stem] = cast(Json, json.loads(item.read_text()))
        return found

    def claims(self, record: Json) -> set[str]:
        """Return the paths that a bundle owns."""
        return {*record["files"], *record["made"], *record["assemble"]}

    def _original(self, path: str) -> Path:
        return self.state / "originals" / (digest(path.encode())[:40] + ".json")

    def _unit_original(self, unit: str) -> Path:
        return self.state / "originals" / ("unit-" + digest(unit.encode())[:40] + ".json")

    def original(self, path: str) -> Want:
        """Return what was at a path before any bundle took it over."""
        store = self._original(path)
        if not store.exists():
            return Want()
        return Want.from_json(json.loads(store.read_text()))

    # systemd

    def systemctl(self, *argv: str) -> Result:
        """Run systemctl."""
        return self.run(["systemctl", *argv], None, SYSTEMCTL_TIMEOUT)

    def unit_state(self, unit: str) -> Json:
        """Return whether a unit is enabled and whether it is active."""
        return self.unit_states([unit])[unit]

    def unit_states(self, units: Iterable[str]) -> dict[str, Json]:
        """Return the state of each unit, asked for at once: a look is mostly its processes."""
        names = list(dict.fromkeys(units))
        enabled, active = (self._each(verb, names) for verb in ("is-enabled", "is-active"))
        return {
            unit: {
                "enabled": enabled in ("enabled", "enabled-runtime", "alias"),
                "fixed": enabled in ("static", "indirect", "generated", "transient"),
                "active": active in ("active", "activating", "reloading"),
                "masked": enabled if enabled in ("masked", "masked-runtime") else "",
            }
            for unit, enabled, active in zip(names, enabled, active, strict=True)
        }

    def _each(self, verb: str, units: list[str]) -> list[str]:
        said = self.systemctl(verb, *units).out.split() if units else []
        if len(said) == len(units):
            return said
        # systemd 252 has no line for a unit without a file.
        return [self.systemctl(verb, unit).out.strip() for unit in units]

    def hold_back(self, units: Iterable[str]) -> None:
        """Keep units from starting with a package's own configuration (until the next boot)."""
        for unit in units:
            self.must("mask", "--runtime", unit)

    def let_start(self, units: Iterable[str]) -> None:
        """End what hold_back began, also that of a run that was cut off."""
        for unit, state in self.unit_states(units).items():
            if state["masked"] == "masked-runtime":
                self.must("unmask", "--runtime", unit)

    def must(self, *argv: str) -> None:
        """Run systemctl and fail with the unit's own words when it fails."""
        done = self.systemctl(*argv)
        if done.code != 0:
            words = done.words()
            if argv[0] in ("start", "restart", "reload", "reload-or-restart"):
                journal = ["journalctl", "-u", argv[-1], "-n", "8", "-o", "cat", "--no-pager"]
                log = self.run(journal, None, 20.0)
                words += "\n" + log.out.strip() if log.out.strip() else ""
            raise Failure(f"systemctl {' '.join(argv)}: {words}")

    def can_reload(self, unit: str) -> bool:
        """Tell whether a unit can reload."""
        return self.systemctl("show", "-p", "CanReload", "--value", unit).out.strip() == "yes"

    # verbs

    def apply(self, text: str) -> None:
        """Apply a manifest as one transaction."""
        self._call = {"text": text, "given": digest(text.encode()), "rolled_back": False}
        self._transact(text)

    def rollback(self, name: str) -> None:
        """Apply the manifest that a bundle had before the present one."""
        with self.lock():
            self.recover_locked()
            record = self.records().get(name)
        if record is None:
            raise Failure(f"bundle {name!r} is not applied on this host")
        text = record.get("previous")
        if not text:
            raise Failure(
                f"{name}: there is no former state to go back to (one with a secret in it is not "
                "kept); nothing has been changed"
            )
        # A second rollback is the way forward again.
        back = not record.get("rolled_back", False)
        self._call = {"text": text, "given": digest(text.encode()), "rolled_back": back}
        self._transact(text)

    def _has_secret(self, manifest: Json) -> bool:
        """Tell whether a manifest must not be kept."""
        parts = [*manifest["files"].values(), *manifest["run"]]
        return any(part["secret"] for part in parts)

    def _transact(self, text: str) -> None:
        manifest = parse_manifest(text)
        self.begun = []
        if self._has_secret(manifest):
            self._call["text"] = ""
        hidden = [e["content"] for e in manifest["files"].values() if e["secret"]]
        hidden += [step["stdin"] for step in manifest["run"] if step["secret"]]
        self.secrets = sorted(
            {
                line.strip()
                for text in hidden
                for line in text.splitlines()
                if len(line.strip()) >= 4
            },
            key=len,
            reverse=True,
        )
        with self.lock():
            self.recover_locked()
            try:
                with self.noted(manifest["bundle"]):
                    self._apply(manifest, digest(json.dumps(manifest, sort_keys=True).encode()))
            finally:
                self.settle_groups()

    @contextlib.contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Keep in mind that the last change of a bundle failed, until one succeeds."""
        mark = self.state / "bundles" / (name + ".failed")
        try:
            yield
        except BaseException:
            try:
                write_state(mark, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            except OSError as error:  # the words of the failure itself matter more
                self.warn(explain(error, "the mark of this failure was not written"))
            raise
        gone(mark)

    def forget_failures(self) -> None:
        """Drop the marks of failed changes whose bundles never were applied here.

        Nothing of them is left, and the bundle may have left the settings: no call would come.
        """
        for mark in (self.state / "bundles").glob("*.failed"):
            if not mark.with_suffix(".json").exists():
                gone(mark)

    def _apply(self, manifest: Json, sha: str) -> None:
        name = manifest["bundle"]
        records = self.records()
        for record in records.values():
            if record["owner"] != manifest["owner"]:
                raise Failure(
                    f"this host belongs to the stack {record['owner']!r}, not to "
                    f"{manifest['owner']!r}; nothing has been changed"
                )
        old = records.pop(name, None) or _no_record(name, manifest["owner"])
        made = [path for step in manifest["build"] for path in step["makes"]]
        for other in records.values():
            taken = self.claims(other) & {*manifest["files"], *made}
            taken |= {*other["files"], *other["made"]} & {*manifest["assemble"]}
            if taken:
                raise Failure(f"{sorted(taken)[0]} already belongs to bundle {other['bundle']!r}")
        missing = self.missing_packages(manifest["packages"])
        finished = not missing and not self.drift(old, {name: old, **records}, self.seen([old]))
        if old["sha"] == sha and finished:
            # A rollback that the stack has followed is none any more.
            if self._call != {key: old.get(key) for key in self._call}:
                store = self.state / "bundles" / (name + ".json")
                old.update(self._call)
                write_state(store, json.dumps(old, sort_keys=True, indent=1))
            self.say(f"{name}: nothing to do")
            return
        self.let_start(manifest["units"])
        prior = self.unit_states(manifest["units"])
        if missing:
            self.step("packages", " ".join(missing))
            self.hold_back([unit for unit, state in prior.items() if not state["active"]])
            try:
                self.install(missing, manifest["debconf"])
            finally:
                self.let_start(manifest["units"])
        self.refuse_foreign(manifest)
        joined = self.join_groups(manifest["groups"])

        writes: dict[str, Want] = {}
        for path, entry in manifest["files"].items():
            writes[path] = Want(
                data=entry["content"].encode(),
                mode=int(entry["mode"], 8),
                uid=uid_of(entry["owner"]),
                gid=gid_of(entry["group"]),
            )
        strays = self.strays(
            manifest["directories"], records, {*writes, *manifest["assemble"], *made}
        )
        strays = sorted({*strays, *old["strays"]} - {*writes, *manifest["assemble"], *made})
        strays = [
            path
            for path in strays
            if any(
                str(Path(path).parent) == d
                for d, e in manifest["directories"].items()
                if e["exclusive"]
            )
        ]
        for path in strays:
            writes[path] = Want()
        assemble = dict(manifest["assemble"])
        shared = {path for other in records.values() for path in other["assemble"]}
        mine = {*writes, *assemble, *made}
        leaving = {*self.claims(old), *old["strays"]} - mine - shared
        for path in leaving:
            writes[path] = self.original(path)
        touched = {str(Path(path).parent) for path in (*writes, *self.claims(old))}
        for other in records.values():
            for path, entry in other["assemble"].items():
                if path not in assemble and entry["directory"] in touched:
                    assemble[path] = entry

        self.step("stage", f"{len(writes) + len(assemble)} paths")
        plan = {
            "directories": manifest["directories"],
            "writes": {path: want.to_json() for path, want in writes.items()},
            "assemble": assemble,
            "build": manifest["build"],
            "check": manifest["check"],
        }
        result = self.stage(plan)
        self.step("checked", f"{len(manifest['build'])} built, {len(manifest['check'])} checks")
        wants = dict(writes)
        wants.update((path, Want.from_json(value)) for path, value in result["made"].items())
        last = {path: Want.from_json(value) for path, value in result["assembled"].items()}
        for path in last:
            wants.pop(path, None)
        wants.update(last)

        record = _no_record(name, manifest["owner"])
        same = old["sha"] == sha
        record.update(
            self._call,
            previous=old.get("previous", "") if same else old.get("text", ""),
            sha=sha,
            packages=manifest["packages"],
            directories=manifest["directories"],
            assemble=manifest["assemble"],
            strays=strays,
            units=manifest["units"],
            groups=manifest["groups"],
            undo=manifest["undo"],
            compare=manifest["compare"],
            creates=[step["creates"] for step in manifest["run"] if step["creates"]],
        )
        for path in manifest["files"]:
            record["files"][path] = {
                **_mark(wants[path]),
                "restart": manifest["files"][path]["restart"],
            }
        for path in made:
            record["made"][path] = _mark(wants[path])
        self.transaction(manifest, old, records, record, wants, leaving, prior, joined)

    def remove(self, name: str) -> None:
        """Remove a bundle: what was there before it comes back."""
        if not NAME.match(name):
            raise BadManifest(f"{name!r} is not the name of a bundle")
        with self.lock():
            self.recover_locked()
            records = self.records()
            old = records.pop(name, None)
            if old is None:
                self.say(f"{name}: is not applied, nothing to do")
                return
            shared = {path for other in records.values() for path in other["assemble"]}
            leaving = {*self.claims(old), *old["strays"]} - shared
            wants = {path: self.original(path) for path in leaving}
            away = leaving - {path for path, want in wants.items() if not want.absent}
            touched = {str(Path(path).parent) for path in leaving}
            for other in records.values():
                for path, entry in other["assemble"].items():
                    if entry["directory"] in touched and path not in wants:
                        found = [
                            piece
                            for piece in pieces(self.root, entry["directory"])
                            if entry["directory"] + "/" + piece.name not in away
                        ]
                        if found:
                            wants[path] = Want(
                                data=concatenate(found),
                                mode=int(entry["mode"], 8),
                                uid=uid_of(entry["owner"]),
                                gid=gid_of(entry["group"]),
                            )
            manifest = parse_manifest(json.dumps({"bundle": name, "owner": old["owner"]}))
            self._run_steps(name, old.get("undo", []))
            self.transaction(manifest, old, records, None, wants, leaving, {})
            gone(self.state / "bundles" / (name + ".failed"))
            self.settle_groups()

    def status(self, name: str | None = None) -> Json:
        """Return what is applied and what has drifted from it."""
        records = self.records()
        if name is not None and name not in records:
            raise Failure(f"bundle {name!r} is not applied on this host")
        owners = sorted({record["owner"] for record in records.values()})
        seen = self.seen(record for key, record in records.items() if name in (None, key))
        return {
            "version": VERSION,
            "time": round(time.time()),
            "owner": owners[0] if owners else None,
            "unfinished": self.journal_path.exists(),
            "failed": {
                path.stem: path.read_text()
                for path in sorted((self.state / "bundles").glob("*.failed"))
            },
            "bundles": {
                key: {
                    "sha": record["sha"],
                    "applied": record["applied"],
                    "given": given(record),
                    "former": bool(record.get("previous")),
                    "drift": self.explained(record, records, seen),
                }
                for key, record in records.items()
                if name in (None, key)
            },
        }

    def recover(self, boot: bool = False) -> None:
        """Undo or finish what a killed run left behind."""
        self.boot = boot
        with self.lock():
            if not self.recover_locked():
                self.say("nothing to recover")

    def install_self(self) -> None:
        """Put the recovery unit in place and end what nothing else ends; the bootstrap calls it."""
        with self.lock():
            self.recover_locked()
            self.forget_failures()
            gone(self.state / "heal")  # of an agent before 1.4
            real = self.real(RECOVER_PATH)
            want = Want(RECOVER_TEXT.encode(), None, 0o644, os.geteuid(), os.getegid())
            if look(real) != want:
                real.parent.mkdir(parents=True, exist_ok=True)
                fresh = real.with_name(PREFIX + "install")
                gone(fresh)
                place(fresh, want)
                fresh.rename(real)
                self.must("daemon-reload")
            if not self.unit_state(RECOVER_UNIT)["enabled"]:
                self.must("enable", RECOVER_UNIT)
            self.say(f"mx-agent {VERSION} installed")

    def uninstall(self) -> None:
        """Remove the agent, its unit and its state, when no bundle is applied any more."""
        with self.lock():
            self.recover_locked()
            left = sorted(self.records())
            if left:
                raise Failure(f"bundles are still applied: {', '.join(left)}; remove them first")
            if self.real(RECOVER_PATH).exists():
                self.must("disable", RECOVER_UNIT)
                gone(self.real(RECOVER_PATH))
                self.must("daemon-reload")
            shutil.rmtree(self.state)
            if self.real(UPLOADS).is_dir():
                shutil.rmtree(self.real(UPLOADS))
            gone(self.real(AGENT))
        with contextlib.suppress(OSError):
            self.real("/run/mx-agent").rmdir()
        self.say("mx-agent uninstalled")

    # whose directories

    def refuse_foreign(self, manifest: Json) -> None:
        """Raise Failure when root would work below a directory that another user can change.

        That user could put a link there, and root would write where the link leads. A rollback
        to a manifest from before this rule is only warned about: the operator asked for it.
        """
        made = [path for step in manifest["build"] for path in step["makes"]]
        made += [step["creates"] for step in manifest["run"] if step["creates"]]
        paths = (*manifest["directories"], *manifest["files"], *manifest["assemble"], *made)
        for path in paths:
            above = Path(path).parents
            # Where a link of root's leads counts as well.
            target = Path(os.path.relpath(self.real(str(above[0])).resolve(), self.root))
            for directory in (*above, Path("/", target), *Path("/", target).parents):
                whose = self._stranger(str(directory), manifest["directories"])
                if not whose:
                    continue
                words = (
                    f"{path}: {directory} {whose}; root writes only below directories that "
                    "nobody but root can change"
                )
                if not self._call.get("rolled_back"):
                    raise Failure(f"{words}; no file has been changed")
                self.warn(words)

    def _stranger(self, directory: str, declared: Json) -> str:
        """Say who besides root can change a directory, or nothing."""
        if directory in declared:
            entry = declared[directory]
            mode, uid, gid = int(entry["mode"], 8), uid_of(entry["owner"]), gid_of(entry["group"])
        else:
            try:
                info = os.stat(self.real(directory))
            except (FileNotFoundError, NotADirectoryError):
                return ""  # the agent makes it, as root's
            mode, uid, gid = stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
        if uid not in (0, os.geteuid()):
            return f"belongs to user {uid}"
        if mode & 0o002:
            return f"can be written by everybody (mode {mode:04o})"
        if mode & 0o020 and gid not in (ROOT_GROUP, STAFF_GROUP, os.getegid()):
            return f"can be written by group {gid} (mode {mode:04o})"
        return ""

    # packages

    def missing_packages(self, packages: list[str]) -> list[str]:
        """Return the packages that are not installed."""
        if not packages:
            return []
        line = "-f=${Package} ${db:Status-Status}\\n"
        known = self.run(["dpkg-query", "-W", line, *packages], None, 60.0).out.splitlines()
        return [package for package in packages if f"{package} installed" not in known]

    def install(self, packages: list[str], debconf: list[str]) -> None:
        """Install packages without a question asked; refresh the lists only when needed."""
        if debconf:
            text = "\n".join(debconf) + "\n"
            done = self.run(["debconf-set-selections"], text.encode(), 60.0)
            if done.code != 0:
                raise Failure(f"debconf-set-selections: {done.words()}")
        apt = ["apt-get", "-q", "-y"]
        keep = [f"Dpkg::Options::={option}" for option in KEEP_CONFIGURATION]
        changing = [*apt, "-o", keep[0], "-o", keep[1], "--no-install-recommends"]
        argv = [*changing, "install", *packages]
        self.finish_packages([*changing, "--no-remove", "--fix-broken", "install"])
        lists = list(self.real("/var/lib/apt/lists").glob("*_Packages*"))
        newest = max((item.stat().st_mtime for item in lists), default=0.0)
        fresh = time.time() - newest < LISTS_MAX_AGE
        done = self.packages(argv) if fresh else Result(1, "", "")
        if done.code != 0:
            self.step("packages", "refreshing the lists")
            update = self.packages([*apt, "update"])
            # apt compares the size of an archive that is there, not its digest.
            self.packages([*apt, "clean"])
            done = self.packages(argv)
            if done.code != 0 and not self.original(RESOLV_CONF).absent:
                # The resolver of this host may be what does not work.
                self.step("packages", "once more, with the resolvers of before")
                with_before = [*NAMESPACE, sys.executable, "-I", os.path.abspath(__file__)]
                with_before.append("_resolvers_of_before")
                self.packages([*with_before, *apt, "update"])
                done = self.packages([*with_before, *argv])
            if done.code != 0:
                said = "" if update.code == 0 else f"\napt-get update: {update.words()}"
                raise Failure(f"apt-get install {' '.join(packages)}: {done.words()}{said}")

    def packages(self, argv: list[str]) -> Result:
        """Run apt-get or dpkg; while another process holds a lock of theirs, wait and say so."""
        deadline = time.monotonic() + self.lock_wait
        told = False
        while True:
            done = self.run(argv, None, APT_TIMEOUT)
            locked = PACKAGES_LOCKED.search(done.out + "\n" + done.err)
            if done.code == 0 or locked is None or time.monotonic() >= deadline:
                return done
            if not told:
                self.step("packages", f"waiting: {locked[0]}")
                told = True
            time.sleep(1.0)

    def finish_packages(self, mend: list[str]) -> None:
        """Finish what an interrupted dpkg left; apt installs nothing before.

        `mend` is the call of apt-get that brings missing dependencies and removes nothing. No
        service that is not running starts meanwhile: it would have its package's configuration.
        Raises Failure with the words of dpkg and apt when a package needs a person.
        """
        updates = self.real("/var/lib/dpkg/updates")
        written = updates.is_dir() and any(item.name.isdigit() for item in updates.iterdir())
        if not written and not self.run(["dpkg", "--audit"], None, 60.0).out.strip():
            return
        self.step("packages", "finishing what an interrupted dpkg left")
        unfinished, spoiled = self._unfinished_packages()
        units = self.unit_states(self._units_of(unfinished))
        held = [unit for unit, now in units.items() if not now["active"] and not now["masked"]]
        self.hold_back(held)
        try:
            configured = self.packages(["dpkg", *KEEP_CONFIGURATION, "--configure", "-a"])
            if spoiled:  # half unpacked: dpkg configures none of them before they are unpacked anew
                mend = [*mend, "--reinstall", *spoiled]
            mended = self.packages(mend)
        finally:
            self.let_start(held)
        if mended.code != 0:
            said = "" if configured.code == 0 else f"dpkg --configure -a: {configured.words()}\n"
            raise Failure(
                f"{said}apt-get --fix-broken install: {mended.words()}\nAn interrupted dpkg left "
                "packages unfinished. On the host, run `dpkg --configure -a` and `apt-get "
                "--fix-broken install`, and mend what they name; nothing has been changed"
            )

    def _unfinished_packages(self) -> tuple[list[str], list[str]]:
        """Return the packages that are not configured, and those that must be unpacked anew."""
        line = "-f=${Package} ${db:Status-Status} ${db:Status-Eflag}\\n"
        known = self.run(["dpkg-query", "-W", line], None, 60.0).out.splitlines()
        entries = [words for words in (entry.split() for entry in known) if len(words) == 3]
        states = ("unpacked", "half-installed", "half-configured")
        unfinished = [package for package, state, _ in entries if state in states]
        return unfinished, [package for package, _, flag in entries if flag == "reinstreq"]

    def _units_of(self, packages: list[str]) -> list[str]:
        """Return the units that packages bring."""
        found: list[str] = []
        for package in packages:
            paths = self.run(["dpkg-query", "-L", package], None, 60.0).out.splitlines()
            found += [match[1] for path in paths if (match := UNIT_FILE.fullmatch(path))]
        return found

    # groups

    def member(self, user: str, group: str) -> bool:
        """Tell whether a user is in a group."""
        done = self.run(["id", "-nG", user], None, 60.0)
        if done.code != 0:
            raise Failure(f"groups: {done.words()}")
        return group in done.out.split()

    def join_groups(self, groups: dict[str, list[str]]) -> bool:
        """Put users into groups; tell whether that changed anything.

        Each new membership is noted before it is made, so that settle_groups finds it.
        """
        pairs = [[user, name] for user, names in groups.items() for name in names]
        new = [pair for pair in pairs if not self.member(*pair)]
        if not new:
            return False
        noted = self._joined()
        noted += [pair for pair in new if pair not in noted]
        write_state(self.state / "groups.json", json.dumps(noted))
        for user, name in new:
            self.step("groups", f"{user} joins {name}")
            done = self.run(["usermod", "-a", "-G", name, user], None, 60.0)
            if done.code != 0:
                raise Failure(f"usermod -a -G {name} {user}: {done.words()}")
        return True

    def settle_groups(self) -> None:
        """Take users out of groups that the agent put them into and no applied bundle asks for."""
        joined = self._joined()
        wanted = [
            [user, name]
            for record in self.records().values()
            for user, names in record.get("groups", {}).items()
            for name in names
        ]
        surplus = [pair for pair in joined if pair not in wanted]
        for user, name in surplus:
            self.step("groups", f"{user} leaves {name}")
            done = self.run(["gpasswd", "-d", user, name], None, 60.0)
            if done.code != 0:
                self.warn(f"gpasswd -d {user} {name}: {done.words()}")  # gone with its package
        if surplus:
            left = [pair for pair in joined if pair in wanted]
            write_state(self.state / "groups.json", json.dumps(left))

    def _joined(self) -> list[list[str]]:
        store = self.state / "groups.json"
        return cast("list[list[str]]", json.loads(store.read_text())) if store.exists() else []

    # staging

    def stage(self, plan: Json) -> Json:
        """Stage in a namespace of its own; return assembled and made files."""
        argv = [*NAMESPACE, sys.executable, "-I", os.path.abspath(__file__), "_stage"]
        done = self.run(argv, json.dumps(plan).encode(), APT_TIMEOUT)
        if done.code != 0:
            raise Failure(f"staging: {done.words()}; nothing has been changed")
        answer = cast(Json, json.loads(done.out))
        if "failure" in answer:
            raise Failure(f"{answer['failure']}\nnothing has been changed")
        return answer

    # drift

    def strays(self, directories: Json, records: dict[str, Json], mine: set[str]) -> list[str]:
        """Return files in exclusive directories that no bundle owns."""
        owned = set(mine).union(*(self.claims(record) for record in records.values()))
        found = []
        for directory, entry in directories.items():
            real = self.real(directory)
            if entry["exclusive"] and real.is_dir():
                for item in sorted(real.iterdir()):
                    path = directory + "/" + item.name
                    if item.name.startswith(PREFIX) or path in owned:
                        continue
                    if item.is_symlink() or item.is_file():
                        found.append(path)
        return found

    def seen(self, records: Iterable[Json]) -> Json:
        """Return the state of the units of these bundles, and their packages that are missing."""
        known = list(records)
        packages = {package for record in known for package in record["packages"]}
        return {
            "units": self.unit_states(unit for record in known for unit in record["units"]),
            "missing": self.missing_packages(sorted(packages)),
        }

    def drift(self, record: Json, records: dict[str, Json], seen: Json) -> list[Json]:
        """Return how the host differs from what a bundle left on it."""
        drift: list[Json] = []

        def add(kind: str, name: str, what: str) -> None:
            drift.append({kind: name, "what": what})

        for path, mark in {**record["files"], **record["made"]}.items():
            self._compare(path, mark, add)
        for path, entry in record["assemble"].items():
            data = concatenate(pieces(self.root, entry["directory"]))
            mark = _mark(
                Want(
                    data,
                    None,
                    int(entry["mode"], 8),
                    uid_of(entry["owner"]),
                    gid_of(entry["group"]),
                )
            )
            self._compare(path, mark, add)
        for path, entry in record["directories"].items():
            real = self.real(path)
            if not real.is_dir():
                add("path", path, "missing")
                continue
            info = real.stat()
            if stat.S_IMODE(info.st_mode) != int(entry["mode"], 8):
                add("path", path, f"mode {stat.S_IMODE(info.st_mode):04o}, not {entry['mode']}")
            if (info.st_uid, info.st_gid) != (uid_of(entry["owner"]), gid_of(entry["group"])):
                add("path", path, f"owner is not {entry['owner']}:{entry['group']}")
        for path in self.strays(record["directories"], records, set()):
            add("path", path, "belongs to no bundle")
        for unit in record["units"]:
            state = seen["units"][unit]
            if not state["active"]:
                add("unit", unit, "not active")
            if state["masked"]:
                add("unit", unit, "masked")
            elif not (state["enabled"] or state["fixed"]):
                add("unit", unit, "not enabled")
        for path in record.get("creates", []):
            if not os.path.lexists(self.real(path)):
                add("path", path, "missing")
        for user, names in record.get("groups", {}).items():
            for name in names:
                if not self.member(user, name):
                    add("group", name, f"{user} is not in it")
        if self._unfinished(record["bundle"]).exists():
            add("run", record["bundle"], "a later change ran commands and failed")
        for package in record["packages"]:
            if package in seen["missing"]:
                add("package", package, "not installed")
        for step in record.get("compare", []):
            done = self.run(step["run"], None, step["timeout"])
            if done.code != 0:
                add("compare", step["name"], f"not compared: {done.words()}")
            elif done.out.strip():
                add("compare", step["name"], "differs")
                drift[-1]["diff"] = cut(done.out.splitlines())
        return drift

    def explained(self, record: Json, records: dict[str, Json], seen: Json) -> list[Json]:
        """Return the drift of a bundle, with a diff where the text is known and no secret."""
        drift = self.drift(record, records, seen)
        if record.get("rolled_back"):
            what = f"rolled back by hand at {record['applied']}"
            drift[:0] = [
                {"bundle": record["bundle"], "what": what},
                *_rolled_back(record["previous"], record["text"]),
            ]
        texts: dict[str, str] = {}
        if record.get("text"):
            files = parse_manifest(record["text"])["files"]
            texts = {path: e["content"] for path, e in files.items() if not e["secret"]}
        texts.update(self._assembled(record, records))
        # A piece that drifted is told itself; the whole is told when it is not what was applied.
        whole = {path: text for path, text in texts.items() if path in record["assemble"]}
        drift = [
            item
            for item in drift
            if item.get("path") not in whole
            or item["what"] != "content changed"
            or look(self.real(item["path"])).data != whole[item["path"]].encode()
        ]
        for item in drift:
            path = item.get("path")
            if item["what"] == "content changed" and path in texts:
                item["diff"] = unified(texts[path], look(self.real(path)))
        return drift

    def _assembled(self, record: Json, records: dict[str, Json]) -> dict[str, str]:
        """Return the assembled files as the bundles applied them, where all texts are known."""
        found: dict[str, str] = {}
        pieces_: dict[str, str] = {}
        for other in records.values():
            if other.get("text"):
                files = parse_manifest(other["text"])["files"]
                pieces_.update((path, e["content"]) for path, e in files.items())
        owned = set().union(*(self.claims(other) for other in records.values()))
        for path, entry in record["assemble"].items():
            names = [n for n in owned if str(Path(n).parent) == entry["directory"]]
            parts = sorted(name for name in names if name.endswith(".cf"))
            if parts and all(name in pieces_ for name in parts):
                texts = [pieces_[name] for name in parts]
                found[path] = "".join(t if t.endswith("\n") or not t else t + "\n" for t in texts)
        return found

    def _compare(self, path: str, mark: Json, add: Callable[[str, str, str], None]) -> None:
        try:
            now = look(self.real(path))
        except Failure:
            add("path", path, "is not a file")
            return
        seen = _mark(now)
        if now.absent:
            add("path", path, "missing")
            return
        if now.link != mark["link"] or seen["sha"] != mark["sha"]:
            add("path", path, "content changed")
        if seen["mode"] != mark["mode"]:
            add("path", path, f"mode {seen['mode']:04o}, not {mark['mode']:04o}")
        if seen["ids"] != mark["ids"]:
            add("path", path, "owner changed")

    # the transaction

    def transaction(
        self,
        manifest: Json,
        old: Json,
        others: dict[str, Json],
        record: Json | None,
        wants: dict[str, Want],
        leaving: set[str],
        prior: Json,
        joined: bool = False,
    ) -> None:
        """Swap to the wanted files under a journal, a guardian and the units' own judgement."""
        name = manifest["bundle"]
        stamp = f"{os.getpid()}-{time.time_ns()}"
        targets: list[Json] = []
        for number, (path, want) in enumerate(wants.items()):
            now = look(self.real(path))
            if now == want:
                continue
            beside = str(Path(path).parent / f"{PREFIX}{stamp}-{number}")
            targets.append(
                {
                    "path": path,
                    "new": None if want.absent else beside + ".new",
                    "old": None if now.absent else beside + ".old",
                }
            )
        changed: list[str] = [target["path"] for target in targets]
        made_dirs = self._new_directories(manifest["directories"], wants, changed)
        dirs_before = {}
        for path in manifest["directories"]:
            if path not in made_dirs:
                info = self.real(path).stat()
                dirs_before[path] = [stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid]
        dir_originals = {**old["dir_originals"]}
        for path, before in dirs_before.items():
            if path not in old["made_dirs"]:
                dir_originals.setdefault(path, before)
        if record is not None:
            record["made_dirs"] = sorted({*old["made_dirs"], *made_dirs})
            record["dir_originals"] = dir_originals
            record["applied"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

        taken = set(record["units"]) if record else set()
        for other in others.values():
            taken |= set(other["units"])
        leaving_units = [unit for unit in old["units"] if unit not in taken]
        shared_units = [
            unit for unit in old["units"] if unit in taken and unit not in manifest["units"]
        ]
        restart = self._restarts(manifest, old, changed)
        if joined:  # a process gets the groups of its user when it starts
            restart |= set(manifest["units"])
        units = [*manifest["units"], *shared_units, *leaving_units]
        units += [unit for unit in sorted(restart) if unit not in units]
        journal: Json = {
            "bundle": name,
            "phase": "copying",
            "targets": targets,
            "made_dirs": made_dirs,
            "dirs_before": dirs_before,
            "originals": [
                path
                for path in changed
                if path not in leaving
                and path not in self.claims(old)
                and not self._original(path).exists()
                and not any(path in self.claims(other) for other in others.values())
            ],
            "unit_originals": [
                unit for unit in manifest["units"] if not self._unit_original(unit).exists()
            ],
            "originals_done": sorted(leaving),
            "unit_originals_done": leaving_units,
            "units": self.unit_states(units),
            "restart": sorted(restart),
            "daemon_reload": any("/systemd/" in path for path in changed),
            "reload": bool(changed),
            "record": record,
        }
        journal["old_dirs"], journal["heirs"] = _leaving_directories(old, record, others)
        failing = self._failing(manifest["probe"]) if old is not None else {}
        guardian = self.start_guardian()
        try:
            try:
                self.step("copy", f"{len(targets)} changed of {len(wants)} paths")
                self.write_journal(journal)
                self._copy(journal, manifest, wants, prior)
                journal["phase"] = "swapping"
                self.step("journal")
                self.write_journal(journal)
                for unit in leaving_units:
                    self._leave_unit(unit)
                self.step("swap", " ".join(changed) or "no file changes")
                self._swap(journal)
                self._start_units(journal, manifest, old, shared_units, leaving_units)
                self._run_steps(name, manifest["run"])
                try:
                    self._probe_all(manifest["probe"], failing)
                except Failure:
                    # A reload does not bring back what died: master(8) holds a daemon that
                    # fails back for service_throttle_time, and mail with it.
                    journal["restart"] = sorted({*journal["restart"], *manifest["units"]})
                    raise
                self.step("record")
                journal["phase"] = "committed"
                self.write_journal(journal)
            except BaseException as error:
                # Every failure, an interrupt included, must be undone before it goes on.
                _ignore_signals()
                undone = self.undo(journal)
                if isinstance(error, OSError):
                    raise Failure(f"{explain(error, 'apply')}\n{undone}") from error
                if isinstance(error, Failure):
                    raise Failure(f"{error}\n{undone}") from error
                raise
            self.finish(journal)
            self.step("done", name)
        finally:
            guardian()

    def write_journal(self, journal: Json) -> None:
        """Write the journal durably."""
        write_state(self.journal_path, json.dumps(journal))

    def _new_directories(
        self, directories: Json, wants: dict[str, Want], changed: list[str]
    ) -> list[str]:
        needed = list(directories)
        needed += [str(Path(path).parent) for path in changed if not wants[path].absent]
        new: set[str] = set()
        for path in needed:
            place_ = Path(path)
            while not self.real(str(place_)).exists():
                new.add(str(place_))
                place_ = place_.parent
            if not self.real(str(place_)).is_dir():
                raise Failure(f"{place_}: is not a directory")
        return sorted(new)

    def _restarts(self, manifest: Json, old: Json, changed: list[str]) -> set[str]:
        restart: set[str] = set()
        for path in changed:
            restart |= set(manifest["files"].get(path, {}).get("restart", []))
            restart |= set(old["files"].get(path, {}).get("restart", []))
        for unit, entry in manifest["units"].items():
            before = old["units"].get(unit, {"restart_when": ""})
            if before["restart_when"] != entry["restart_when"]:
                restart.add(unit)
        return restart

    def _copy(self, journal: Json, manifest: Json, wants: dict[str, Want], prior: Json) -> None:
        for path in journal["made_dirs"]:
            self.real(path).mkdir(mode=0o755)
            self.real(path).chmod(0o755)
            sync_directory(self.real(path).parent)
        # First of all: from here on nobody else changes what lies in them.
        for path, attributes in manifest["directories"].items():
            _own(self.real(path), attributes)
        for path in journal["originals"]:
            text = json.dumps(look(self.real(path)).to_json())
            write_state(self._original(path), text)
        for unit in journal["unit_originals"]:
            write_state(self._unit_original(unit), json.dumps(prior[unit]))
        parents = set()
        for target in journal["targets"]:
            real = self.real(target["path"])
            if target["new"] is not None:
                place(self.real(target["new"]), wants[target["path"]])
            if target["old"] is not None:
                os.link(real, self.real(target["old"]), follow_symlinks=False)
            if real.parent.is_dir():
                parents.add(real.parent)
        for parent in sorted(parents):
            sync_directory(parent)

    def _swap(self, journal: Json) -> None:
        parents = set()
        for target in journal["targets"]:
            real = self.real(target["path"])
            if target["new"] is not None:
                os.rename(self.real(target["new"]), real)
            else:
                gone(real)
            if real.parent.is_dir():
                parents.add(real.parent)
        for parent in sorted(parents):
            sync_directory(parent)

    def _leave_unit(self, unit: str) -> None:
        store = self._unit_original(unit)
        prior = json.loads(store.read_text()) if store.exists() else None
        if prior is None:
            return
        now = self.unit_state(unit)
        if now["active"] and not prior["active"]:
            self.step("stop", unit)
            self.must("stop", unit)
        if now["enabled"] and not prior["enabled"]:
            self.step("disable", unit)
            self.must("disable", unit)
        if prior.get("masked") and not now["masked"]:
            self.step("mask", unit)
            self.must(*_mask("mask", prior["masked"]), unit)

    def _start_units(
        self, journal: Json, manifest: Json, old: Json, shared: list[str], leaving: list[str]
    ) -> None:
        if journal["daemon_reload"]:
            self.step("daemon-reload")
            self.must("daemon-reload")
        for unit in manifest["units"]:
            state = self.unit_state(unit)
            if state["masked"]:
                self.step("unmask", unit)
                self.must(*_mask("unmask", state["masked"]), unit)
                state = {**self.unit_state(unit), "active": state["active"]}
            if not (state["enabled"] or state["fixed"]):
                self.step("enable", unit)
                self.must("enable", unit)
            self._refresh(unit, state["active"], True, journal)
        for unit in [*shared, *leaving]:
            self._refresh(unit, self.unit_state(unit)["active"], False, journal)
        for unit in journal["restart"]:
            if unit not in manifest["units"] and unit not in (*shared, *leaving):
                self._refresh(unit, self.unit_state(unit)["active"], False, journal)

    def _refresh(self, unit: str, active: bool, start: bool, journal: Json) -> None:
        if not active:
            if start:
                self.step("start", unit)
                self.must("start", unit)
        elif unit in journal["restart"]:
            self.step("restart", unit)
            self.must("restart", unit)
        elif journal["reload"]:
            verb = "reload" if self.can_reload(unit) else "restart"
            self.step(verb, unit)
            self.must(verb, unit)

    # commands

    def _unfinished(self, name: str) -> Path:
        return self.state / "bundles" / (name + ".unfinished")

    def _run_steps(self, name: str, steps: list[Json]) -> None:
        """Run a bundle's own commands on the real system.

        What they did is not undone with the files, so a mark says that they ran: it goes with
        the record of this change, and until then no apply is "nothing to do". The commands of
        `undo` come here too, before `remove` takes the files away.
        """
        if steps:
            write_state(self._unfinished(name), "")
        for step in steps:
            what = " ".join(step["run"])
            if step["creates"] and os.path.lexists(self.real(step["creates"])):
                continue
            self.step("run", what)
            self.begun.append(what)
            done = self.run([*self.tied, *step["run"]], step["stdin"].encode(), step["timeout"])
            if done.code != 0:
                self.begun.remove(what)  # its own words say what it left
                raise Failure(f"run {what}: {done.words()}")
            for line in done.out.splitlines():
                self.say("  " + line)
            if step["creates"] and not os.path.lexists(self.real(step["creates"])):
                raise Failure(f"run {what}: did not create {step['creates']}")

    # probes

    def _failing(self, probes: list[Json]) -> dict[str, str]:
        """Probes marked `before` that fail before the change, with their words.

        A change that repairs something is not undone for what it does not repair. A probe whose
        program is not on the host yet is not asked.
        """
        found = {}
        for probe in probes:
            programs = [word for word in probe.get("run", []) if word.startswith("/")]
            if probe["before"] and all(os.path.lexists(self.real(each)) for each in programs):
                words = self._probe_once(probe, probe["timeout"])
                if words:
                    found[_asked(probe)] = words
        return found

    def _probe_all(self, probes: list[Json], failing: dict[str, str]) -> None:
        for probe in probes:
            what = _asked(probe)
            self.step("probe", what)
            if what in failing:
                words = self._probe_once(probe, probe["timeout"])
                if words:
                    self.say(f"  warning: probe {what} failed before this change, too: {words}")
                continue
            deadline = time.monotonic() + probe["timeout"]
            while True:
                words = self._probe_once(probe, max(0.1, deadline - time.monotonic()))
                if not words:
                    break
                if time.monotonic() >= deadline:
                    raise Failure(f"probe {what}: {words} (tried for {probe['timeout']:g} s)")
                time.sleep(0.2)

    def _probe_once(self, probe: Json, left: float) -> str:
        """Return what is wrong, or nothing when the probe passes."""
        if "unit" in probe:
            state = self.systemctl("is-active", probe["unit"]).out.strip()
            return "" if state == "active" else f"unit is {state or 'unknown'}"
        if "run" in probe:
            done = self.run(probe["run"], None, left)
            return "" if done.code == 0 else done.words()
        host, _, port = probe["tcp"].rpartition(":")
        expect = probe["expect"].encode()
        try:
            with socket.create_connection((host.strip("[]"), int(port)), min(left, 5.0)) as link:
                seen = b""
                link.settimeout(min(left, 10.0))
                while expect and expect not in seen and len(seen) < 65536:
                    part = link.recv(4096)
                    if not part:
                        break
                    seen += part
        except OSError as error:
            return str(error)
        if expect in seen:
            return ""
        return f"expected {probe['expect']!r}, got {seen[:200].decode('utf-8', 'replace')!r}"

    # undo and finish

    def undo(self, journal: Json) -> str:
        """Bring back what was there before; may be called again after it was cut off."""
        if not self.journal_path.exists() and journal["phase"] == "copying":
            return "nothing has been changed"
        swapped = journal["phase"] != "copying"
        if swapped:
            self.step("undo", journal["bundle"])
            self._undo_new_units(journal)
        parents = set()
        for target in journal["targets"]:
            real = self.real(target["path"])
            if target["new"] is not None:
                gone(self.real(target["new"]))
            if target["old"] is not None:
                kept = self.real(target["old"])
                if os.path.lexists(kept):
                    if swapped:
                        os.rename(kept, real)
                    # rename does nothing when both names are the same file
                    gone(kept)
            elif swapped:
                gone(real)
            if real.parent.is_dir():
                parents.add(real.parent)
        for path, (mode, uid, gid) in journal["dirs_before"].items():
            real = self.real(path)
            if real.is_dir():
                own_directory(real, mode, uid, gid)
        for parent in sorted(parents):
            sync_directory(parent)
        self.settle_groups()  # before the units restart
        troubles = self._undo_units(journal) if swapped else []
        for path in reversed(journal["made_dirs"]):
            with contextlib.suppress(OSError):  # a directory that is in use stays
                self.real(path).rmdir()
        for path in journal["originals"]:
            gone(self._original(path))
        for unit in journal["unit_originals"]:
            gone(self._unit_original(unit))
        gone(self.journal_path)
        sync_directory(self.state)
        if self.begun:
            troubles.append(f"what `{'`, `'.join(self.begun)}` did stays until the next apply")
        if troubles:
            return "the old files are back, but: " + "; ".join(troubles)
        return "all undone, the old state is back" if swapped else "nothing has been changed"

    def _undo_new_units(self, journal: Json) -> None:
        """Stop and disable what the change started, while the files of the units are there."""
        for unit, before in journal["units"].items():
            now = self.unit_state(unit)
            if now["active"] and not before["active"] and not self.boot:
                self.systemctl("stop", unit)
            if now["enabled"] and not before["enabled"]:
                self.systemctl("disable", unit)

    def _undo_units(self, journal: Json) -> list[str]:
        troubles = []

        def attempt(*argv: str) -> None:
            done = self.systemctl(*argv)
            if done.code != 0:
                troubles.append(f"systemctl {' '.join(argv)}: {done.words()}")

        if journal["daemon_reload"]:
            attempt("daemon-reload")
        for unit, before in journal["units"].items():
            now = self.unit_state(unit)
            if now["enabled"] and not before["enabled"]:
                attempt("disable", unit)
            elif before["enabled"] and not now["enabled"]:
                attempt("enable", unit)
            if self.boot:
                continue  # the services start later in this boot, with the old files
            if before["active"] and not now["active"]:
                self.systemctl("reset-failed", unit)
                attempt("start", unit)
            elif before["active"]:
                if unit in journal["restart"] or not self.can_reload(unit):
                    self.systemctl("reset-failed", unit)
                    attempt("restart", unit)
                elif self.systemctl("reload", unit).code != 0:
                    attempt("restart", unit)
            else:
                # Also a unit that failed in between goes back to plain inactive.
                self.systemctl("stop", unit)
                self.systemctl("reset-failed", unit)
            if before.get("masked") and not now["masked"]:
                attempt(*_mask("mask", before["masked"]), unit)
        return troubles

    def finish(self, journal: Json) -> None:
        """Record a committed change and clean up; may be called again after it was cut off."""
        store = self.state / "bundles" / (journal["bundle"] + ".json")
        if journal["record"] is None:
            gone(store)
        else:
            write_state(store, json.dumps(journal["record"], sort_keys=True, indent=1))
        gone(self._unfinished(journal["bundle"]))
        for name, entries in journal["heirs"].items():
            heir = self.state / "bundles" / (name + ".json")
            record = cast(Json, json.loads(heir.read_text()))
            for path, before in entries:
                if before is None:
                    record["made_dirs"] = sorted({*record["made_dirs"], path})
                else:
                    record["dir_originals"][path] = before
            write_state(heir, json.dumps(record, sort_keys=True, indent=1))
        for target in journal["targets"]:
            if target["old"] is not None:
                gone(self.real(target["old"]))
        for path in journal["originals_done"]:
            gone(self._original(path))
        for unit in journal["unit_originals_done"]:
            gone(self._unit_original(unit))
        for path, before in journal["old_dirs"]:
            real = self.real(path)
            if before is None:
                with contextlib.suppress(OSError):  # a directory that is in use stays
                    real.rmdir()
            elif real.is_dir():
                own_directory(real, *before)
        sync_directory(store.parent)
        gone(self.journal_path)
        sync_directory(self.state)

    def recover_locked(self) -> bool:
        """Undo or finish by the journal, with the lock held; tell whether there was one."""
        if not self.journal_path.exists():
            self.settle_groups()
            return False
        journal = cast(Json, json.loads(self.journal_path.read_text()))
        if journal["phase"] == "committed":
            self.finish(journal)
            self.step("recover", f"{journal['bundle']}: a committed change was finished")
        else:
            words = self.undo(journal)
            self.step("recover", f"{journal['bundle']}: an unfinished change: {words}")
        self.settle_groups()
        return True

    def start_guardian(self) -> Callable[[], None]:
        """Fork the process that recovers when this one dies; return how to end it.

        The guardian inherits the lock, so that nobody gets in between.
        """
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(write)
                os.setsid()
                _ignore_signals()
                if os.read(read, 1) == b"":
                    self.recover_locked()
                code = 0
            except Exception as error:
                # The guardian has nobody to raise to: it says it, the next call recovers.
                self.warn(f"guardian: {error}")
            finally:
                os._exit(code)
        os.close(read)

        def end() -> None:
            with contextlib.suppress(BrokenPipeError):
                os.write(write, b".")
            os.close(write)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

        return end


def given(record: Json) -> str:
    """Return the digest of the manifest as it was given; empty when an old agent kept no trace."""
    text = record.get("text", "")
    return str(record.get("given") or (digest(text.encode()) if text else ""))


def _no_record(name: str, owner: str) -> Json:
    return {
        "bundle": name,
        "owner": owner,
        "sha": "",
        "applied": "",
        "packages": [],
        "directories": {},
        "files": {},
        "made": {},
        "assemble": {},
        "strays": [],
        "units": {},
        "groups": {},
        "undo": [],
        "compare": [],
        "creates": [],
        "made_dirs": [],
        "dir_originals": {},
    }


def _directories_of(record: Json) -> set[str]:
    """Return the directories that a bundle declares or has files in."""
    paths = (*record["files"], *record["made"], *record["assemble"])
    return {*record["directories"], *(str(up) for path in paths for up in Path(path).parents)}


def _asked(probe: Json) -> str:
    """The name of a probe in messages."""
    return str(probe.get("unit") or probe.get("tcp") or " ".join(probe.get("run", [])))


def _leaving_directories(
    old: Json, record: Json | None, others: dict[str, Json]
) -> tuple[list[list[Any]], dict[str, list[list[Any]]]]:
    """Return the directories to give up, deepest first, each with its attributes before.

    The second value says which of them other bundles still use and inherit.
    """
    kept = _directories_of(record) if record else set()
    entries: list[list[Any]] = [[path, None] for path in old["made_dirs"]]
    entries += [[path, was] for path, was in old["dir_originals"].items()]
    leaving: list[list[Any]] = []
    heirs: dict[str, list[list[Any]]] = {}
    for entry in sorted(entries, key=lambda item: str(item[0]), reverse=True):
        if entry[0] in kept:
            continue
        heir = next((name for name in others if entry[0] in _directories_of(others[name])), None)
        if heir is None:
            leaving.append(entry)
        else:
            heirs.setdefault(heir, []).append(entry)
        if record:
            record["made_dirs"] = [path for path in record["made_dirs"] if path != entry[0]]
            record["dir_originals"].pop(entry[0], None)
    return leaving, heirs


def _rolled_back(left: str, text: str) -> list[Json]:
    """Return the files that a rollback changed, from the state that was left to the present one."""
    if not left or not text:
        return []
    before, after = parse_manifest(left)["files"], parse_manifest(text)["files"]
    changed: list[Json] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if (old or {}).get("content") != (new or {}).get("content"):
            now = Want(data=(new or {}).get("content", "").encode())
            diff = unified((old or {}).get("content", ""), now)
            changed.append({"path": path, "what": "rolled back", "diff": diff})
    return changed


def _mask(verb: str, how: str) -> list[str]:
    return [verb, "--runtime"] if how == "masked-runtime" else [verb]


def _mark(want: Want) -> Json:
    return {
        "sha": digest(want.data),
        "link": want.link,
        "mode": want.mode,
        "ids": [want.uid, want.gid],
    }


def _ignore_signals() -> None:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _short(text: str) -> str:
    """Cut long lines: the engine's plug-in hangs for ever on one of 65,536 bytes or more."""
    lines = [
        line
        if len(line) <= LINE_LIMIT
        else f"{line[:LINE_LIMIT]} ... and {len(line) - LINE_LIMIT} characters more"
        for line in text.split("\n")
    ]
    return "\n".join(lines)


def _print(stream: Any, line: str) -> None:
    """Print a line; when nobody reads any more, the work goes on all the same.

    What is not UTF-8, such as a byte of a file's name, is written as an escape: the engine's
    plug-in makes a failure of a command that wrote anything else and succeeded.
    """
    line = line.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        with contextlib.suppress(OSError, ValueError):
            os.dup2(null, stream.fileno())
        os.close(null)


def _on_signal(number: int, _frame: object) -> None:
    _ignore_signals()
    raise Interrupted(f"stopped by signal {number}")


# Characters of a line of output; each is four bytes at most.
LINE_LIMIT = 4000
VERBS = ("apply", "remove", "rollback", "status", "recover", "install", "uninstall")
HEAL = re.compile(r"--heal [1-9][0-9]{0,11}\Z")
USAGE = (
    "usage: mx-agent apply [--heal N] < manifest | remove NAME | rollback NAME | status [NAME]"
    " | recover [--boot] | version | install | uninstall"
)


def main(argv: list[str], agent: Agent | None = None) -> int:
    """Run one verb; return the exit code."""
    if argv == ["_stage"]:
        return stage_main()
    agent = agent or Agent()
    verb, rest = (argv[0], argv[1:]) if argv else ("", [])
    try:
        if verb == "_resolvers_of_before" and rest:
            return with_resolvers_of_before(rest, agent)
        if verb == "version" and not rest:
            agent.say(f"mx-agent {VERSION}")
            return 0
        if verb not in VERBS:
            raise BadManifest(USAGE)
        if os.geteuid() != 0 and agent.root == Path("/"):
            raise Failure("mx-agent must run as root")
        os.umask(0o022)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _on_signal)
        signal.signal(signal.SIGINT, _on_signal)
        # A number only makes a call another one than the engine's state has.
        plain = not rest or bool(HEAL.match(" ".join(rest)))
        if verb == "apply" and plain:
            agent.apply(sys.stdin.buffer.read().decode("utf-8"))
        elif verb == "rollback" and len(rest) == 1:
            agent.rollback(rest[0])
        elif verb == "remove" and len(rest) == 1:
            agent.remove(rest[0])
        elif verb == "status" and len(rest) <= 1:
            # Whole, because a program reads it; the engine does not log it line by line.
            _print(sys.stdout, agent.redact(json.dumps(agent.status(*rest), indent=1)))
        elif verb == "recover" and rest in ([], ["--boot"]):
            agent.recover(boot=bool(rest))
        elif verb == "install" and not rest:
            agent.install_self()
        elif verb == "uninstall" and not rest:
            agent.uninstall()
        else:
            raise BadManifest(USAGE)
    except BadManifest as error:
        agent.warn(f"mx-agent: {error}")
        return 2
    except UnicodeDecodeError:
        agent.warn("mx-agent: manifest: not UTF-8")
        return 2
    except Failure as error:
        agent.warn(f"mx-agent: {error}")
        return 1
    except OSError as error:
        agent.warn(f"mx-agent: {explain(error, verb)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
