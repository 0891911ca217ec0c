"""Placement of labels in a view without overlaps or cut text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

GAP = 2.0
"""Distance between labels in pixels."""


@dataclass(frozen=True)
class Label:
    """A label in pixel coordinates of its view."""

    point: QPointF
    """Point that it labels."""
    box: QRectF
    """Preferred box."""
    move: Callable[[QRectF | None], None]
    """Called with the assigned box, or None if there is no room."""


def anchored(point: QPointF, width: float, height: float, anchor: tuple[float, float]) -> QRectF:
    """Return the box of a label anchored to a point, by fractions of its width and height."""
    return QRectF(point.x() - anchor[0] * width, point.y() - anchor[1] * height, width, height)


def anchor_of(point: QPointF, box: QRectF) -> tuple[float, float]:
    """Return the anchor of a box at a point, as fractions of its width and height."""
    width, height = max(box.width(), 1.0), max(box.height(), 1.0)
    return (point.x() - box.left()) / width, (point.y() - box.top()) / height


def near(point: QPointF, width: float, height: float, gap: float, rows: int = 0) -> list[QRectF]:
    """Return boxes around a point, the most readable first: right, left, above, below, aslant.

    Those of ``rows`` lines further up and down come last.
    """
    x, y = point.x(), point.y()
    right, left, middle = x + gap, x - gap - width, x - width / 2
    above, below, beside = y - gap - height, y + gap, y - height / 2
    corners = [
        (right, beside), (left, beside), (middle, above), (middle, below),
        (right, above), (left, above), (right, below), (left, below),
    ]  # fmt: skip
    for row in range(1, rows + 1):
        shift = (row + 0.6) * height
        corners += [(side, beside + way) for way in (-shift, shift) for side in (right, left)]
    return [QRectF(*corner, width, height) for corner in corners]


def anywhere(point: QPointF, width: float, height: float, gap: float, room: QRectF) -> list[QRectF]:
    """Return boxes all over a room, line by line, those nearest to a point first."""
    x, y, last = point.x(), point.y(), room.right() - width
    lefts = [
        min(max(left, room.left()), last) for left in (x + gap, x - gap - width, x - width / 2)
    ]
    lines = max(0, int(room.height() // height))
    boxes = [
        QRectF(left, room.top() + line * height, width, height)
        for line in range(lines)
        for left in (*lefts, room.left(), last)
    ]

    def far(box: QRectF) -> float:
        aside = max(box.left() - x, x - box.right(), 0.0)
        return math.hypot(aside, box.center().y() - y)

    return sorted(boxes, key=far)


def free(boxes: Sequence[QRectF], room: QRectF, taken: Sequence[QRectF]) -> QRectF | None:
    """Return the first box inside the room that touches none of the others."""
    for box in boxes:
        wide = box.adjusted(-2 * GAP, -1, 2 * GAP, 1)
        if room.contains(box) and not any(wide.intersects(other) for other in taken):
            return box
    return None


def placed(labels: Sequence[Label], room: QRectF) -> list[QRectF | None]:
    """Return a box for each label, by priority; None if there is no room.

    Each box is as near to the preferred one as possible: above or below, on the other side of
    its point, or at the edge. Labels of points outside the view are not moved.
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
    """Return the nearest free box of a label."""
    box = label.box
    width, height = box.width(), box.height()
    if width > room.width() or height > room.height():
        return None
    if room.contains(box) and not any(box.intersects(other) for other in taken):
        return box
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
