"""All that the program writes from a stack file, as texts by a name that says the language."""

from __future__ import annotations

import json
from pathlib import Path

from components.agent.manifest import parse_manifest
from components.dns.records import Facts, records
from components.host import ask
from components.host.contents import files
from components.mail_exchanger import manifests_of as manifests
from components.services.mta_sts.policy import policy_id
from components.settings import given_files, recipient_files
from components.settings.environment import Settings
from components.stack import outputs
from tests.long.fuzz.document import FILES
from tools.monitoring.__main__ import files as monitoring


def lay_files(folder: Path, changed: dict[str, str] | None = None) -> None:
    """Write the files that the document names, and have the settings read them there."""
    given_files.BASE = folder
    recipient_files._parse.cache_clear()
    for name, text in (FILES | (changed or {})).items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))


def texts(settings: Settings) -> dict[str, str]:
    """Everything, by `host:path` or by what it is. Raises what the program raises."""
    found: dict[str, str] = {}
    for host in settings.hosts:
        bundles = manifests(settings, host, "mx/fuzz")
        for each in bundles:
            parse_manifest(each.text())
            # What is called on the host, apart from the files.
            rest = {key: value for key, value in each.document().items() if key != "files"}
            found[f"{host}:{each.bundle}.manifest.json"] = json.dumps(rest)
        found |= {f"{host}:{path}": text for path, text in files(bundles).items()}
    ids = {
        name: policy_id(settings, name)
        for name, domain in settings.domains.items()
        if domain.mta_sts is not None
    }
    keys = {key: host.host_key for key, host in settings.hosts.items() if host.host_key}
    table = records(settings, Facts(host_keys=keys, sts_ids=ids))
    found["records"] = json.dumps(
        [
            [each.key, each.zone, each.name, each.type, each.content or dict(each.data or {})]
            for each in table
        ]
    )
    told = outputs.outputs(settings)
    found["outputs.json"] = json.dumps(outputs.plain(told))
    if settings.monitoring is not None:
        found |= {
            f"monitoring:{k}": text for k, text in monitoring(told, "fuzz", "https://x").items()
        }
    found["ssh"] = ask.environment(settings, settings.hosts)["MX_HOSTS"]
    return found
