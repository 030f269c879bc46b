"""One call of the agent on some hosts, all at once, over OpenSSH (ask.sh)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from components.host.target import address_of, host_key_of
from components.settings.environment import Settings

SCRIPT = Path(__file__).resolve().parent / "ask.sh"
NOT_REACHED, NO_AGENT = 255, 127


def environment(settings: Settings, keys: Iterable[str], verb: str = "status") -> dict[str, str]:
    """The variables that the script reads. Raises pulumi.RunError when a host's key is unknown."""
    ssh = settings.ssh
    sudo = "-" if ssh.user == "root" else "sudo"
    lines = [
        f"{key} {address_of(settings.hosts[key])} {ssh.port} {ssh.user} {sudo} "
        f"{host_key_of(key, settings)}"
        for key in keys
    ]
    key_file = str(Path(ssh.private_key_file).expanduser()) if ssh.private_key_file else ""
    return {"MX_HOSTS": "\n".join(lines), "MX_KEY_FILE": key_file, "MX_VERB": verb}


def at(settings: Settings, addresses: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The variables for connections to certain addresses: name to host and address.

    The key that is expected there is that of the host. What is called is given as MX_CALL.
    """
    variables = environment(settings, ())
    lines = [
        f"{name} {address} {settings.ssh.port} {settings.ssh.user} - {host_key_of(key, settings)}"
        for name, (key, address) in addresses.items()
    ]
    return variables | {"MX_HOSTS": "\n".join(lines)}


def parse(text: str) -> dict[str, tuple[int, str, str]]:
    """Exit code, stdout and stderr of every host from what the script prints."""
    found: dict[str, tuple[int, list[str], list[str]]] = {}
    key = ""
    # A host's own words end at newline bytes only, so that none can speak for another one.
    for line in text.removesuffix("\n").split("\n") if text else []:
        kind, _, rest = line.partition("\t")
        if kind == "out":
            found[key][1].append(rest)
        elif kind == "err":
            found[key][2].append(rest)
        else:
            _, key, code = line.split(" ")
            found[key] = (int(code), [], [])
    return {key: (code, "\n".join(out), "\n".join(err)) for key, (code, out, err) in found.items()}
