"""What a first preview says of files that a host already has."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from components.host.adoption import CALL, DIFF_LINES, replaced
from components.host.manifest import Assemble, File, Manifest

MAIN = "/etc/postfix/main.cf"
MANIFESTS = [
    Manifest(
        bundle="postfix",
        owner="mx/test",
        files={
            f"{MAIN}.d/10-general.cf": File("# General\nmyhostname = mx1.example.test\n"),
            "/etc/postfix/master.cf": File("smtp inet n - y - - smtpd\n"),
            "/etc/secret": File("password = ours\n", secret=True),
        },
        assemble={MAIN: Assemble(f"{MAIN}.d")},
    ),
    Manifest(bundle="tls", owner="mx/test", files={f"{MAIN}.d/60-tls.cf": File("tls_x = yes\n")}),
]


def line(path: str, text: str) -> str:
    return f"{path} {base64.b64encode(text.encode()).decode()}"


def test_main_cf_is_compared_by_its_parameters() -> None:
    theirs = "tls_x   =\n  yes\n# mine\nmyhostname = old.example.test\nbiff = no\n"
    [told] = replaced("mx1", MANIFESTS, line(MAIN, theirs))
    assert told.splitlines() == [
        f"replaces: mx1: {MAIN}",
        "@@ -1,3 +1,2 @@",
        "-biff = no",
        "-myhostname = old.example.test",
        "+myhostname = mx1.example.test",
        " tls_x = yes",
    ]


def test_other_files_are_compared_line_by_line_and_equal_ones_are_silent() -> None:
    answer = line("/etc/postfix/master.cf", "smtp inet n - n - - smtpd\n")
    [told] = replaced("mx1", MANIFESTS, answer)
    assert "-smtp inet n - n - - smtpd\n+smtp inet n - y - - smtpd" in told
    assert not list(
        replaced("mx1", MANIFESTS, line("/etc/postfix/master.cf", "smtp inet n - y - - smtpd\n"))
    )


@pytest.mark.parametrize(
    "answer", [line("/etc/secret", "password = theirs\n"), "/etc/postfix/master.cf -"]
)
def test_what_is_secret_or_not_readable_by_all_is_only_named(answer: str) -> None:
    [told] = replaced("mx1", MANIFESTS, answer)
    assert told.endswith("not shown, because not every login may read it")


def test_a_long_diff_says_what_was_cut() -> None:
    theirs = "".join(f"# {number}\n" for number in range(DIFF_LINES + 50))
    [told] = replaced("mx1", MANIFESTS, line("/etc/postfix/master.cf", theirs))
    assert told.splitlines()[-1] == "... 52 more lines"


def test_the_call_reads_only_what_all_may_read(tmp_path: Path) -> None:
    for name, mode in (("open", 0o644), ("closed", 0o640)):
        (tmp_path / name).write_text("text\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("closed")
    names = ("open", "closed", "link", "missing", ".")
    done = subprocess.run(
        ["sh", "-c", CALL],
        input="".join(f"{tmp_path}/{name}\n" for name in names),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        line(f"{tmp_path}/open", "text\n"),
        f"{tmp_path}/closed -",
        f"{tmp_path}/link -",
    ]
