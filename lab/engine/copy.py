"""CopyToRemote of the stand-in for the command plug-in: one file or text asset, over SFTP.

Written from the documented behaviour and the source of 1.2.1; no recorded answers exist for it.
Directories and archives are refused. As in the original: nothing is deleted, the file is written
in place, and an update copies only when the asset's digest or the path on the host changed.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paramiko

from lab.engine.command_result import CommandError
from lab.engine.plugin import SIG_KEY, plain
from lab.engine.ssh import Connection

ASSET_SIG = "c44067f5952c0a294b673a41bacd8c17"


def is_asset(value: Any) -> bool:
    """Whether a property value is an asset."""
    return isinstance(value, Mapping) and value.get(SIG_KEY) == ASSET_SIG


def refusal(inputs: Mapping[str, Any]) -> tuple[str, str] | None:
    """The property that the stand-in does not serve and why, or None."""
    for key in ("connection", "source", "remotePath"):
        if inputs.get(key) is None:
            return key, f"Missing required field '{key}' on 'command:remote:CopyToRemote'"
    asset = plain(inputs["source"])
    if not is_asset(asset) or not (asset.get("path") or asset.get("text") is not None):
        return "asset", "the stand-in serves path-based file assets and text assets only"
    return None


def needed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an update copies: a host that changed is no reason."""
    was, now = plain(old["source"]), plain(new["source"])
    return bool(was.get("hash") != now.get("hash") or old["remotePath"] != new["remotePath"])


def copy(connection: Connection, inputs: Mapping[str, Any]) -> None:
    """Write the asset to its place on the host."""
    asset, target = plain(inputs["source"]), str(plain(inputs["remotePath"]))
    if asset.get("path"):
        try:
            data = Path(asset["path"]).read_bytes()
        except OSError as error:
            text = f"open {asset['path']}: {(error.strerror or '').lower()}"
            raise CommandError(text) from error
    else:
        data = str(asset["text"]).encode()
    client = connection.sftp()
    try:
        if _is_directory(client, target):
            target = posixpath.join(target, posixpath.basename(asset.get("path") or ""))
        with client.open(target, "wb") as stream:
            stream.set_pipelined(True)
            stream.write(data)
    except (OSError, paramiko.SSHException) as error:
        raise CommandError(f"failed to create remote file {target}: {error}") from error
    finally:
        client.close()


def _is_directory(client: paramiko.SFTPClient, path: str) -> bool:
    try:
        mode = client.stat(path).st_mode
    except FileNotFoundError:
        return False
    return mode is not None and stat.S_ISDIR(mode)
