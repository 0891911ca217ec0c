"""Labels of the values of a number line: which fit, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantoscope.gui.plots.number_line_rows import GAP, Ground

LEAN = 70.0
"""Maximum distance of a label from its value."""


@dataclass(frozen=True)
class ValueLabel:
    """The label of a value, or of several equal ones."""

    x: float
    """Where the value lies."""
    at: float
    """Where the middle of the label stands."""
    text: str
    dots: tuple[int, ...]
    chosen: bool


def dot_positions(ground: Ground) -> np.ndarray:
    """Return the pixel position of every value; NaN has none, infinities stand at the ends."""
    values = np.array([dot.value for dot in ground.dots])
    x = ground.scale.x(values)
    ends = np.where(values > 0, ground.width - 5, 5.0)
    return np.where(np.isinf(values), ends, x)


def value_labels(ground: Ground, x: np.ndarray, first: Sequence[int]) -> tuple[ValueLabel, ...]:
    """Return the labels that fit side by side, from left to right.

    Labels lean away from each other, equal values share one, and where that is not enough, the
    chosen value comes first, then others given, the ends, and then some from all over the line.

    Parameters
    ----------
    ground : Ground
    x : ndarray
        Positions of the values.
    first : sequence of int
        Values whose labels come before others.
    """
    found: dict[str, list[int]] = {}
    for i, dot in enumerate(ground.dots):
        if 0 <= x[i] <= ground.width:
            found.setdefault(dot.text, []).append(i)
    labels = []
    for text, dots in found.items():
        at = float(x[dots[0]])
        text = f"{text} ×{len(dots)}" if len(dots) > 1 else text
        labels.append(ValueLabel(at, at, text, tuple(dots), ground.chosen in dots))
    labels.sort(key=lambda label: label.x)
    widths = [ground.measure.advance(label.text, label.chosen) for label in labels]
    kept: list[int] = []
    places: list[float] = []
    for i in _by_rank(labels, first):
        tried = sorted([*kept, i])
        centres = [labels[j].x for j in tried]
        found_at = spread(centres, [widths[j] for j in tried], 1.0, ground.width - 1.0, GAP)
        if found_at is not None and np.abs(np.subtract(found_at, centres)).max() <= LEAN:
            kept, places = tried, found_at
    return tuple(
        ValueLabel(label.x, at, label.text, label.dots, label.chosen)
        for label, at in zip((labels[j] for j in kept), places, strict=True)
    )


def _by_rank(labels: Sequence[ValueLabel], first: Sequence[int]) -> list[int]:
    """Return the order in which labels get their room."""
    count = len(labels)
    # Middles of ever smaller parts, so that what fits is from all over the line.
    halves = sorted(range(count), key=lambda i: f"{i:08b}"[::-1])
    ends = {0, count - 1}
    return sorted(
        halves,
        key=lambda i: (
            not labels[i].chosen,
            not any(dot in first for dot in labels[i].dots),
            i not in ends,
        ),
    )


def spread(
    centres: Sequence[float], widths: Sequence[float], low: float, high: float, gap: float
) -> list[float] | None:
    """Return centres of boxes in this order that do not touch, as near to the given as can be.

    None if they do not fit. Neighbours that would touch form a group around their mean.
    """
    if sum(widths) + gap * (len(widths) - 1) > high - low:
        return None
    groups: list[tuple[list[int], float, float]] = []
    for i, (centre, width) in enumerate(zip(centres, widths, strict=True)):
        group: tuple[list[int], float, float] = ([i], centre, width)
        while groups:
            members, middle, size = groups[-1]
            if middle + size / 2 + gap <= group[1] - group[2] / 2:
                break
            groups.pop()
            both = members + group[0]
            total = size + gap + group[2]
            # The mean of where the group's left end would have to be for each of its boxes.
            left, offset = 0.0, 0.0
            for member in both:
                left += centres[member] - offset - widths[member] / 2
                offset += widths[member] + gap
            start = min(max(left / len(both), low), high - total)
            group = (both, start + total / 2, total)
        members, middle, size = group
        middle = min(max(middle, low + size / 2), high - size / 2)
        groups.append((members, middle, size))
    found = [0.0] * len(widths)
    for members, middle, size in _unpushed(groups, high, gap):
        x = middle - size / 2
        for member in members:
            found[member] = x + widths[member] / 2
            x += widths[member] + gap
    return found


def _unpushed(
    groups: list[tuple[list[int], float, float]], high: float, gap: float
) -> list[tuple[list[int], float, float]]:
    """Move groups to the left that the last ones, held at the end, would cover."""
    found = []
    for members, middle, size in reversed(groups):
        middle = min(middle, high - size / 2)
        found.append((members, middle, size))
        high = middle - size / 2 - gap
    return found[::-1]
