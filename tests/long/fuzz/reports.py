"""Hostile text in every part of a report: neither markup nor a line that the program did not write.

Markdown is read by markdown-it with GitHub's tables and links, the terminal's text line by line.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from components.host.drift import judge
from tests.long.fuzz.values import LETTERS, UNSEEN
from tools.mx import terminal
from tools.preview.markdown import markdown
from tools.preview.model import Change, FileDiff, RecordChange, Report
from tools.status.__main__ import text as status_text
from tools.status.check import Finding

FRAGMENTS = (
    *("<img src=x>", "<script>alert(1)</script>", "</details>", "</summary>", "</code>", "<!--"),
    *("-->", "<details open>", "```", "````", "~~~", "`", "**b**", "__b__", "~~s~~", "_i_", "*i*"),
    *(
        "[l](http://evil.test)",
        "![i](http://evil.test/i.png)",
        "http://evil.test/",
        "www.evil.test",
    ),
    *(
        "<http://evil.test>",
        "mail@evil.test",
        "javascript:alert(1)",
        "[x]: http://evil.test",
        "[x]",
    ),
    *(
        "@octocat",
        "#1",
        "GH-1",
        "# h",
        "## h",
        "===",
        "---",
        "> q",
        "- [ ] t",
        "1. x",
        "* x",
        "+ x",
    ),
    *("    code", "|", "\\|", "\\", "\\`", "\\[x\\](http://evil.test)", "&lt;", "&#60;img&#62;"),
    *("$x$", "$$", ":+1:", "\n", "\n\n", "\r", "\r\n", "\t", "+", "-", "@@", "<", ">", "&", "\n+a"),
    *("\n-a", "\n+mynetworks = 0.0.0.0/0", "\n@@ -1 +1 @@", "drift: mx2: postfix: x", "\nfault: x"),
    *("\x1b[31m", "\x1b[1A\x1b[2K", "\x1b]0;x\x07", "[/bold]", "[bold red]x", "x" * 200, "a b"),
)
_HEADINGS = (
    *("production: ❌ preview failed", "production: 🔶 changes", "production: ✅ no changes"),
    *("Read this first", "What changes", "Failure", "Drift", "Replaces existing files", "DNS"),
    *("On the hosts", "Files", "Warnings"),
)
_MACHINE, _AGENT = "0" * 32, "a" * 64
_HTML = re.compile(r"<!-- mx preview: [a-z]+ -->|</?details( open)?>|</?summary>|</?code>|&\w+;")


def hostile(rng: random.Random) -> str:
    """A text of one to six fragments."""
    pool = [*FRAGMENTS, *UNSEEN, *LETTERS]
    return "".join(rng.choice(pool) + rng.choice(["", " "]) for _ in range(rng.randint(1, 6)))


def _change(**more: object) -> Change:
    values: dict[str, object] = {"op": "update", "host": "mx1", "component": "postfix"}
    return Change(**(values | more))  # type: ignore[arg-type]


def _file(path: str = "/etc/x", section: str = "", line: str = "+a", note: str = "") -> Change:
    return _change(files=[FileDiff(path, section, (line,), (note,) if note else ())])


def _drift(item: dict[str, object], bundle: str = "postfix") -> list[str]:
    """What is told of a host's answer."""
    status = {"time": None, "bundles": {bundle: {"heal": 1, "applied": "x", "drift": [item]}}}
    del status["time"]
    return judge("mx1", 0, f"{_MACHINE}\n{_AGENT}\n\n{json.dumps(status)}", "", {})[1]


# Part of a report to what is in it with a hostile text, and how many lines of a diff that has.
PARTS: dict[str, tuple[Callable[[str], dict[str, object]], int]] = {
    "risk": (lambda t: {"risks": [t]}, 0),
    "note": (lambda t: {"notes": [t]}, 0),
    "warning": (lambda t: {"warnings": [t]}, 0),
    "error": (lambda t: {"errors": [t]}, 0),
    "line of a file": (lambda t: {"changes": [_file(line="+" + t)]}, 1),
    "path of a file": (lambda t: {"changes": [_file(path=t)]}, 1),
    "section of a file": (lambda t: {"changes": [_file(section=t)]}, 1),
    "note at a file": (lambda t: {"changes": [_file(note=t)]}, 1),
    "record": (lambda t: {"records": [RecordChange("n", None, t)]}, 1),
    "former record": (lambda t: {"records": [RecordChange("n", t, "b")]}, 2),
    "rest of a record": (lambda t: {"records": [RecordChange("n", "a", "a", (t,))]}, 0),
    "why": (lambda t: {"changes": [_change(why=[t])]}, 0),
    "operation": (lambda t: {"changes": [_change(op=t)], "counts": {t: 1}}, 0),
    "component": (lambda t: {"changes": [_change(component=t)]}, 0),
    "host": (lambda t: {"changes": [_change(host=t, files=[FileDiff("/x", "", ("+a",))])]}, 1),
    "host that leaves": (
        lambda t: {"changes": [_change(op="delete", host=t, component="agent")]},
        0,
    ),
    "package": (lambda t: {"changes": [_change(packages=[t])]}, 0),
    "unit": (lambda t: {"changes": [_change(units=[("restart", t)])]}, 0),
    "path that drifted": (lambda t: {"drift": _drift({"path": t, "what": "changed"})}, 0),
    "words of drift": (lambda t: {"drift": _drift({"path": "/x", "what": t})}, 0),
    "diff of drift": (
        lambda t: {"drift": _drift({"path": "/x", "what": "changed", "diff": ["+" + t]})},
        1,
    ),
    "bundle that drifted": (
        lambda t: {"drift": _drift({"path": "/x", "what": "w", "diff": ["+a"]}, t)},
        1,
    ),
    "answer that is none": (
        lambda t: {"warnings": judge("mx1", 0, f"{_MACHINE}\n{t}\n\n{t}", t, {})[1]},
        0,
    ),
    "words of ssh": (lambda t: {"warnings": judge("mx1", 255, "", t, {})[1]}, 0),
}


def report(part: str, text: str) -> Report:
    """A report with the text in one part."""
    found = Report("production", counts={"update": 1})
    for name, value in PARTS[part][0](text).items():
        setattr(found, name, value)
    return found


def bad(part: str, text: str) -> Iterator[str]:
    """What a reader would see of the text that is not text."""
    try:
        made = report(part, text)
        # A host whose answer is none has no drift to show.
        lines = PARTS[part][1] if not any("was not read" in one for one in made.drift) else 0
        for budget in (None, 3000):
            yield from _markdown(markdown(made, budget), lines, budget is None)
        yield from _terminal(made, lines)
    except Exception as error:
        yield f"crash: {type(error).__name__}: {error}"


def _markdown(text: str, diff_lines: int, whole: bool) -> Iterator[str]:
    if any(not (one.isprintable() or one in "\n\u200b\t") for one in text):
        yield "characters that draw"
    # As cmark-gfm, which knows no typographer; names with a dot are links by themselves.
    tokens = list(_flat(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)))
    lines = 0
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and token.content not in _HEADINGS:
            yield f"a heading {token.content[:80]!r}"
    for token in tokens:
        if token.type in ("html_block", "html_inline") and _left(token.content):
            yield f"HTML: {_left(token.content)[:80]!r}"
        elif token.type in ("image", "link_open", "s_open", "em_open", "hr", "ordered_list_open"):
            yield token.type
        elif token.type == "code_block":
            yield "a block of code"
        elif token.type == "text" and (
            found := re.search(r"(?<!\w)@\w|(?<!\w)#\d|\b(https?|ftp)://|www\.\w", token.content)
        ):
            yield f"a link of the forge: {found[0]!r}"
        elif token.type == "fence" and token.info == "diff":
            lines += sum(line[:1] in ("+", "-", "<", ">") for line in token.content.split("\n"))
        elif token.type == "fence" and token.info != "text":
            yield f"a fence of {token.info!r}"
    if lines > diff_lines or (whole and lines != diff_lines):
        yield f"{lines} lines of a diff, not {diff_lines}"


def _left(html: str) -> str:
    """What of HTML is not the report's own."""
    inner = re.sub(r"<summary>(?:[^<]|</?code>)*</summary>", "", html)
    return _HTML.sub("", inner).strip() if "<" in _HTML.sub("", inner) else ""


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _terminal(made: Report, diff_lines: int) -> Iterator[str]:
    out = io.StringIO()
    # As tools/mx/console.py makes it; so wide that nothing wraps.
    console = Console(file=out, width=100_000, highlight=False, markup=False, emoji=False)
    console.print(terminal.render(made, full=True))
    lines = [line.rstrip() for line in out.getvalue().split("\n")]
    if any(not (one.isprintable() or one == "\t") for line in lines for one in line):
        yield "characters that draw on the terminal"
    # Items of lists begin with "- " at the margin, and those of drift two columns from it.
    own = r"- .*|-|  - .*|  -" if made.drift else r"- .*|-"
    marked = [line for line in lines if re.match(r" *[+<>-]", line) and not re.fullmatch(own, line)]
    shown = [line for line in marked if "applied last and brings back" not in line]
    if len(shown) != diff_lines:
        yield f"{len(shown)} lines of a diff on the terminal, not {diff_lines}: {shown!r}"


def findings(text: str) -> Iterator[str]:
    """What of the output of `mx status` a foreign server's words could add."""
    one = Finding("banner", "warning", "mx1", text, text, text)
    lines = status_text(["example.test"], [one]).split("\n")
    if len(lines) != 4 or any(not line.isprintable() for line in lines):
        yield "lines of status that are not its own"


def run(seed: int, count: int) -> list[str]:
    """Try `count` texts; a line for each that was more than text."""
    rng, found = random.Random(seed), []
    names = list(PARTS)
    for number in range(count):
        part, text = names[number % len(names)], hostile(rng)
        found += [f"{part}: {text!r}: {line}" for line in bad(part, text)]
        found += [f"status: {text!r}: {line}" for line in findings(text)]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; exit 1 when a text was more than text."""
    parser = argparse.ArgumentParser(prog="tests/long/fuzz-reports")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=5000)
    options = parser.parse_args(arguments)
    found = run(options.seed, options.texts)
    for line in found:
        print(line)
    print(
        f"{options.texts} texts in {len(PARTS)} parts of a report and in status: {len(found)} bad"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
