"""Updates of Debian's packages: what a host sees waiting, and when it installs by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.mail_exchanger import SERVICES
from components.services.service import Site
from components.services.updates import apt, component
from components.settings.environment import Settings, SettingsError, from_mapping
from tests.support.mapping import mapping
from tests.support.programs import host_program
from tests.support.stacks import ROOT

PROGRAM = ROOT / "components/services/updates/files/usr/local/lib/mx/mx_updates.py"
PRINTED = """\
Inst passwd [1:4.17.4-2] (1:4.17.4-2+deb13u1 Debian-Security:13/stable-security [amd64])
Inst libk5 [1.21.3-5] (1.21.3-5+deb13u2 Debian-Security:13/stable-security [amd64]) [libk5:amd64 ]
Inst linux-image-6.12.9 (6.12.9 Debian-Security:13/stable-security, Debian:13 [amd64])
Inst tzdata [2025a] (2025b Debian:13.2/stable, Debian:13-updates/stable-updates [all])
Conf passwd (1:4.17.4-2+deb13u1 Debian-Security:13/stable-security [amd64])
"""
MAPS = "7f0000-7f1000 {} 00001000 fe:01 1234   {}\n"


@pytest.fixture(scope="module")
def program() -> Any:
    return host_program(PROGRAM)


def settings(**updates: Any) -> Settings:
    return from_mapping(mapping() | {"updates": updates})


def another_repository() -> Settings:
    source = {"url": "https://apt.example.test/x", "keyFile": "key.asc", "fingerprint": "A" * 40}
    own = {"updates": {"unattended": True, "mailPath": True}}
    return from_mapping(mapping() | own | {"spamFilter": {"source": source}})


def test_security_updates_are_told_from_others(program: Any) -> None:
    assert program.pending(PRINTED) == (["libk5", "linux-image-6.12.9", "passwd"], 1)
    assert program.pending("") == ([], 0)


def test_update_from_the_repository_of_the_settings_counts_as_one_for_security(
    program: Any,
) -> None:
    printed = PRINTED + "Inst rspamd [3.12.1-1] (4.1.5-1 Rspamd:trixie [amd64])\n"
    assert program.pending(printed) == (["libk5", "linux-image-6.12.9", "passwd"], 2)
    assert program.pending(printed, ["rspamd"])[0][-1] == "rspamd"
    assert "mx_updates.py\n" in apt.service(settings())
    assert "mx_updates.py rspamd\n" in apt.service(another_repository())


def test_nothing_of_another_repository_is_installed_by_itself() -> None:
    plain = settings(unattended=True, mailPath=True)
    assert apt.config(another_repository(), ["rspamd"]) == apt.config(plain, ["rspamd"])


@pytest.mark.parametrize(
    ("permissions", "path", "expected"),
    [
        ("r-xp", "/usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)", True),
        ("r-xp", "/usr/sbin/nginx (deleted)", True),
        ("r-xp", "/usr/sbin/nginx", False),
        ("rw-s", "/dev/zero (deleted)", False),
        ("r-xp", "/memfd:code (deleted)", False),
        ("r--p", "/usr/share/locale/C (deleted)", False),
    ],
)
def test_a_process_that_runs_replaced_code(
    program: Any, permissions: str, path: str, expected: bool
) -> None:
    assert program.replaced(MAPS.format(permissions, path)) is expected


def test_units_of_replaced_code_are_named_once_and_logins_not(program: Any, tmp_path: Path) -> None:
    old = MAPS.format("r-xp", "/usr/lib/libssl.so.3 (deleted)")
    for pid, maps, cgroup in (
        (1, old, "0::/init.scope"),
        (20, old, "0::/system.slice/nginx.service"),
        (21, old, "0::/system.slice/nginx.service"),
        (22, "", "0::/system.slice/unbound.service"),
        (23, old, "0::/user.slice/user-0.slice/session-4.scope"),
    ):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "maps").write_text(maps)
        (tmp_path / str(pid) / "cgroup").write_text(cgroup + "\n")
    (tmp_path / "24").mkdir()  # it ended while it was looked at
    assert program.restarts(tmp_path) == ["init.scope", "nginx.service"]


@pytest.mark.parametrize(
    ("installed", "running", "expected"),
    [
        (["6.12.9+deb13-amd64", "6.12.10+deb13-amd64"], "6.12.9+deb13-amd64", True),
        (["6.12.9+deb13-amd64"], "6.12.10+deb13-amd64", False),
        (["6.12.9+deb13-amd64"], "6.12.9+deb13-amd64", False),
        ([], "6.12.9+deb13-amd64", False),
    ],
)
def test_an_older_kernel_than_the_installed_one_runs(
    program: Any, installed: list[str], running: str, expected: bool
) -> None:
    assert program.newer(installed, running) is expected


def test_waiting_is_counted_from_its_beginning(program: Any) -> None:
    former = {"since": {"security": 100, "reboot": 50}}
    assert program.since(former, {"security": True, "restart": True, "reboot": False}, 200) == {
        "security": 100,
        "restart": 200,
    }


def test_nothing_is_installed_unless_it_is_chosen() -> None:
    wanted = component.manifest(settings(), "mx1", "me")
    assert "Unattended" not in wanted.files[apt.CONFIG].content
    assert wanted.packages == []
    assert not any("apt-daily-upgrade" in path for path in [*wanted.files, *wanted.units])


def test_windows_of_two_hosts_never_meet() -> None:
    chosen = settings(unattended=True, firstAt="23:30", windowMinutes=45)
    begins = [chosen.updates.begins(host, chosen.hosts) for host in ("mx1", "mx2")]
    assert begins == ["23:30", "00:15"]
    files = component.manifest(chosen, "mx2", "me").files
    system = "/etc/systemd/system/apt-daily-upgrade"
    assert "OnCalendar=\nOnCalendar=*-*-* 00:15:00 UTC\n" in (
        files[f"{system}.timer.d/mx.conf"].content
    )
    # Ended, the time for its last package included, before the next window.
    text = files[f"{system}.service.d/mx.conf"].content
    assert "TimeoutStartSec=30min\nTimeoutStopSec=14min\n" in text


def test_windows_that_fill_more_than_a_day_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"updates\.windowMinutes: 2 windows of 721"):
        from_mapping(mapping() | {"updates": {"unattended": True, "windowMinutes": 721}})


@pytest.mark.parametrize("chosen", [False, True])
def test_packages_of_the_mail_path_only_where_chosen(chosen: bool) -> None:
    text = component.manifest(
        settings(unattended=True, mailPath=chosen), "mx1", "me", ["nginx", "postfix"]
    )
    kept = text.files[apt.CONFIG].content
    assert ('Unattended-Upgrade::Package-Blacklist { "postfix"; };' in kept) is not chosen


def test_every_package_with_a_service_is_of_the_mail_path() -> None:
    """What else our bundles install has no service that mail waits for."""
    values = mapping() | {"certificates": {"acceptTerms": True}}
    wanted = from_mapping(values)
    site = Site("mx1", wanted, "me", SERVICES)
    named = {
        package
        for service in SERVICES
        if service.wanted(wanted, "mx1") and vars(service).get("MAIL_PATH") != ()
        for manifest in service.manifests(site)
        for package in manifest.packages
    }
    others = {each for each in named if not each.startswith(tuple(site.mail_path))}
    others = {each for each in others if not each.startswith("python3-")}
    tools = {"bind9-dnsutils", "ca-certificates", "dehydrated", "dns-root-data"}
    tools |= {"openssl", "procps", "systemd-timesyncd | time-daemon"}
    assert others == tools, (
        "set MAIL_PATH in the service to what mail waits for, or to () when mail waits for none"
    )
