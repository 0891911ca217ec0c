"""Places labels in a view so that none is cut and none hides another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

GAP = 2.0
"""Pixels between labels."""


@dataclass(frozen=True)
class Label:
    """A label in pixels of its view, and how it is moved.

    Attributes
    ----------
    point : QPointF
        What it belongs to.
    box : QRectF
        Where it would like to be.
    move : callable
        Is given the box that it gets, or None where there is no room for it.
    """

    point: QPointF
    box: QRectF
    move: Callable[[QRectF | None], None]


def anchored(point: QPointF, width: float, height: float, anchor: tuple[float, float]) -> QRectF:
    """Return the box of a label that is hung by a share of its width and height from a point."""
    return QRectF(point.x() - anchor[0] * width, point.y() - anchor[1] * height, width, height)


def anchor_of(point: QPointF, box: QRectF) -> tuple[float, float]:
    """Return by which shares of its width and height a box hangs from a point."""
    width, height = max(box.width(), 1.0), max(box.height(), 1.0)
    return (point.x() - box.left()) / width, (point.y() - box.top()) / height


def placed(labels: Sequence[Label], room: QRectF) -> list[QRectF | None]:
    """Return a box inside the room for each label, the first ones first; None where none is free.

    Each stays as near to where it would like to be as it can: up or down, on the other side of
    its point, or at the edge. What belongs to a point outside the room stays where it is.
    """
    taken: list[QRectF] = []
    boxes: list[QRectF | None] = []
    for label in labels:
        if not room.adjusted(-1, -1, 1, 1).contains(label.point):
            boxes.append(label.box)
            continue
        box = _free(label, room, taken)
        boxes.append(box)
        if box is not None:
            taken.append(box.adjusted(-GAP, 0, GAP, 0))
    return boxes


def _free(label: Label, room: QRectF, taken: Sequence[QRectF]) -> QRectF | None:
    """The nearest free box of a label."""
    box = label.box
    width, height = box.width(), box.height()
    if width > room.width() or height > room.height():
        return None
    mirrored = 2 * label.point.x() - box.left() - width
    lefts = [left for left in (box.left(), mirrored) if _fits(left, width, room)]
    lefts.append(min(max(box.left(), room.left()), room.right() - width))
    start = min(max(box.top(), room.top()), room.bottom() - height)
    edges = [edge for other in taken for edge in (other.top() - height, other.bottom())]
    tops = [start, *(top for top in edges if room.top() <= top <= room.bottom() - height)]
    for top in sorted(tops, key=lambda top: abs(top - start)):
        for left in lefts:
            found = QRectF(left, top, width, height)
            if not any(found.intersects(other) for other in taken):
                return found
    return None


def _fits(left: float, width: float, room: QRectF) -> bool:
    return room.left() <= left <= room.right() - width
