"""The TLS bundle takes the chain files from what issued them, and follows Postfix's own bundle."""

from __future__ import annotations

import json

import pulumi

from components.host import Bundle, Manifest, Seen
from components.host.component import Host
from components.services.postfix.tls import PostfixTls
from components.settings.environment import from_mapping
from tests.unit.test_settings import mapping

from .test_graph import _Mocks, _Recorder


def test_order_by_data_flow() -> None:
    recorder = _Recorder()
    pulumi.runtime.set_mocks(_Mocks(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        settings = from_mapping(mapping())
        host = Host("mx1", settings, Seen())

        def bundle(name: str) -> Bundle:
            manifest = Manifest(bundle=name, owner="mx/test")
            return Bundle(name, host.target, manifest, pulumi.ResourceOptions())

        issued, postfix = bundle("issued"), bundle("postfix")
        chain_files = issued.done(["/c/ecdsa.pem", "/c/rsa.pem"])
        after = [postfix.command]
        PostfixTls("mx1", settings, host, "mx/test", chain_files, after=after)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    request = recorder.requests["mx1-postfix-tls"]
    needs = {urn.rpartition("::")[2] for urn in request.dependencies}
    assert {"issued", "postfix"} <= needs
    files = json.loads(request.object["stdin"])["files"]
    server = files["/etc/postfix/main.cf.d/62-tls-server.cf"]["content"]
    assert "\nsmtpd_tls_chain_files = /c/ecdsa.pem, /c/rsa.pem\n" in server
