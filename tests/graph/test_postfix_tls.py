"""The TLS bundle takes the chain files from what issued them, and follows Postfix's own bundle."""

from __future__ import annotations

import json

import pulumi

from components.dns.api import DnsApi
from components.host import Bundle, Manifest, Seen
from components.host.component import Host
from components.mail_exchanger import manifests_of
from components.services.certificates.component import Certificates
from components.services.postfix_tls.component import PostfixTls
from components.services.service import Place
from components.services.tls_reports.component import TlsReports
from components.settings.environment import from_mapping
from tests.support.graph import Answers, Recorder
from tests.support.mapping import mapping


def test_order_by_data_flow() -> None:
    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        settings = from_mapping(mapping())
        host = Host("mx1", settings, Seen(), manifests_of(settings, "mx1", "mx/test")[0])

        def bundle(name: str) -> Bundle:
            manifest = Manifest(bundle=name, owner="mx/test")
            return Bundle(name, host.target, manifest, pulumi.ResourceOptions())

        class Issued(Certificates):
            def make(self) -> None:
                self.bundle = bundle("issued")
                self.chain_files = self.bundle.done(["/c/ecdsa.pem", "/c/rsa.pem"])

        class Reports(TlsReports):
            def make(self) -> None:
                self.bundle = bundle("tls-reports")

        place = Place("mx1", settings, "mx/test", (), host, DnsApi(None, {}))
        for service in (Reports, Issued, PostfixTls):
            service(place, pulumi.ResourceOptions())

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    request = recorder.requests["mx1-postfix-tls"]
    needs = {urn.rpartition("::")[2] for urn in request.dependencies}
    assert {"issued", "tls-reports"} <= needs
    files = json.loads(request.object["stdin"])["files"]
    server = files["/etc/postfix/main.cf.d/62-tls-server.cf"]["content"]
    assert "\nsmtpd_tls_chain_files = /c/ecdsa.pem, /c/rsa.pem\n" in server
