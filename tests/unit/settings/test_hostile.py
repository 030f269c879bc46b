"""Settings that try to leave their place: a shell's word, a folder, a line, what is seen."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.services.certificates import dehydrated
from components.services.resolver import component as resolver
from components.settings import given_files, recipient_files
from components.settings.environment import Settings, SettingsError, from_mapping
from tests.support.mapping import mapping

ROOT_ANCHOR = ". 172800 IN DS 1 13 2 " + "ab" * 32 + "\n"
SECRET = "CLOUDFLARE_API_TOKEN=canary-0123456789"


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    values = copy.deepcopy(mapping())
    place = values
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return values


def settings(path: tuple[str, ...], value: Any) -> Settings:
    return from_mapping(changed(path, value))


# Each: the place of a value, one that must be refused, and words of the refusal.
REFUSED = {
    "acme root ends the string": (
        ("certificates", "acmeCaRoot"),
        '/x"; touch /tmp/pwned; : "',
        "neither an absolute path",
    ),
    "acme root has a line of its own": (
        ("certificates", "acmeCaRoot"),
        "/x\n$(touch /tmp/pwned)\n",
        "neither an absolute path",
    ),
    "acme root is an option of curl": (
        ("certificates", "acmeCaRoot"),
        "/x --config /tmp/evil",
        "neither an absolute path",
    ),
    "ssh address is an option": (
        ("hosts", "mx1", "sshAddress"),
        "-oProxyCommand=touch${IFS}/tmp/pwned",
        "neither an address nor a name",
    ),
    "ssh address is a host more": (
        ("hosts", "mx1", "sshAddress"),
        "127.0.0.1 22 root - t k\n../mx-write 127.0.0.1 22 root - t k",
        "neither an address nor a name",
    ),
    "ssh address has a zone": (("hosts", "mx1", "sshAddress"), "fe80::1%eth0", "has a zone"),
    "ipv6 has a zone": (("hosts", "mx1", "ipv6"), "2001:db8::1%eth0", "has a zone"),
    "extra ends the line for some": (
        ("postfix", "extra", "mail_name"),
        "x\u2028mynetworks = 0.0.0.0/0",
        "postfix.extra.mail_name: this has the character U+2028",
    ),
    "extra moves the cursor": (
        ("postfix", "extra", "mail_name"),
        "x\x1b[1A\x1b[2K",
        "postfix.extra.mail_name: this has the character U+001B",
    ),
    "extra turns the order": (
        ("postfix", "extra", "mail_name"),
        "x\u202e0.0.0.0",
        "postfix.extra.mail_name: this has the character U+202E",
    ),
    "a key moves the cursor": (
        ("postfix", "extra", "a\x1b[2K"),
        "x",
        r"postfix.extra.a\x1b[2K: this has the character U+001B",
    ),
    "extra makes an open relay": (
        ("postfix", "extra", "mynetworks"),
        "0.0.0.0/0",
        "postfix.extra.mynetworks: the setting for this is postfix.mynetworks",
    ),
    "notices go to a parameter": (
        ("postfix", "noticeRecipient"),
        "$x@example.test",
        "postfix.noticeRecipient: it has a `$`",
    ),
    "anchor includes a file": (
        ("resolver", "trustAnchors"),
        ["$INCLUDE IN DS 1 13 2 ab"],
        "resolver.trustAnchors[0]",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_leaves_its_place_is_refused(case: str) -> None:
    path, value, words = REFUSED[case]
    with pytest.raises(SettingsError) as refused:
        settings(path, value)
    assert words in str(refused.value)
    assert all(line.isprintable() for line in str(refused.value).split("\n"))


@pytest.mark.parametrize("contact", ["`id`@sender.test", "${x}@sender.test", "a|b&c@sender.test"])
def test_a_valid_address_stays_one_word_of_the_shell(contact: str, tmp_path: Path) -> None:
    given = {"acceptTerms": True, "contact": contact}
    wanted = settings(("certificates",), given).certificates
    assert wanted is not None
    file = tmp_path / "mx.sh"
    file.write_text(dehydrated.config(wanted))
    said = subprocess.run(
        ["bash", "-c", f'. {file}; printf "%s" "$CONTACT_EMAIL"'],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert (said.stdout, said.stderr) == (contact, "")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    (tmp_path / "secret").write_text(SECRET + "\n" + ROOT_ANCHOR)
    monkeypatch.setattr(given_files, "BASE", stacks)
    monkeypatch.delenv(given_files.FOLDERS, raising=False)
    return stacks


OUTSIDE = ("../secret", "SECRET", "link", "folder/../../secret", "/proc/self/environ", "/dev/stdin")


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("key", ["trustAnchorFile", "rootHintsFile"])
def test_a_file_outside_of_stacks_is_not_read(name: str, key: str, base: Path) -> None:
    (base / "link").symlink_to(base.parent / "secret")
    (base / "folder").mkdir()
    name = name.replace("SECRET", str(base.parent / "secret"))
    given = {"trustAnchors": [ROOT_ANCHOR.strip()], key: name}
    with pytest.raises(SettingsError) as refused:
        resolver.given_files(settings(("resolver",), given))
    assert "is outside of stacks/" in str(refused.value) or "is not a regular file" in str(
        refused.value
    )
    assert "canary" not in str(refused.value)


def test_recipients_outside_of_stacks_are_not_read(base: Path) -> None:
    (base / "r").mkdir()
    wanted = settings(("domains", "example.test", "recipientsFile"), "r/../../secret")
    with pytest.raises(SettingsError, match="is outside of stacks/"):
        recipient_files.read_recipients(wanted)


def test_a_folder_of_the_environment_is_as_good_as_stacks(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = base.parent / "dns"
    folder.mkdir()
    (folder / "root.key").write_text("; the root of a lab\n" + ROOT_ANCHOR)
    (folder / "root.hints").write_text(". 3600 NS ns.test.\nns.test. IN 3600 A 192.0.2.1\n")
    monkeypatch.setenv(given_files.FOLDERS, f"/nowhere:{folder}")
    given = {
        "trustAnchorFile": str(folder / "root.key"),
        "rootHintsFile": str(folder / "root.hints"),
    }
    wanted = settings(("resolver",), given)
    hints, anchors = resolver.given_files(wanted)
    assert hints is not None
    assert anchors.endswith(ROOT_ANCHOR)


@pytest.mark.parametrize("key", ["trustAnchorFile", "rootHintsFile"])
@pytest.mark.parametrize(
    "line",
    [
        SECRET,
        "$INCLUDE /etc/shadow",
        "a IN DS 1 13 2 abab\x0b",
        ". IN DS 1 13 2 zz",
        ". IN NS a b",
        ". IN A x",
        '. IN TXT "canary"',
    ],
)
def test_a_line_that_is_no_such_record_is_named_by_its_number_only(
    key: str, line: str, base: Path
) -> None:
    (base / "given").write_text(f"; fine\n\n{line}\n")
    given = {"trustAnchors": [ROOT_ANCHOR.strip()], key: "given"}
    with pytest.raises(SettingsError) as refused:
        resolver.given_files(settings(("resolver",), given))
    [said] = str(refused.value).split("\n")
    assert f"{base}/given:3: not a record" in said
    assert "canary" not in said


def test_a_file_of_recipients_is_never_quoted(base: Path) -> None:
    (base / "list").write_text(f"alice\n{SECRET}\n\x1b[2K\nbob\u2028carol\n")
    wanted = settings(("domains", "example.test", "recipientsFile"), "list")
    with pytest.raises(SettingsError) as refused:
        recipient_files.read_recipients(wanted)
    said = str(refused.value).split("\n")
    assert [line.partition(": ")[0] for line in said] == [f"{base}/list:{n}" for n in (2, 3, 4)]
    assert "canary" not in str(refused.value)
