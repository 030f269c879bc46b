"""The lab's stack as an Ansible playbook: the same files, packages and units on the same hosts.

Written so that Ansible has the least work: facts are not gathered, one dpkg-query(1) asks for all
packages, files are copied, not templated, and connections are kept and pipelined.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIGURATION = """\
[defaults]
forks = 10
interpreter_python = /usr/bin/python3
retry_files_enabled = false
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={known_hosts}
"""


def manifests(deployment: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Host to its manifests, from `pulumi stack export`; secret ones are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in deployment["deployment"]["resources"]:
        text = resource.get("inputs", {}).get("stdin")
        if isinstance(text, str) and text.startswith("{"):
            manifest = json.loads(text)
            name = resource["urn"].rpartition("::")[2].removesuffix(f"-{manifest['bundle']}")
            found.setdefault(name, []).append(manifest)
    return found


def write(
    folder: Path,
    hosts: dict[str, list[dict[str, Any]]],
    addresses: dict[str, str],
    ssh: dict[str, str],
) -> None:
    """Write inventory, configuration, playbook and files. JSON is YAML."""
    tasks: list[dict[str, Any]] = [
        {
            "name": "packages",
            "ansible.builtin.command": "dpkg-query -W {{ packages | join(' ') }}",
            "check_mode": False,
            "changed_when": False,
        },
        {
            "name": "files",
            "ansible.builtin.copy": {
                key: "{{ item." + key + " }}" for key in ("src", "dest", "mode", "owner", "group")
            },
            "loop": "{{ files }}",
        },
        {
            "name": "units",
            "ansible.builtin.systemd_service": {
                "name": "{{ item }}",
                "state": "started",
                "enabled": True,
            },
            "loop": "{{ units }}",
        },
    ]
    (folder / "host_vars").mkdir()
    for host, bundles in hosts.items():
        files: list[dict[str, str]] = []
        for path, file in (item for bundle in bundles for item in bundle["files"].items()):
            source = folder / "files" / host / str(len(files))
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(file["content"])
            attributes = {key: file[key] for key in ("mode", "owner", "group")}
            files.append({"src": str(source), "dest": path, **attributes})
        variables = {
            "files": files,
            "packages": sorted(_all(bundles, "packages")),
            "units": sorted(_all(bundles, "units")),
        }
        (folder / "host_vars" / f"{host}.json").write_text(json.dumps(variables))
    play = {"hosts": "all", "strategy": "free", "gather_facts": False, "tasks": tasks}
    (folder / "site.yml").write_text(json.dumps([play], indent=1))
    login = f"ansible_user=root ansible_ssh_private_key_file={ssh['key']}"
    lines = [f"{host} ansible_host={addresses[host]} {login}" for host in hosts]
    (folder / "inventory").write_text("\n".join(lines) + "\n")
    (folder / "ansible.cfg").write_text(CONFIGURATION.format(known_hosts=ssh["known_hosts"]))


def _all(bundles: list[dict[str, Any]], key: str) -> set[str]:
    return {name for bundle in bundles for name in bundle.get(key, [])}
