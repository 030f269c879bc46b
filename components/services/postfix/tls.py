"""TLS of Postfix: three sections of main.cf, in a bundle of its own.

Stands after Certificates: the chain files named in main.cf must exist when Postfix reloads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.host import Bundle, File, Manifest
from components.host.component import Host
from components.services.postfix import main_cf as postfix_main
from components.services.postfix import tls_profiles
from components.services.postfix import tls_sections as postfix_tls
from components.services.postfix.component import ASSEMBLE, CHECK, DIRECTORY, UNIT
from components.settings.environment import Settings

_ANSWERS_STARTTLS = [
    *("openssl", "s_client", "-connect", "127.0.0.1:25", "-starttls", "smtp"),
    *("-brief", "-no_ign_eof"),
]


def manifest(settings: Settings, host: str, owner: str, chain_files: list[str]) -> Manifest:
    """What TLS adds to the host. `chain_files`: key and chain a file, in order of preference."""
    files = {
        f"{DIRECTORY}/main.cf.d/{name}": File(text)
        for name, text in postfix_main.tls_sections(settings, host, chain_files).items()
    }
    baseline = tls_profiles.openssl_cnf(tls_profiles.PROFILES[settings.postfix.tls.server_profile])
    directories: dict[str, dict[str, Any]] = {}
    if baseline is not None:
        directories["/etc/postfix/tls"] = {"mode": "0755", "owner": "root", "group": "root"}
        files[postfix_tls.OPENSSL_CNF] = File(baseline)
    return Manifest(
        bundle="postfix-tls",
        owner=owner,
        directories=directories,
        files=files,
        assemble=ASSEMBLE,
        check=CHECK,
        units={UNIT: {}},
        probe=[
            {"unit": UNIT},
            {"tcp": "127.0.0.1:25", "expect": "220 "},
            {"run": _ANSWERS_STARTTLS},
        ],
    )


class PostfixTls(pulumi.ComponentResource):
    """Creates: the bundle `postfix-tls`. Provides: `bundle`.

    `after`: the bundle `postfix`, whose main.cf it adds to.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        host: Host,
        owner: str,
        chain_files: pulumi.Output[list[str]],
        opts: pulumi.ResourceOptions | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        super().__init__("mx:host:PostfixTls", f"{name}-postfix-tls", None, opts)
        self.bundle = Bundle(
            f"{name}-postfix-tls",
            host.target,
            manifest(settings, name, owner, ["(known with the certificates)"]),
            pulumi.ResourceOptions(parent=self),
            depends_on=after,
            text=chain_files.apply(lambda files: manifest(settings, name, owner, files).text()),
        )
        self.register_outputs({})
