"""Records wait for what they promise, and keys are announced before others go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pytest

from components.settings.environment import from_mapping
from tests.support.graph import Answers, Recorder
from tests.support.mapping import KEY, mapping


class _Part(pulumi.CustomResource):
    def __init__(self, name: str) -> None:
        super().__init__("test:index:Part", name, {})


def graph(
    tls: bool = True, leaving: Sequence[str] = (), former: Mapping[str, str] | None = None
) -> dict[str, Any]:
    from components.dns.component import Dns
    from components.dns.serving import Serving

    recorder = Recorder()
    pulumi.runtime.set_mocks(Answers(), project="mx", stack="test", monitor=recorder)

    def program() -> None:
        values = mapping()
        values["dns"] |= {
            "signedZones": ["example.test"],
            "sshfp": True,
            "caa": {"issue": ["ca.test"]},
            "records": {
                "spf": "v=spf1 mx -all",
                "dmarc": "v=DMARC1; p=reject",
                "tlsRpt": "v=TLSRPTv1; rua=mailto:alice@example.test",
            },
        }
        values["domains"]["example.test"]["leavingMx"] = list(leaving)
        serving = {
            key: Serving(
                _Part(f"{key}-mail"),
                KEY,
                tls=_Part(f"{key}-tls") if tls else None,
                policy=_Part(f"{key}-policy"),
                agent=_Part(f"{key}-agent"),
                keys={"ecdsa-a": pulumi.Output.from_input("AB" * 32)},
            )
            for key in values["hosts"]
        }
        Dns("dns", from_mapping(values), serving, sts_ids={"example.test": "1"}, former=former)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder.requests


@pytest.fixture(scope="module")
def requests() -> dict[str, Any]:
    return graph()


def needs(request: Any) -> set[str]:
    return {urn.rpartition("::")[2] for urn in request.dependencies}


def test_each_promise_waits_for_the_hosts_that_keep_it(requests: dict[str, Any]) -> None:
    assert needs(requests["dns-mx-example.test-mx1"]) >= {"mx1-mail", "mx1-tls"}
    assert needs(requests["dns-tlsa-mx1-ecdsa-a"]) == {"mx1-tls"}
    both = {"mx1-policy", "mx2-policy", "mx1-tls", "mx2-tls"}
    addresses = {"dns-sts-a-example.test-mx1", "dns-sts-a-example.test-mx2"}
    assert needs(requests["dns-sts-example.test"]) == both | addresses
    assert needs(requests["dns-sts-a-example.test-mx2"]) == {"mx2-policy", "mx2-tls"}
    assert needs(requests["dns-a-mx1"]) == {"mx1-agent"}
    assert needs(requests["dns-sshfp-mx2"]) == needs(requests["dns-spf-mx2"]) == {"mx2-agent"}
    assert needs(requests["dns-tlsrpt-mx2"]) == needs(requests["dns-caa-mx2-issuewild"])


def test_what_judges_a_domains_mail_comes_after_its_mx(requests: dict[str, Any]) -> None:
    both = {"dns-mx-example.test-mx1", "dns-mx-example.test-mx2"}
    for kind in ("spf", "dmarc", "tlsrpt"):
        assert needs(requests[f"dns-{kind}-example.test"]) == both


def test_an_id_waits_for_the_host_that_leaves_and_still_serves_the_former_policy() -> None:
    requests = graph(leaving=["mx2"])
    assert "dns-sts-a-example.test-mx2" not in requests
    assert needs(requests["dns-sts-example.test"]) >= {"mx1-policy", "mx2-policy", "mx2-tls"}


def test_an_mx_waits_until_every_host_serves_the_policy_and_its_id_is_announced(
    requests: dict[str, Any],
) -> None:
    assert "dns-sts-example.test" in needs(requests["dns-mx-example.test-mx1"])
    assert "dns-sts-example.test" in needs(requests["dns-mx-example.test-mx2"])


def test_a_changed_key_is_a_new_record_before_the_old_one_goes(requests: dict[str, Any]) -> None:
    request = requests["dns-tlsa-mx1-ecdsa-a"]
    assert list(request.replaceOnChanges) == ["data"]
    assert not request.deleteBeforeReplace
    # The record of the same key had another name before keys could be rolled over.
    assert "dns-tlsa-mx1-ecdsa-current" in [alias.spec.name for alias in request.aliases]


def test_no_key_is_announced_that_nothing_serves() -> None:
    assert not [name for name in graph(tls=False) if "tlsa" in name]


def test_a_policy_that_becomes_a_cname_goes_first_and_one_in_another_zone_last() -> None:
    """No other record stands beside a CNAME; in another zone nothing is in the way."""
    zone = mapping()["dns"]["zones"]["example.test"]
    for former, first in ((zone, True), ("f" * 32, False)):
        requests = graph(former=dict.fromkeys(("sts-example.test", "mx-example.test-mx1"), former))
        assert requests["dns-sts-example.test"].deleteBeforeReplace is first
        assert not requests["dns-mx-example.test-mx1"].deleteBeforeReplace
