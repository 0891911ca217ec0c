"""What images draw: pooled planes and figures of rows and columns, kept for a while."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from quantoscope.engine import Evaluation, QuantizationError
from quantoscope.engine.analysis.plane_image import PlaneImage, Quantity, plane_image
from quantoscope.engine.analysis.plane_lines import (
    OutlierLines,
    PlaneLines,
    outlier_lines,
    plane_lines,
)
from quantoscope.engine.analysis.planes import Plane, Region, sliced_plane, whole_plane
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.gui.plots.kept_figures import Same

MOST_KEPT, MOST_ARRAYS = 10, 2
"""Number of results kept, and of arrays that these may be of: each keeps its array alive."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Figures of rows and columns, with those that stand out."""

    figures: PlaneLines

    @cached_property
    def outliers(self) -> OutlierLines | None:
        """Rows or columns that stand out."""
        return outlier_lines(self.figures)

    def standing_for(self, in_rows: bool, edges: IntArray, at: int, of_range: bool) -> int:
        """Return which of the rows or columns in a pixel its strip shows: the largest."""
        figures = self.figures.rows if in_rows else self.figures.columns
        pixel = max(0, int(np.searchsorted(edges, at, "right")) - 1)
        first, stop = edges[pixel : pixel + 2].tolist()
        sizes = (figures.peak if of_range else figures.rms_error)[first:stop]
        if not figures.single or np.isnan(sizes).all():
            return at
        return int(first + np.nanargmax(sizes))

    @cached_property
    def zero_rows(self) -> list[tuple[int, int]]:
        """First and last row of each run of rows that are all zero."""
        if not self.figures.rows.single:
            return []
        zero = np.concatenate([[False], self.figures.rows.peak == 0, [False]])
        first, stop = np.flatnonzero(np.diff(zero.astype(np.int8))).reshape(-1, 2).T
        return list(zip(first.tolist(), (stop - 1).tolist(), strict=True))


@dataclass(frozen=True)
class Wanted:
    """An image, or the lines of a plane if there is no quantity."""

    array: Same[FloatArray]
    evaluation: Evaluation | None
    plane: Plane
    quantity: Quantity | None = None
    most: tuple[int, int] = (0, 0)
    region: Region = (0, 0, 0, 0)

    @property
    def cells(self) -> int:
        """Number of cells to read."""
        r0, r1, c0, c1 = self.region
        return (r1 - r0) * (c1 - c0) if self.quantity else self.plane.size

    def compute(self) -> PlaneImage | Lines:
        """Compute it, on any thread."""
        array = self.array.it
        if self.quantity is None:
            return Lines(plane_lines(array, self.evaluation, self.plane))
        return plane_image(
            array, self.evaluation, self.plane, self.quantity, self.most, self.region
        )


class _Kept:
    """The latest results, by what was wanted."""

    def __init__(self) -> None:
        self._found: OrderedDict[Wanted, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._at_work: dict[Wanted, threading.Lock] = {}
        """What some thread computes: others wait for it."""

    def find(self, wanted: Wanted) -> Any:
        """Return a result; None if it is not known."""
        with self._lock:
            found = self._found.get(wanted)
            if found is not None:
                self._found.move_to_end(wanted)
            return found

    def compute(self, wanted: Wanted) -> Any:
        """Return a result, computing it if it is not known."""
        with self._lock:
            at_work = self._at_work.setdefault(wanted, threading.Lock())
        with at_work:
            found = self.find(wanted)
            try:
                if found is None:
                    found = wanted.compute()
                    self._keep(wanted, found)
            finally:
                with self._lock:
                    self._at_work.pop(wanted, None)
        return found

    def _keep(self, wanted: Wanted, found: Any) -> None:
        """Keep a result, and forget the oldest ones."""
        with self._lock:
            self._found[wanted] = found
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)
            arrays = list(dict.fromkeys(one.array for one in reversed(self._found)))
            for one in [w for w in self._found if w.array in arrays[MOST_ARRAYS:]]:
                del self._found[one]


kept = _Kept()


def work_of(wanted: list[Wanted]) -> Callable[[], None]:
    """Return the work that computes several results, on any thread."""

    def work() -> None:
        for one in wanted:
            kept.compute(one)

    return work


def plane_text(row_axis: int, column_axis: int, fixed: tuple[int, ...]) -> str:
    """Return the option's text for a plane of two axes."""
    return f"{row_axis},{column_axis}@{','.join(map(str, fixed))}"


def names_plane(text: str) -> bool:
    """Return whether a text could name a plane of some array."""
    return re.fullmatch(r"(\d{1,2},\d{1,2}@\d{1,10}(,\d{1,10}){2,63})?", text) is not None


def plane_named(text: str, shape: tuple[int, ...]) -> Plane:
    """Return the plane that an option's text names; that of all values if it fits no other."""
    axes, _, fixed = text.partition("@")
    try:
        row, column = map(int, axes.split(","))
        return sliced_plane(shape, row, column, tuple(map(int, fixed.split(","))))
    except (ValueError, QuantizationError):
        return whole_plane(shape)
