"""Shortens names so that those that differ still read apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from os.path import commonprefix
from typing import Protocol

from PySide6.QtCore import Qt

MOST_RIVALS = 64
"""So many names are compared with one that is shortened."""
CORE = 6
"""How many letters are kept where names begin to differ."""


class Metrics(Protocol):
    """What measures text: QFontMetrics, or the like."""

    def horizontalAdvance(self, text: str, /) -> int:
        """Return how wide a text is."""

    def elidedText(self, text: str, mode: Qt.TextElideMode, width: int, /) -> str:
        """Return a text cut to a width."""


def kin(name: str) -> tuple[str, ...]:
    """Return what ``shortened`` keeps of a name: names that share it may read alike."""
    parts = name.replace("/", ".").split(".")
    return (*(part for part in parts[:-1] if _numbered(part)), parts[-1][-CORE:])


def shortened(name: str, metrics: Metrics, room: int, rivals: Iterable[str] = ()) -> str:
    """Leave out what is before the numbers of a name with dots or slashes, then what follows them.

    `model.layers.11.self_attn.q_proj.weight` is shortened to `…11.self_attn.q_proj.weight`, and
    further to `…11…q_proj.weight`. What tells it apart from rivals that would read alike stays.
    """
    text = _short(name, metrics, room)
    if text == name:
        return text
    others = [other for other in rivals if other != name][:MOST_RIVALS]
    alike = [other for other in others if _short(other, metrics, room) == text]
    return _told_apart(name, text, alike, metrics, room) if alike else text


def told_apart(names: Sequence[str], cut: Callable[[str], str]) -> list[str]:
    """Return names as they are cut; those that then read alike begin with where they differ."""
    texts = [cut(name) for name in names]
    found = []
    for name, text in zip(names, texts, strict=True):
        alike = [n for n, t in zip(names, texts, strict=True) if t == text and n != name]
        found.append(cut(f"…{_core(name, alike)[1]}… {name}") if alike else text)
    return found


def _numbered(part: str) -> bool:
    return any(map(str.isdigit, part))


def _short(name: str, metrics: Metrics, room: int) -> str:
    if metrics.horizontalAdvance(name) <= room:
        return name
    start, rest, at = "", name, 0
    # Part by part: a pattern with repeats inside of repeats takes cubic time over long numbers.
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
    """A name with the parts that others do not have in their place; else with the letters."""
    parts, marks = _parts(name)
    last = len(parts) - 1
    needed = set()
    for other in alike:
        theirs = _parts(other)[0]
        same = 0
        while same < min(len(parts), len(theirs)) and parts[-1 - same] == theirs[-1 - same]:
            same += 1
        if same == len(parts):
            continue  # the other name shows what it has more
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
    """Where the letters end, and which they are, that a name has where the others differ."""
    starts = [len(commonprefix([name, other])) for other in alike]
    first = max(0, min(max(starts), len(name) - CORE))
    return first + CORE, name[first : first + CORE]


def _parts(name: str) -> tuple[list[str], list[str]]:
    """The parts of a name, and the mark before each."""
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
