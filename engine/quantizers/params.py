"""What goes into and comes out of a quantizer's parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.granularity import CHANNEL, GROUP, PER_TENSOR, Granularity
from quantoscope.engine.text.number_text import short


@dataclass(frozen=True, eq=False)
class Ends:
    """The clipping range of each channel, in the working precision.

    Attributes
    ----------
    low, high : ndarray, shape (channels,)
        Rmin and Rmax.
    peak : ndarray, shape (channels,)
        The end with the larger magnitude, with its sign; of two equal ones that of the value
        that comes first.
    """

    low: FloatArray
    high: FloatArray
    peak: FloatArray


def ends_of(low: FloatArray, high: FloatArray) -> Ends:
    """Return ends whose peak is the farther one, the lower one where both are as far."""
    low, high = np.atleast_1d(low), np.atleast_1d(high)
    with np.errstate(over="ignore", invalid="ignore"):
        return Ends(low, high, np.where(high > -low, high, low))


class Origin(StrEnum):
    """What decided a scale."""

    RANGE = "range"
    """The formula."""
    CONSTANT = "constant"
    """All values are equal."""
    ZEROS = "zeros"
    """All values are 0."""
    FLOOR = "floor"
    """The smallest S there may be."""


@dataclass(frozen=True, eq=False)
class QParams:
    """The parameters that turn values into codes and back.

    Scale, zero point, offset and range are Python numbers for a whole tensor, and arrays of shape
    (channels,) for one set of parameters per channel or group.

    Attributes
    ----------
    mapping : str
        The quantizer family that they belong to.
    format : Format
        The format of the codes.
    scale : float or ndarray of float64
        S, in the unit of the data; of an integer format the distance between neighbouring levels.
    zero_point : int or ndarray
        Z, the code of the real value 0. May lie outside ``qmin … qmax``.
    qmin, qmax : int or float
        The smallest and largest number in use of the format: of an integer format, its codes.
    range : tuple of float or of ndarray
        ``(Rmin, Rmax)``, the clipping range that the scale was taken from.
    dtype : numpy.dtype
        The working precision: float32 or float64.
    origin : Origin or ndarray of str
        What decided the scale.
    arithmetic : Arithmetic
        The choices within the formulas.
    granularity : Granularity
        Which values share parameters.
    offset : float or ndarray
        What is added after the multiplication with S; 0 in most families.
    divisor : float or ndarray, optional
        What values are divided by where that is not the S that is stored.
    """

    mapping: str
    format: Format
    scale: Any
    zero_point: Any
    qmin: float
    qmax: float
    range: tuple[Any, Any]
    dtype: np.dtype[np.floating[Any]]
    origin: Any = Origin.RANGE
    arithmetic: Arithmetic = TEXTBOOK
    granularity: Granularity = PER_TENSOR
    offset: Any = 0.0
    divisor: Any = None
    _facts: tuple[bool, bool] | None = field(default=None, compare=False)
    """``moved`` and ``small_zero_point`` of all channels, where these are some of them."""

    def __repr__(self) -> str:
        family = " ".join(dict.fromkeys((str(self.format), self.mapping)))
        sets = "" if self.count == 1 else f"{self.count:,} sets {self.granularity}, "
        s, z = (
            "…".join(dict.fromkeys(short(end, 6) for end in (np.min(each), np.max(each))))
            for each in (self.scale, self.zero_point)
        )
        ends = f"{short(self.qmin, 6)}…{short(self.qmax, 6)}"
        return f"<QParams {family}: {sets}S = {s}, Z = {z}, Q = {ends}>"

    @property
    def axis(self) -> int | None:
        """The axis that parameters run along; None unless there is one set per channel."""
        return self.granularity.number if self.granularity.kind == CHANNEL else None

    @property
    def group_size(self) -> int | None:
        """How many neighbours along the last axis share parameters; None unless groups do."""
        return self.granularity.number if self.granularity.kind == GROUP else None

    @property
    def count(self) -> int:
        """How many sets of parameters there are."""
        return int(np.size(self.scale))

    @cached_property
    def working_scale(self) -> Any:
        """S rounded once to the working precision, as the array operations use it."""
        return self._working(self.scale)

    @cached_property
    def working_divisor(self) -> Any:
        """What values are divided by, in the working precision."""
        return self.working_scale if self.divisor is None else self._working(self.divisor)

    @cached_property
    def working_zero_point(self) -> Any:
        """Z in the working precision."""
        return self._working(self.zero_point)

    @cached_property
    def moved(self) -> bool:
        """Whether any zero point is not 0."""
        return bool(np.any(self.zero_point)) if self._facts is None else self._facts[0]

    @cached_property
    def small_zero_point(self) -> bool:
        """Whether the distance of a code of 16 bits from Z is exact in float32."""
        if self._facts is not None:
            return self._facts[1]
        return float(np.max(np.abs(self.zero_point), initial=0)) < 2**20

    def _working(self, number: Any) -> Any:
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(number).astype(self.dtype, copy=False)[()]

    def at(self, channels: int | IntArray) -> QParams:
        """Return the parameters of one channel as numbers, or of many aligned with an array."""
        if np.ndim(self.scale) == 0:
            return self
        return self._each(lambda values: values[channels])

    def lean(self, exact_scale: bool) -> QParams:
        """Return the same with arrays in the working precision, where encoding uses no other."""
        if np.ndim(self.scale) == 0 or exact_scale:
            return self
        z = self.working_zero_point
        return replace(
            self,
            scale=self.working_scale,
            divisor=None if self.divisor is None else self.working_divisor,
            zero_point=z if self.small_zero_point else self.zero_point,
        )

    def spread(self, shape: tuple[int, ...], start: int, stop: int) -> QParams:
        """Return the parameters aligned with the flat positions from start to stop."""
        if np.ndim(self.scale) == 0:
            return self

        def along(values: Any) -> Any:
            if np.ndim(values) == 0:
                return values
            return self.granularity.spread(values, shape, start, stop)

        divisor = None if self.divisor is None else along(self.divisor)
        z = along(self.zero_point) if self.moved else 0
        offset = along(self.offset)
        return replace(
            self,
            scale=along(self.scale),
            divisor=divisor,
            zero_point=z,
            offset=offset,
            # What is known of all channels need not be found out again for each stretch.
            _facts=(self.moved, self.small_zero_point),
        )

    def column(self) -> QParams:
        """Return the parameters as columns, to meet an array with one row per channel."""
        if np.ndim(self.scale) == 0:
            return self
        return self._each(lambda values: values[:, None])

    def _each(self, pick: Any) -> QParams:
        def picked(values: Any) -> Any:
            chosen = pick(values)
            return chosen.item() if isinstance(chosen, np.generic) else chosen

        return replace(
            self,
            _facts=None,
            scale=picked(self.scale),
            zero_point=picked(self.zero_point),
            range=(picked(self.range[0]), picked(self.range[1])),
            origin=picked(self.origin),
            offset=picked(self.offset) if np.ndim(self.offset) else self.offset,
            divisor=None if self.divisor is None else picked(self.divisor),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QParams):
            return NotImplemented
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.compare)
        return all(_same(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def qparams_of(
    name: str,
    fmt: Format,
    s: FloatArray,
    z: Any,
    q: tuple[float, float],
    ends: tuple[FloatArray, FloatArray],
    dtype: np.dtype[Any],
    origin: np.ndarray,
    a: Arithmetic,
    granularity: Granularity,
    **others: Any,
) -> QParams:
    """Put parameters together: numbers for a whole tensor, arrays for channels.

    Parameters
    ----------
    name : str
        The quantizer.
    fmt : Format
    s, z : ndarray, shape (channels,)
        Scales and zero points; whole numbers in float64, or Python integers.
    q : tuple of float
        The code range.
    ends : tuple of ndarray
        The clipping range.
    dtype : numpy.dtype
        The working precision.
    origin : ndarray of str
    a : Arithmetic
    granularity : Granularity
    **others : ndarray
        ``offset`` and ``divisor``, where there are such.
    """
    low, high = (np.asarray(end, np.float64) for end in ends)
    if granularity.whole:
        singles: dict[str, Any] = {k: float(v[0]) for k, v in others.items()}
        return QParams(
            name, fmt, float(s[0]), _whole(z[0]), *q, (float(low[0]), float(high[0])), dtype,
            Origin(origin[0]), a, granularity, **singles,
        )  # fmt: skip
    numbers = np.asarray(z, np.float64)
    fits = np.isfinite(numbers).all() and bool((np.abs(numbers) < 2.0**62).all())
    zero_points = numbers.astype(np.int64) if fits else numbers
    return QParams(
        name, fmt, np.asarray(s), zero_points, *q, (low, high), dtype,
        origin.astype(np.str_), a, granularity, **others,
    )  # fmt: skip


def _whole(z: Any) -> int:
    """A whole number as a Python integer of any size; 0 where a runtime's Z is no number."""
    return int(z) if isinstance(z, int) or np.isfinite(z) else 0


def parameter_arrays(p: QParams) -> dict[str, np.ndarray]:
    """Return the parameters as arrays to be saved, with one entry per channel or group if many.

    A zero point that 64 bits cannot hold is a float. ``offset`` is there where R' needs one, and
    ``divisor`` where values were divided by something else than the scale.
    """
    zero_point = np.asarray(p.zero_point)
    if zero_point.dtype.kind == "O":
        zero_point = zero_point.astype(np.float64)
    arrays = {"scale": np.asarray(p.scale), "zero_point": zero_point}
    if np.ndim(p.offset):
        arrays["offset"] = np.asarray(p.offset)
    if p.divisor is not None:
        arrays["divisor"] = np.asarray(p.divisor)
    return arrays


@dataclass(frozen=True)
class Stage:
    """One named step on the way from a value to its code.

    Attributes
    ----------
    key : str
        Its name in a trace, such as ``rounded``.
    symbol : str
        Its column head, such as ``Round``.
    formula : str
        How it follows from earlier stages and parameters, those in braces, such as
        ``{R} / {S}``; fill in symbols or numbers.
    """

    key: str
    symbol: str
    formula: str
