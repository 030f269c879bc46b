"""Reads strace's output: which paths processes wrote, made, renamed or changed as root.

Format: `strace -f -y -s 4096 -e trace=...`, one call a line after the process ID (strace(1)). A
process is root until it gives the effective user ID away (setresuid(2)), and its children begin
with what it had.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

# "?": strace 6.1 of Debian 12 does not know the call, and takes that only with this mark.
CALLS = (
    "open,openat,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,"
    "symlinkat,unlink,unlinkat,rmdir,chmod,fchmodat,?fchmodat2,chown,lchown,fchownat,truncate,"
    "setuid,setreuid,setresuid,chdir,fchdir,chroot,execve,clone,clone3,fork,vfork"
)
_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\w+)")
_WRITES = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC)")
_PATH = re.compile(r'(?:(AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
_FORKS = ("clone", "clone3", "fork", "vfork")


def _stays(call: str, arguments: str) -> bool:
    """Tell whether a call follows no link at the end of its path (path_resolution(7))."""
    if call.startswith("open"):
        return bool(re.search("O_NOFOLLOW|O_EXCL", arguments))
    return call not in ("creat", "chmod", "fchmodat", "chown", "fchownat", "truncate")


@dataclass
class _Process:
    uid: int = 0
    folder: str = "/"
    root: str = ""
    program: str = "?"


@dataclass
class Trace:
    """What was written by root: path to the programs that did it."""

    written: dict[str, set[str]] = field(default_factory=dict)
    _processes: dict[int, _Process] = field(default_factory=dict)
    _forking: list[int] = field(default_factory=list)

    def read(self, lines: Iterable[str]) -> None:
        """Take all lines in their order."""
        waiting: dict[str, str] = {}
        for line in lines:
            pid, _, rest = line.strip().partition(" ")
            rest = rest.strip()
            if rest.endswith("<unfinished ...>"):
                waiting[pid] = rest.removesuffix("<unfinished ...>").rstrip()
                if rest.partition("(")[0] in _FORKS:
                    self._forking.append(int(pid))
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
            if resumed:
                if int(pid) in self._forking:
                    self._forking.remove(int(pid))
                rest = waiting.pop(pid, "") + resumed[1].strip()
            found = _LINE.match(f"{pid} {rest}")
            if found and not found["result"].startswith("-"):
                self._call(int(pid), found["call"], found["arguments"], found["result"])

    def _process(self, pid: int) -> _Process:
        """A process; one that speaks before its parent's call has returned is that parent's."""
        if pid not in self._processes:
            parent = self._processes.get(self._forking[0]) if self._forking else None
            self._processes[pid] = replace(parent) if parent is not None else _Process()
        return self._processes[pid]

    def _call(self, pid: int, call: str, arguments: str, result: str) -> None:
        process = self._process(pid)
        if call in _FORKS:
            self._processes.setdefault(int(result), replace(process))
        elif call in ("setuid", "setreuid", "setresuid"):
            ids = [each.strip() for each in arguments.split(",")]
            effective = ids[0] if call == "setuid" else ids[1]
            if effective != "-1":
                process.uid = int(effective)
        elif call == "execve":
            words = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
            process.program = " ".join(words[1:4])[:90]
        else:
            self._path(process, call, arguments, result)

    def _path(self, process: _Process, call: str, arguments: str, result: str) -> None:
        paths = [
            process.root + posixpath.join(folder or process.folder, path)
            for _, folder, path in _PATH.findall(arguments)
        ]
        if call == "chdir":
            process.folder = paths[0].removeprefix(process.root)
        elif call == "chroot":
            process.root, process.folder = paths[0].rstrip("/"), "/"
        elif process.uid == 0 and (not call.startswith("open") or _WRITES.search(arguments)):
            if call.startswith("symlink"):
                paths = paths[-1:]
            for path in map(posixpath.normpath, paths):
                # Only the way to its directory can be led astray.
                where = posixpath.dirname(path) if _stays(call, arguments) else path
                self.written.setdefault(where, set()).add(process.program)


EXCEPTIONS = {
    "/var/lib/apt/lists/partial": "apt(8) gives it to _apt, who downloads there; apt checks the "
    "signature of what it moves out of it",
    "/var/cache/apt/archives/partial": "apt(8) gives it to _apt, who downloads there; apt checks "
    "the digest of what it moves out of it",
    "/run/systemd/netif": "systemd-tmpfiles(8) makes it for systemd-network at boot, and follows "
    "no path from an unprivileged user's directory to another user's",
}
"""Directories that a package gives away by design and works in as root, and why that holds."""

# Printed: each path below a directory that somebody else than root may change, and that directory.
FOREIGN = """
import os, stat, sys
def foreign(path):
    while path not in ("", "/"):
        path = os.path.dirname(path)
        try:
            found = os.stat(path)
        except OSError:
            continue
        mode = found.st_mode
        others = mode & stat.S_IWOTH or mode & stat.S_IWGRP and found.st_gid
        if found.st_uid or others and not mode & stat.S_ISVTX:
            return path
for line in sys.stdin:
    path = line.rstrip(chr(10))
    if not path.startswith(("/proc/", "/sys/", "/dev/")) and foreign(path):
        print(path, foreign(path), sep=chr(9))
"""


def foreign(ssh: Callable[[str, str], str], host: str, trace: Trace) -> list[str]:
    """What root wrote below directories that others may change: path, directory, programs."""
    listed = "\n".join(sorted(trace.written))
    program = shlex.join(["python3", "-c", FOREIGN])
    found = ssh(host, f"{program} <<'END'\n{listed}\nEND").splitlines()
    told = []
    for line in found:
        path, _, folder = line.partition("\t")
        if folder in EXCEPTIONS:
            continue
        told.append(f"{path} (below {folder}): {', '.join(sorted(trace.written[path]))}")
    return told
