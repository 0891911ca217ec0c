"""Tab order of windows: part by part, and within each in reading order."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QScrollArea, QWidget

PLACE = "place-"
"""Begin of the object names of places, which are read one after the other."""


def tab_order(window: QWidget, parts: Sequence[QWidget]) -> list[QWidget]:
    """Return the widgets that Tab goes to: those of each part, then all others.

    Qt has the order in which widgets were created, and views come and go.
    """
    every = [one for one in window.findChildren(QWidget) if _takes_tab(one, window)]
    found: list[QWidget] = []
    for part in (*parts, window):
        here = [one for one in every if part.isAncestorOf(one) and one not in found]
        blocks: dict[QWidget, list[QWidget]] = {}
        for one in here:
            blocks.setdefault(_block_of(one, part), []).append(one)
        # What stands beside the places, such as their tabs, comes before them.
        found += _read(blocks.pop(part, []), window)
        for block in _read(list(blocks), window):
            found += _read(blocks[block], window)
    return found


def go_on(window: QWidget, parts: Sequence[QWidget], onward: bool) -> bool:
    """Give the focus to the next or previous widget; return whether there is one."""
    order, now = tab_order(window, parts), window.focusWidget()
    if now not in order:
        return False
    step = 1 if onward else -1
    other = order[(order.index(now) + step) % len(order)]
    reason = Qt.FocusReason.TabFocusReason if onward else Qt.FocusReason.BacktabFocusReason
    other.setFocus(reason)
    above = other.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(other)
        above = above.parentWidget()
    return True


def _takes_tab(widget: QWidget, window: QWidget) -> bool:
    tab = Qt.FocusPolicy.TabFocus
    return (
        widget.isVisible()
        and widget.focusPolicy() & tab == tab
        and widget.focusProxy() is None
        and widget.isEnabled()
        and widget.window() is window
    )


def _block_of(widget: QWidget, part: QWidget) -> QWidget:
    """Return the place that a widget is in, or the part."""
    above: QWidget | None = widget
    while above is not None and above is not part:
        if above.objectName().startswith(PLACE):
            return above
        above = above.parentWidget()
    return part


def _read(widgets: list[QWidget], window: QWidget) -> list[QWidget]:
    """Sort widgets row by row, each from left to right."""
    boxes = {one: QRect(one.mapTo(window, QPoint()), one.size()) for one in widgets}
    waiting = sorted(widgets, key=lambda one: boxes[one].top())
    found: list[QWidget] = []
    while waiting:
        bottom = boxes[waiting[0]].bottom()
        row = [one for one in waiting if boxes[one].center().y() <= bottom]
        row = row or waiting[:1]
        found += sorted(row, key=lambda one: boxes[one].left())
        waiting = [one for one in waiting if one not in row]
    return found
