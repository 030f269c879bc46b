"""Files for Prometheus, its blackbox exporter and Alertmanager, from a stack's outputs."""

from __future__ import annotations

import re
from typing import Any

from components.stack.outputs import Endpoint, Outputs

BLACKBOX = "127.0.0.1:9115"
"""Where Debian's blackbox exporter listens."""


def targets(outputs: Outputs, stack: str, resolver: str) -> dict[str, list[dict[str, Any]]]:
    """File name to target groups, as file_sd reads them; an empty job has a file too.

    Each target has the label `stack`: hosts of several stacks may have the same name. `resolver`
    is the address of the resolver that the DNS probes ask.
    """
    node = [
        {
            "targets": [each.address],
            "labels": {"host": each.host, "hostname": outputs.mx_hosts[each.host].hostname},
        }
        for each in outputs.scrape_targets
    ]
    smtp = [_probe(each, "smtp_banner") for each in outputs.endpoints]
    starttls = [
        _probe(each, f"smtp_starttls_{each.host}") for each in outputs.endpoints if each.start_tls
    ]
    policy = [
        {"targets": [each.url], "labels": {"domain": each.domain, "module": "mta_sts_policy"}}
        for each in outputs.policies
    ]
    dns = [
        {
            "targets": [resolver],
            "labels": {"domain": domain, "hostname": name, "module": _mx_module(domain, name)},
        }
        for domain, names in outputs.mail_domains.items()
        for name in names
    ]
    found = {
        "node.json": node,
        "smtp.json": smtp,
        "starttls.json": starttls,
        "policy.json": policy,
        "dns.json": dns,
    }
    for groups in found.values():
        for group in groups:
            labels = group["labels"]
            if "module" in labels:
                labels["module"] = module(stack, labels["module"])
            group["labels"] = {"stack": stack, **labels}
    return found


def module(stack: str, name: str) -> str:
    """A module of the blackbox exporter, named so that it stands beside those of others."""
    return f"mx_{stack}_{name}"


def _mx_module(domain: str, hostname: str) -> str:
    return f"dns_mx_{domain}_{hostname}"


def _probe(endpoint: Endpoint, module: str) -> dict[str, Any]:
    labels = {"host": endpoint.host, "hostname": endpoint.hostname, "module": module}
    return {"targets": [endpoint.address], "labels": labels}


def configuration(stack: str, blackbox: str) -> dict[str, Any]:
    """prometheus.yml: an example that runs as it is, for a server that has no other."""
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": ["rules.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}],
        },
        **scraping(stack, blackbox),
    }


def scraping(stack: str, blackbox: str) -> dict[str, Any]:
    """The jobs alone, for `scrape_config_files` of a server that has others (Prometheus 2.43).

    A server refuses two jobs of one name, so a job has the stack in its name; rules and panels know
    the label `job`, which is the same for all stacks. `blackbox` is the exporter's address.
    """
    return {
        "scrape_configs": [
            _job(stack, "node", []),
            *(_blackbox(stack, job, blackbox) for job in ("smtp", "starttls", "policy", "dns")),
        ]
    }


def _job(stack: str, job: str, relabel: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "job_name": f"mx-{stack}-{job}",
        "file_sd_configs": [{"files": [f"targets/{job}.json"]}],
        "relabel_configs": [{"target_label": "job", "replacement": f"mx-{job}"}, *relabel],
    }


def _blackbox(stack: str, job: str, blackbox: str) -> dict[str, Any]:
    """A job whose probes run in the blackbox exporter; a target's label names its module."""
    relabel: list[dict[str, Any]] = [
        {"source_labels": ["module"], "target_label": "__param_module"},
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": blackbox},
    ]
    return {**_job(stack, job, relabel), "metrics_path": "/probe"}


def blackbox(outputs: Outputs, stack: str, ca_file: str | None) -> dict[str, Any]:
    """blackbox.yml. `ca_file`: a root that is not in the system's store."""
    tls: dict[str, Any] = {"ca_file": ca_file} if ca_file else {}
    quit_politely = [{"send": "QUIT"}, {"expect": "^221 "}]
    modules: dict[str, Any] = {
        "smtp_banner": {
            "prober": "tcp",
            "timeout": "10s",
            "tcp": {"query_response": [{"expect": "^220 "}, *quit_politely]},
        },
        "mta_sts_policy": {
            "prober": "http",
            "timeout": "15s",
            "http": {
                "fail_if_not_ssl": True,
                # RFC 8461 section 3.3: a redirect is a failure.
                "follow_redirects": False,
                "fail_if_body_not_matches_regexp": ["version: *STSv1"],
                **({"tls_config": tls} if tls else {}),
            },
        },
    }
    for key, host in outputs.mx_hosts.items():
        modules[f"smtp_starttls_{key}"] = {
            "prober": "tcp",
            "timeout": "15s",
            "tcp": {
                "tls_config": {"server_name": host.hostname, **tls},
                "query_response": [
                    {"expect": "^220 "},
                    {"send": "EHLO blackbox.invalid"},
                    {"expect": "^250-STARTTLS"},
                    {"send": "STARTTLS"},
                    {"expect": "^220 "},
                    {"starttls": True},
                    *quit_politely,
                ],
            },
        }
    for domain, names in outputs.mail_domains.items():
        for name in names:
            modules[_mx_module(domain, name)] = _mx_records(domain, name, names)
    return {"modules": {module(stack, name): each for name, each in modules.items()}}


def _mx_records(domain: str, hostname: str, names: list[str]) -> dict[str, Any]:
    """A module that wants this host among the MX records of a domain, and no strange one."""
    ours = "|".join(re.escape(name) for name in names)
    return {
        "prober": "dns",
        "timeout": "10s",
        "dns": {
            "query_name": domain,
            "query_type": "MX",
            "validate_answer_rrs": {
                # "None" asks for one of all the answers, "not" for each of them.
                "fail_if_none_matches_regexp": [rf"\sMX\s[0-9]+ {re.escape(hostname)}\.$"],
                "fail_if_not_matches_regexp": [rf"\sMX\s[0-9]+ ({ours})\.$"],
            },
        },
    }


def alertmanager() -> dict[str, Any]:
    """alertmanager.yml, an example: by webhook, never by the mail system that may be down."""
    return {
        "route": {
            "receiver": "on-call",
            "group_by": ["alertname", "stack", "host"],
            "group_wait": "10s",
            "repeat_interval": "4h",
            "routes": [{"matchers": ['severity="warning"'], "receiver": "office-hours"}],
        },
        # A host that is down explains its own silence.
        "inhibit_rules": [
            {
                "source_matchers": ['alertname="MxHostDown"'],
                "target_matchers": ['alertname=~"MxSmtpDown|MxCollectorStale"'],
                "equal": ["stack", "host"],
            }
        ],
        "receivers": [
            {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:9099/{name}"}]}
            for name in ("on-call", "office-hours")
        ],
    }
