"""Tag lists, `v=X; name=value; ...`: the form of DMARC, DKIM, TLSRPT and MTA-STS records."""

from __future__ import annotations

import re

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(.*?)\s*", re.DOTALL)
_ADDRESS = re.compile(r"[^\s@,;!]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*")


def parse(text: str) -> list[tuple[str, str]]:
    """The tags in their order, names in lower case. Raises ValueError that names the bad part."""
    found = []
    parts = text.split(";")
    for index, part in enumerate(parts):
        if not part.strip() and index == len(parts) - 1:
            continue
        match = _TAG.fullmatch(part)
        if match is None:
            raise ValueError(f"{part.strip()!r} is not of the form name=value")
        found.append((match[1].lower(), match[2]))
    return found


def faults(text: str, version: str) -> tuple[dict[str, str], list[str]]:
    """The tags and what is wrong with their form: version first, no tag twice (RFC 6376 3.2)."""
    try:
        found = parse(text)
    except ValueError as error:
        return {}, [str(error)]
    names = [name for name, _ in found]
    wrong = [f"{name}= stands twice" for name in sorted(set(names)) if names.count(name) > 1]
    if not found or found[0] != ("v", version):
        wrong.append(f"it does not begin with v={version}")
    return dict(found), wrong


def report_addresses(value: str, schemes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The report URIs of a `rua` or `ruf`, and what is wrong with them (RFC 9989, RFC 8460)."""
    uris = [uri.strip() for uri in value.split(",")]
    wrong = []
    for uri in uris:
        scheme, _, rest = uri.partition(":")
        if scheme.lower() not in schemes:
            wrong.append(f"{uri!r}: must begin with {' or '.join(f'{s}:' for s in schemes)}")
        elif scheme.lower() == "mailto" and not _ADDRESS.fullmatch(rest.split("!")[0]):
            dot = ", because of its final dot" if rest.endswith(".") else ""
            wrong.append(f"{rest!r} is not a mail address{dot}")
        elif scheme.lower() == "https" and not re.match(r"//[A-Za-z0-9.-]+", rest):
            wrong.append(f"{uri!r} names no host")
    return uris, wrong


def mail_addresses(text: str, version: str) -> list[str]:
    """The mail addresses of `rua` and `ruf` in a text, without their size limits."""
    found, _ = faults(text, version)
    uris = [uri.strip() for name in ("rua", "ruf") for uri in found.get(name, "").split(",")]
    return [
        uri[len("mailto:") :].split("!")[0] for uri in uris if uri.lower().startswith("mailto:")
    ]
