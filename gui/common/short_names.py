"""Shorten names of tensors and schemes so that different names stay different."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from os.path import commonprefix
from typing import Protocol

from PySide6.QtCore import Qt

MOST_RIVALS = 64
"""Maximum number of names that a shortened one is compared with."""
CORE = 6
"""Number of characters kept where names begin to differ."""


class Metrics(Protocol):
    """Protocol of text metrics, such as QFontMetrics."""

    def horizontalAdvance(self, text: str, /) -> int:
        """Return the width of a text."""

    def elidedText(self, text: str, mode: Qt.TextElideMode, width: int, /) -> str:
        """Return a text elided to a width."""


def kin(name: str) -> tuple[str, ...]:
    """Return the parts of a name that ``shortened`` keeps; names with equal parts may collide."""
    parts = name.replace("/", ".").split(".")
    return (*(part for part in parts[:-1] if _numbered(part)), parts[-1][-CORE:])


def shortened(
    name: str,
    metrics: Metrics,
    room: int,
    rivals: Iterable[str] = (),
    with_same_end: Callable[[], Iterable[str]] | None = None,
) -> str:
    """Shorten a name: omit the part before its first number, then text after numbers.

    `model.layers.11.self_attn.q_proj.weight` is shortened to `…11.self_attn.q_proj.weight`, and
    further to `…11…q_proj.weight`. Parts that distinguish it from its rivals are kept. Where its
    numbers have no room, it may look like any name with the same end, which is then asked for.
    """
    text = _short(name, metrics, room)
    if text == name:
        return text
    if with_same_end is not None and any(part not in text for part in kin(name)[:-1]):
        rivals = with_same_end()
    others = [other for other in rivals if other != name][:MOST_RIVALS]
    alike = [other for other in others if _short(other, metrics, room) == text]
    return _told_apart(name, text, alike, metrics, room) if alike else text


def told_apart(names: Sequence[str], cut: Callable[[str], str]) -> list[str]:
    """Return cut names; names that are equal when cut begin where they differ."""
    texts = [cut(name) for name in names]
    found = []
    for name, text in zip(names, texts, strict=True):
        alike = [n for n, t in zip(names, texts, strict=True) if t == text and n != name]
        found.append(cut(f"…{_core(name, alike)[1]}… {name}") if alike else text)
    return found


def schemes_apart(names: Sequence[str], cut: Callable[[str], str]) -> list[str]:
    """Return cut names of schemes; words that most of them have are left out first."""
    counts = Counter(word for name in names for word in set(name.split(" ")))

    def own(name: str) -> str:
        words, text = name.split(" "), name
        common = sorted(range(len(words)), key=lambda place: -counts[words[place]])
        for place in common[:-1]:
            if cut(text) == text:
                break
            words[place] = "…"
            text = " ".join(word for word, _ in groupby(words))
        return text

    texts = [own(name) for name in names]
    return told_apart(
        [n if texts.count(t) > 1 else t for n, t in zip(names, texts, strict=True)], cut
    )


def _numbered(part: str) -> bool:
    return any(map(str.isdigit, part))


def _short(name: str, metrics: Metrics, room: int) -> str:
    if metrics.horizontalAdvance(name) <= room:
        return name
    start, rest, at = "", name, 0
    # Part by part: a pattern with nested repeats takes cubic time on long numbers.
    for part in name.replace("/", ".").split(".")[:-1]:
        begin, at = at, at + len(part) + 1
        if not _numbered(part):
            continue
        text = f"{start}…{name[begin:]}"
        if metrics.horizontalAdvance(text) <= room:
            return text
        longer = f"{start}…{part}"
        if metrics.horizontalAdvance(longer) > room // 2:
            break
        start, rest = longer, name[begin + len(part) :]
    left = room - metrics.horizontalAdvance(start)
    return start + metrics.elidedText(rest, Qt.TextElideMode.ElideLeft, left).replace("….", "…")


def _told_apart(name: str, text: str, alike: Sequence[str], metrics: Metrics, room: int) -> str:
    """Return a name with its distinguishing parts, or else characters."""
    parts, marks = _parts(name)
    last = len(parts) - 1
    needed = set()
    for other in alike:
        theirs = _parts(other)[0]
        same = 0
        while same < min(len(parts), len(theirs)) and parts[-1 - same] == theirs[-1 - same]:
            same += 1
        if same == len(parts):
            continue  # the other name shows its extra parts
        if _numbered(parts[-1 - same]) and same < len(theirs) and not _numbered(theirs[-1 - same]):
            continue  # likewise: numbers are shown anyway
        needed.add(last - same)
    if not needed:
        return text
    numbered = {place for place, part in enumerate(parts) if _numbered(part)}
    for kept in (needed | numbered | {last}, needed | {last}):
        if metrics.horizontalAdvance(_joined(parts, marks, kept)) > room:
            continue
        for place in range(last - 1, -1, -1):
            more = _joined(parts, marks, kept | {place})
            if place not in kept and metrics.horizontalAdvance(more) > room:
                break
            kept = kept | {place}
        return _joined(parts, marks, kept)
    end, core = _core(name, alike)
    start = f"…{core}…"
    left = room - metrics.horizontalAdvance(start)
    rest = metrics.elidedText(name[end:], Qt.TextElideMode.ElideLeft, left)
    return f"{start}{rest}".replace("……", "…")


def _core(name: str, alike: Sequence[str]) -> tuple[int, str]:
    """Return the position and text of the part in which a name differs from the others."""
    starts = [len(commonprefix([name, other])) for other in alike]
    first = max(0, min(max(starts), len(name) - CORE))
    return first + CORE, name[first : first + CORE]


def _parts(name: str) -> tuple[list[str], list[str]]:
    """Return the parts of a name, and the separator before each."""
    parts = name.replace("/", ".").split(".")
    marks, at = [""], 0
    for part in parts[:-1]:
        at += len(part)
        marks.append(name[at])
        at += 1
    return parts, marks


def _joined(parts: Sequence[str], marks: Sequence[str], kept: set[int]) -> str:
    text, before = "", -1
    for place in sorted(kept):
        gap = "…" if place > before + 1 else marks[place]
        text, before = f"{text}{gap}{parts[place]}", place
    return text
