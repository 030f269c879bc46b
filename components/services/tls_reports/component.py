"""TLS reports (RFC 8460): a collector that Postfix tells of its TLS sessions, and a reporter.

Stands after Postfix, whose queue directory and group the collector's socket needs, and before
PostfixTls, which names the socket. Mail goes its way without it.
"""

from __future__ import annotations

import base64
import bz2
import functools
import json
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path

from components.host.manifest import (
    Build,
    Check,
    Directory,
    File,
    Manifest,
    RunProbe,
    Step,
    Unit,
    UnitProbe,
)
from components.services.service import Service, Site
from components.services.tls_reports import units as tls_reports
from components.settings.environment import Settings

_FILES = Path(__file__).resolve().parent / "files"
_PACKAGE = "/usr/local/lib/mx/mx_tls_reports"
_PACK = "/usr/local/lib/mx/tlsrpt.pack"
_MODULES = (
    *("__init__", "config", "mapping", "plugins", "randpool"),
    *("tlsrpt", "tlsrpt_collectd", "tlsrpt_fetcher", "utility"),
)


def program() -> dict[str, str]:
    """The files of tlsrpt-reporter that a host needs, from this Python environment.

    requirements.lock has the package's digest, so that hosts need not ask a registry. Raises
    ModuleNotFoundError where it is not installed.
    """
    source = resources.files("tlsrpt_reporter")
    found = {
        f"tlsrpt_reporter/{name}.py": source.joinpath(f"{name}.py").read_text(encoding="utf-8")
        for name in _MODULES
    }
    # The collector finds its own storage by the entry points of the installed package.
    installed = metadata.distribution("tlsrpt-reporter")
    entries = f"tlsrpt_reporter-{installed.version}.dist-info/entry_points.txt"
    return found | {entries: installed.read_text("entry_points.txt") or ""}


@functools.cache
def _program_pack() -> str:
    """The pack of this environment's program, which is the same for each host of a run."""
    return pack(program())


def pack(files: Mapping[str, str]) -> str:
    """The files as a text a quarter of their size: the engine's state has a manifest twice.

    bzip2, whose output is the same everywhere; that of deflate depends on the library.
    """
    return base64.encodebytes(bz2.compress(json.dumps(files, sort_keys=True).encode())).decode()


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """Both services. Raises ValueError without `tlsReports` in the settings."""
    both = (tls_reports.COLLECTD, tls_reports.REPORTD)
    reportd = (tls_reports.REPORTD,)
    found = program()
    made = [f"{tls_reports.LIBRARY}/{name}" for name in sorted(found)]
    modules = sorted((_FILES / _PACKAGE.lstrip("/")).glob("*.py"))
    files = {f"{_PACKAGE}/{each.name}": File(each.read_text(), restart=reportd) for each in modules}
    system = "/etc/systemd/system"
    files |= {
        _PACK: File(_program_pack(), restart=both),
        tls_reports.CONFIG: File(tls_reports.config(settings), restart=both),
        f"{system}/{tls_reports.COLLECTD}": File(
            tls_reports.COLLECTD_SERVICE, restart=(tls_reports.COLLECTD,)
        ),
        f"{system}/{tls_reports.REPORTD}": File(
            tls_reports.reportd_service(settings, host), restart=reportd
        ),
    }
    library = {"/usr/local/lib/mx", _PACKAGE, tls_reports.LIBRARY}
    library |= {str(Path(path).parent) for path in made}
    return Manifest(
        bundle="tls-reports",
        owner=owner,
        packages=["curl"],
        directories={
            "/etc/mx": Directory(),
            **{path: Directory() for path in library},
            str(Path(tls_reports.SOCKET).parent): Directory("0770", group="postfix"),
        },
        files=files,
        build=[
            Build(
                ["/usr/bin/python3", "-I", f"{_PACKAGE}/unpack.py", _PACK, tls_reports.LIBRARY],
                makes=made,
            )
        ],
        # Whether this host's Python can run it.
        check=[
            Check(
                [
                    *("env", f"PYTHONPATH={tls_reports.PYTHONPATH}", "/usr/bin/python3", "-P"),
                    *("-B", "-m", "mx_tls_reports.reportd"),
                    *(settings.hosts[host].hostname, "--help"),
                ]
            )
        ],
        units={tls_reports.COLLECTD: Unit(), tls_reports.REPORTD: Unit()},
        undo=[
            Step(["systemctl", "stop", *both]),
            # The second is a link to the first, because of DynamicUser=.
            Step(["rm", "-rf", "/var/lib/private/mx-tlsrpt", tls_reports.STATE]),
        ],
        probe=[
            UnitProbe(tls_reports.COLLECTD),
            UnitProbe(tls_reports.REPORTD),
            RunProbe(["test", "-S", tls_reports.SOCKET]),
        ],
    )


class TlsReports(Service):
    """Creates: the bundle `tls-reports`, after Postfix. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:TlsReports", "tls-reports"
    AFTER = ("postfix",)
    UNITS = (tls_reports.COLLECTD, tls_reports.REPORTD)
    MANUAL = "TlsReports"
    SETTINGS = "tlsReports"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the settings ask this host, whose Postfix must be able to, for TLS reports."""
        return tls_reports.used(settings, host)

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        return [manifest(site.settings, site.key, site.owner)]
