"""What a program makes of each rendered text: its facts, read with a parser of that language.

A fact is a path of words and a value. Where Python has no parser of a language, the rules of its
manual are followed here, and the host ring reads the same texts with the programs themselves.
"""

from __future__ import annotations

import configparser
import csv
import io
import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable

import crossplane
import dns.name
import dns.rdata
import dns.zone
import yaml

from components.postconf import syntax
from tests.long.fuzz import apt

Fact = tuple[str, str]


class Unreadable(Exception):
    """The program would refuse the text."""


def tree(node: object, path: str = "") -> Iterable[Fact]:
    """The leaves of what JSON or YAML has."""
    if isinstance(node, dict):
        for key, each in node.items():
            yield f"{path}.{key}", "{}"
            yield from tree(each, f"{path}.{key}")
    elif isinstance(node, list):
        for each in node:
            yield f"{path}[]", "[]"
            yield from tree(each, f"{path}[]")
    else:
        yield path, str(node)


def read_json(text: str) -> Iterable[Fact]:
    """RFC 8259."""
    return tree(json.loads(text))


def read_yaml(text: str) -> Iterable[Fact]:
    """YAML 1.1."""
    return tree(yaml.load(text, yaml.CSafeLoader))


def main_cf(text: str) -> Iterable[Fact]:
    """postconf(5); tests/long/audit holds this parser against Postfix itself."""
    entries, broken = syntax.parse(text)
    if broken:
        raise Unreadable(str(broken[0]))
    return [(each.name, syntax.latin(each.value)) for each in entries]


def postfix_table(text: str) -> Iterable[Fact]:
    """cidr_table(5), regexp_table(5): a pattern and a result a logical line."""
    for pieces in syntax.logical_lines(text):
        line = "".join(piece for _, piece in pieces)
        if line.startswith("/"):
            found = re.match(r"/((?:[^\\/]|\\.)*)/\w*\s+(.*)", line, re.DOTALL)
            if found is None:
                raise Unreadable(line)
            re.compile(found[1])
            yield re.sub(r"\\(.)", r"\1", found[1]), found[2]
        else:
            key, _, value = line.partition(" ")
            yield key, value.strip()


def tokens(text: str, comment: str, signs: str) -> list[str]:
    """Words, quoted words and signs of a language that takes C's strings."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=signs)
    lexer.commenters, lexer.quotes, lexer.escapedquotes = comment, "\"'", "\"'"
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def ucl(text: str) -> Iterable[Fact]:
    """Libucl's configuration language, without macros: none may come from a setting."""
    found = tokens(text, "#", "{}[];=,")
    if any(word.startswith(".") for word in found if not word[1:2].isdigit()):
        raise Unreadable("a macro")
    return [(str(len(word)) if set(word) <= set("{}[];=,") else "word", word) for word in found]


_LUA = re.compile(r"""(--[^\n]*)|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|([^\s"'-]+|\s+|.)""")


def lua(text: str) -> Iterable[Fact]:
    """Lua 5.1: quoted words and all between them, without comments."""
    code = ""
    for found in _LUA.finditer(text):
        words = found[2] if found[2] is not None else found[3]
        if words is None:
            code += found[4] or ""
            continue
        yield "code", " ".join(code.split())
        yield "text", words
        code = ""
    yield "code", " ".join(code.split())


def unbound(text: str) -> Iterable[Fact]:
    """unbound.conf(5): `attribute: value`, a value perhaps quoted."""
    for line in text.split("\n"):
        # A comment begins at the line's begin or after a blank; the name of a forwarder follows #.
        bare = re.sub(r"(^|\s)#.*", "", line).strip()
        if not bare:
            continue
        found = re.fullmatch(r'([a-z0-9-]+):(?:\s+("[^"]*"|[^\s"]+)((?:\s+[^\s"]+)*))?', bare)
        if found is None:
            raise Unreadable(line)
        yield found[1], (found[2] or "").strip('"') + (found[3] or "")


def unit(text: str) -> Iterable[Fact]:
    """systemd.syntax(7): sections, assignments, `%` doubled; Exec lines as words."""
    section = ""
    for line in re.sub(r"\\\n", " ", text).split("\n"):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if found := re.fullmatch(r"\[(\w+)\]", line.strip()):
            section = found[1]
            yield section, "[]"
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise Unreadable(line)
        if re.search(r"(?<!%)(%%)*%(?![%nNpiIhuUtTSCLEdbmHvaAJoMwWBl])", value):
            raise Unreadable(line)
        for word in shlex.split(value) if name.startswith("Exec") else [value]:
            yield f"{section}.{name}", word


def nginx(text: str) -> Iterable[Fact]:
    """Nginx's configuration, by the parser that nginx's makers wrote."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        parsed = crossplane.parse(file.name, single=True, check_ctx=False, check_args=False)
    if parsed["errors"]:
        raise Unreadable(parsed["errors"][0]["error"])

    def blocks(found: list[dict[str, object]], path: str) -> Iterable[Fact]:
        for each in found:
            args = each["args"]
            assert isinstance(args, list)
            yield f"{path}/{each['directive']}", " ".join(args)
            inner = each.get("block")
            if isinstance(inner, list):
                yield from blocks(inner, f"{path}/{each['directive']} {' '.join(args)}")

    return blocks(parsed["config"][0]["parsed"], "")


# Other values in each process.
_OF_BASH = ("SRANDOM", "RANDOM", "PPID", "SECONDS")


def shell(text: str) -> Iterable[Fact]:
    """The variables that a bash has after it sourced the text, and whether it printed anything."""
    program = (
        '. /dev/stdin; for name in $(compgen -v); do printf "%s\\0%s\\0" "$name" "${!name}"; done'
    )
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", program],
        input=text.encode(),
        capture_output=True,
        check=False,
        env={"PATH": "/nonexistent"},
    )
    if done.stderr or done.returncode:
        raise Unreadable(done.stderr.decode(errors="replace"))
    words = done.stdout.decode(errors="surrogateescape").split("\0")
    for name, value in zip(words[::2], words[1::2], strict=False):
        if name.isupper() and not name.startswith(("BASH", "EPOCH", *_OF_BASH)):
            yield name, value


def words_of_lines(text: str) -> Iterable[Fact]:
    """Words between blanks, line by line, as domains.txt of dehydrated and `read` have them."""
    for number, line in enumerate(text.split("\n")):
        yield str(len(line.split())), f"line {bool(number)}"
        yield from (("word", word) for word in line.split())


def rows(text: str) -> Iterable[Fact]:
    """Fields between tabs, rows between newlines: what goes to MariaDB as parameters."""
    for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE):
        yield str(len(row)), "row"
        yield from (("field", field) for field in row)


def ini(text: str) -> Iterable[Fact]:
    """Configparser's own."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    for name in parser.sections():
        yield from ((f"{name}.{key}", value) for key, value in parser.items(name))


def zone(text: str) -> Iterable[Fact]:
    """Master files of RFC 1035."""
    for line in text.split("\n"):
        bare = line.partition(";")[0]
        if bare.strip():
            name, *_, kind, data = re.split(r"\s+", bare.strip(), maxsplit=4)
            del kind
            yield dns.name.from_text(name).to_text(), data


def records(text: str) -> Iterable[Fact]:
    """DNS records: names and data by dnspython, as they go over the wire."""
    for key, where, name, kind, content in json.loads(text):
        dns.name.from_text(name).to_wire()
        yield f"{key} {where} {name}", kind
        if isinstance(content, dict):
            yield from tree(content, f"{key}.data")
            continue
        data = dns.rdata.from_text("IN", kind if kind != "MX" else "CNAME", content)
        strings = getattr(data, "strings", None)
        yield key, b"".join(strings).decode() if strings else data.to_text()


def policy(text: str) -> Iterable[Fact]:
    """MTA-STS policies (RFC 8461 section 3.2)."""
    for line in text.removesuffix("\n").split("\n"):
        name, colon, value = line.removesuffix("\r").partition(":")
        if not colon:
            raise Unreadable(line)
        yield name, value.strip()


def nftables(text: str) -> Iterable[Fact]:
    """nft(8), as words and signs."""
    return [("word", word) for word in tokens(text, "#", "{};,")]


READERS: dict[str, Callable[[str], Iterable[Fact]]] = {
    r".*\.json": read_json,
    r".*/main\.cf|.*/main\.cf\.d/.*\.cf|.*/sql/.*\.cf": main_cf,
    r".*/tables/.*\.(cidr|regexp)": postfix_table,
    r".*/master\.cf": words_of_lines,
    r".*/rspamd/local\.d/.*\.(conf|inc)": ucl,
    r".*\.lua": lua,
    r".*/unbound.*\.conf": unbound,
    r".*/unbound/.*\.(key|hints)": zone,
    r".*\.(service|socket|timer|path)(\.d/mx\.conf)?": unit,
    r".*/nginx/sites-enabled/.*": nginx,
    r".*/dehydrated/(conf\.d/mx\.sh|domains\.d/.*)|.*/default/.*": shell,
    r".*/dehydrated/domains\.txt|ssh": words_of_lines,
    r".*/mx-database/content/[a-z_]+": rows,
    r".*\.cfg": ini,
    r"records": records,
    r".*/mta-sts/.*\.txt": policy,
    r".*/mta-sts-daemon\.yml|.*\.yml": read_yaml,
    r".*\.nft": nftables,
    r".*/redis\.conf": words_of_lines,
    r".*/apt/(sources\.list\.d|preferences\.d)/.*": apt.stanzas,
    r".*\.asc": apt.key,
}


def read(name: str, text: str) -> list[Fact]:
    """The facts of a text. Raises Unreadable, or KeyError for a language without a reader."""
    for pattern, reader in READERS.items():
        if re.fullmatch(pattern, name):
            try:
                return sorted(reader(text))
            except (
                ValueError,
                OSError,
                yaml.YAMLError,
                configparser.Error,
                dns.exception.DNSException,
            ) as error:
                raise Unreadable(f"{type(error).__name__}: {error}") from None
    raise KeyError(f"{name}: no reader: add its pattern to READERS in tests/long/fuzz/readers.py")
