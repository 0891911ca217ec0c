"""Base class of calibration methods, and their input."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray, as_working, working_dtype
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.numerics.kernels import (
    Extremes,
    Progress,
    extremes,
    reduce_rows,
    run_extremes,
)
from quantoscope.engine.quantizers import Ends, Quantizer


@dataclass(frozen=True, eq=False)
class Rows:
    """Values per channel."""

    values: FloatArray
    """Finite, except NaN at empty positions if ``gaps`` is set. Shape (channels, n), from
    ``as_stored``."""
    gaps: bool
    """Whether any position is empty."""

    def lowest(self) -> FloatArray:
        """Return the minimum per channel, shape (channels,); NaN for an empty channel."""
        return self._reduced(np.fmin if self.gaps else np.minimum)

    def highest(self) -> FloatArray:
        """Return the maximum per channel."""
        return self._reduced(np.fmax if self.gaps else np.maximum)

    def _reduced(self, better: Any) -> FloatArray:
        return reduce_rows(self.values, better)

    def channel(self, number: int) -> FloatArray:
        """Return the values of one channel, shape (n,)."""
        row = self.values[number]
        return np.asarray(row[~np.isnan(row)] if self.gaps else row)


@dataclass(frozen=True, eq=False)
class Task:
    """Input of a calibration method."""

    x: FloatArray
    """From ``as_stored``, any shape."""
    quantizer: Quantizer
    format: Format
    granularity: Granularity
    """Which values share a range."""
    arguments: tuple[float, ...]
    """The method's numbers."""
    arithmetic: Arithmetic
    step: Progress | None = None
    """Progress callback."""
    known: Extremes | None = None
    """Of the values, where they are known."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The working precision."""
        return working_dtype(self.x.dtype)

    def rows(self) -> Rows:
        """Return the finite values per channel in working precision, as ``stored_rows``."""
        found = self.stored_rows()
        return replace(found, values=as_working(found.values, allow_empty=True))

    def stored_rows(self) -> Rows:
        """Return the finite values per channel; a channel without any counts as zeros.

        Raises
        ------
        QuantizationError
            If no value is finite, or the array has no such axis.
        """
        x, known = self.x, self.known
        self.granularity.check(x.shape)
        if self.granularity.whole:
            return Rows(finite_values(x, known).reshape(1, -1), gaps=False)
        all_finite = finite_values(x, known).size == x.size
        rows = self.granularity.split(x)
        if all_finite and rows.size == x.size:
            return Rows(rows, gaps=False)
        finite = np.isfinite(rows)
        rows = np.where(finite, rows, rows.dtype.type(np.nan))
        rows[~finite.any(axis=1)] = 0
        return Rows(rows, gaps=True)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Return the smallest and largest finite value per channel, as of ``rows``."""
        x, g = self.x, self.granularity
        g.check(x.shape)
        if made := self._compiled_extremes():
            return made[0], made[1]
        if not g.whole and finite_values(x, self.known).size == x.size:
            ends = [g.layout(x.shape).reduced(x, better) for better in (np.minimum, np.maximum)]
            if ends[0] is not None and ends[1] is not None:
                return ends[0], ends[1]
        rows = self.stored_rows()
        return rows.lowest(), rows.highest()

    def peaks(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the extremes, and which value of the largest magnitude comes first."""
        self.granularity.check(self.x.shape)
        if made := self._compiled_extremes(peaks=True):
            return made[0], made[1], made[2]
        rows = self.rows()
        size = np.abs(rows.values)
        first = np.argmax(np.where(np.isnan(size), -1, size) if rows.gaps else size, axis=1)
        return rows.lowest(), rows.highest(), rows.values[np.arange(first.size), first]

    def _compiled_extremes(self, peaks: bool = False) -> tuple[np.ndarray, ...] | None:
        """Return the extremes of channels that follow each other; None without compiled loops."""
        x, layout = self.x, self.granularity.layout(self.x.shape)
        if self.granularity.whole or not layout.follows:
            return None
        made = run_extremes(x, layout.lines, layout.size, peaks)
        if made is not None and (nothing := np.isnan(made[0])).any():
            if nothing.all():
                finite_values(x)  # raises, as no value is finite
            for each in made:
                each[nothing] = 0
        return made


class Method(ABC):
    """A calibration method.

    Attributes
    ----------
    name : str
        Name in scheme text.
    signature : str
        Notation with its arguments.
    summary : str
        One sentence for the user.
    counts : tuple of int
        Allowed numbers of arguments; ``(0, 1, 2)`` for none, one or two.
    source : str
        Reference of the method.
    from_extremes : bool
        Whether the range contains all values, so that none is clipped: the evaluation does not
        look for clipped values then.
    computes : bool
        Whether it uses squares, differences or histograms, which may overflow.
        The values are then divided by a power of two before ``ends`` sees them, and the ends
        multiplied by it.
    searches : bool
        Whether it tries many ranges, which takes long: Compare then requests fewer of them.
    clips_blindly : bool
        Whether it clips values without considering the error: the evaluation then warns
        if it increases the error.
    by_hand : bool
        Whether its two numbers are the range.
    first : tuple of float
        The numbers that a form offers at first.
    arithmetic_fields : tuple of str
        The fields of ``Arithmetic`` that the range depends on.
    depends_on_format : bool
        Whether the range depends on the format. Compare takes a range for that of another scheme
        where neither these fields nor the format differ.
    """

    name: ClassVar[str]
    signature: ClassVar[str]
    summary: ClassVar[str]
    counts: ClassVar[tuple[int, ...]] = (0,)
    source: ClassVar[str] = ""
    from_extremes: ClassVar[bool] = False
    computes: ClassVar[bool] = False
    searches: ClassVar[bool] = False
    clips_blindly: ClassVar[bool] = False
    by_hand: ClassVar[bool] = False
    first: ClassVar[tuple[float, ...]] = ()
    arithmetic_fields: ClassVar[tuple[str, ...]] = ()
    depends_on_format: ClassVar[bool] = False

    @abstractmethod
    def ends(self, task: Task) -> Ends:
        """Return the range per channel, in the dtype of the values.

        For a family with a ``symmetric_range`` it is ±T. The values must not be changed, and the
        range of a channel is the same whatever lies beside it or in which order it is stored. A
        range without width is allowed; the scale is then taken from its ends. Long work calls
        ``task.step``.

        Raises
        ------
        QuantizationError
            If there is none.
        """

    def problem(self, arguments: Sequence[float]) -> str:
        """Return what is wrong with the arguments; empty if nothing is."""
        return ""

    def origin(self, calibration: str) -> str:
        """Return the origin of the range, in two or three words."""
        return f"range by {calibration}"

    def warnings(
        self,
        shape: tuple[int, ...],
        granularity: Granularity,
        fmt: Format,
        arguments: Sequence[float],
        arithmetic: Arithmetic,
    ) -> list[str]:
        """Return warnings on limits of the method for an array of this shape."""
        return []


def finite_values(x: FloatArray, known: Extremes | None = None) -> FloatArray:
    """Return the finite values, shape (n,); a flat view of the array if all are.

    Raises
    ------
    QuantizationError
        If there is none.
    """
    flat = x.reshape(-1)
    if (extremes(x) if known is None else known).finite:
        return flat
    finite = flat[np.isfinite(flat)]
    if finite.size == 0:
        raise QuantizationError(
            "The array has no finite value (only NaN or infinities) to take a range from."
        )
    return finite


def extreme_exponent(x: FloatArray, known: Extremes | None = None) -> int:
    """Return the power of two to divide by before squaring or subtracting; usually 0.

    The squares of numbers near the ends of float64 are 0 or infinite there.
    """
    if x.dtype != np.float64:
        return 0
    ends = extremes(x) if known is None else known
    reach = max(abs(float(ends.low)), abs(float(ends.high)))
    if reach == 0 or not math.isfinite(reach):
        return 0
    exponent = math.frexp(reach)[1]
    return exponent if abs(exponent) > 400 else 0


def inside(low: Any, high: Any, threshold: Any, quantizer: Quantizer) -> tuple[Any, Any]:
    """Return ``[low, high]`` limited to ±threshold; ±threshold if the range is symmetric."""
    if quantizer.symmetric_range:
        return -threshold, threshold
    inner = np.maximum(low, -threshold), np.minimum(high, threshold)
    some = inner[0] < inner[1]
    return np.where(some, inner[0], -threshold)[()], np.where(some, inner[1], threshold)[()]


def shortest(number: float) -> str:
    """Return the shortest text that reads back as the same float; −0 gives 0."""
    return repr(float(number) + 0.0).removesuffix(".0")
