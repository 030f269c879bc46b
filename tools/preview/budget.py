"""Fits the parts of a report into what a forge takes for one comment."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes of UTF-8, which are never fewer than characters. GitHub: 65,536 characters a comment less
# one; GitLab: 1,000,000 characters a note; Forgejo sets no limit of its own for a comment: the
# same as GitHub's, which is still quick to read.
FORGES = {"github": 65535, "gitlab": 1_000_000, "forgejo": 65535}


@dataclass(frozen=True)
class Block:
    """A part that can be left out, or cut between its lines.

    `head` and `tail` stand around the lines; `name` is what a note calls the part; `keep` is the
    least number of lines worth showing.
    """

    name: str
    head: str
    lines: tuple[str, ...]
    tail: str = ""
    keep: int = 8

    def text(self, count: int | None = None) -> str:
        """The block with its first `count` lines and a line that tells how many are missing."""
        lines = self.lines if count is None else self.lines[:count]
        cut = len(self.lines) - len(lines)
        more = [f"[... {cut} more lines]"] if cut else []
        return "\n".join([self.head, *lines, *more, self.tail]).strip("\n") + "\n"


def size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text.encode())


def fit(blocks: list[Block], room: int) -> tuple[list[str], list[str]]:
    """Texts of the blocks within `room` bytes, and the names of those left out or cut.

    Every block first has a fair share; what short ones do not use goes to the long ones.
    """
    shares = _shares([size(block.text()) + 1 for block in blocks], room)
    texts, cut = [], []
    for block, share in zip(blocks, shares, strict=True):
        whole = block.text()
        if size(whole) + 1 <= share:
            texts.append(whole)
            continue
        cut.append(block.name)
        count = _lines_within(block, share)
        if count >= min(block.keep, len(block.lines)):
            texts.append(block.text(count))
    return texts, cut


def _shares(sizes: list[int], room: int) -> list[int]:
    shares = [0] * len(sizes)
    left = room
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    for done, index in enumerate(order):
        shares[index] = min(sizes[index], left // (len(order) - done))
        left -= shares[index]
    return shares


def _lines_within(block: Block, room: int) -> int:
    low, high = 0, len(block.lines)
    while low < high:
        middle = (low + high + 1) // 2
        if size(block.text(middle)) + 1 <= room:
            low = middle
        else:
            high = middle - 1
    return low if size(block.text(low)) + 1 <= room else -1
