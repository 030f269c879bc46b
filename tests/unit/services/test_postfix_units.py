"""The drop-in of Postfix gives master(8) what it needs on each release of Debian."""

from __future__ import annotations

import pytest

from components.services.postfix.units import FINISH, drop_in


def lines(debian: int, name: str) -> list[str]:
    text = drop_in(debian).splitlines()
    return [line.partition("=")[2] for line in text if line.startswith(f"{name}=")]


def test_a_bounding_set_of_our_own_holds_all_that_postfix_needs() -> None:
    # Without one in the package's unit (release 12) ours is the whole set: systemd.exec(5).
    held = set(" ".join(lines(12, "CapabilityBoundingSet")).split())
    assert held >= {"CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_SYS_CHROOT"}
    assert "CAP_KILL" in held


def test_only_what_the_package_lacks_is_added_on_release_13() -> None:
    assert lines(13, "CapabilityBoundingSet") == ["CAP_KILL"]
    assert lines(13, "SystemCallFilter") == []


def test_the_chroot_is_prepared_outside_the_sandbox() -> None:
    assert lines(12, "ExecStartPre") == ["", "+/usr/lib/postfix/configure-instance.sh %i"]


@pytest.mark.parametrize(
    ("debian", "package"), [(12, "/usr/sbin/postmulti -i %i -p stop"), (13, "postfix stop")]
)
def test_messages_on_their_way_end_before_the_stop_of_the_package(
    debian: int, package: str
) -> None:
    # The list of the package's unit is emptied first: systemd.service(5), ExecStop=.
    empty, ours, theirs = lines(debian, "ExecStop")
    assert (empty, theirs) == ("", package)
    # As plain root outside the sandbox, and a failure of ours does not keep Postfix from stopping.
    assert ours == f"-+/usr/bin/python3 -I -B {FINISH}"
