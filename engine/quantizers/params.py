"""Quantization parameters and stages."""

from __future__ import annotations

from collections.abc import Callable
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
    """Clipping range per channel, in working precision."""

    low: FloatArray
    high: FloatArray
    """Rmin and Rmax. Shape (channels,)."""
    peak: FloatArray
    """The end with the larger magnitude, with its sign; of two equal ones the value that comes
    first. Shape (channels,)."""


def ends_of(low: FloatArray, high: FloatArray) -> Ends:
    """Return ends whose peak is the one of larger magnitude, the lower one if equal."""
    low, high = np.atleast_1d(low), np.atleast_1d(high)
    with np.errstate(over="ignore", invalid="ignore"):
        return Ends(low, high, np.where(high > -low, high, low))


class Origin(StrEnum):
    """Source of a scale."""

    RANGE = "range"
    """The formula."""
    CONSTANT = "constant"
    """All values are equal."""
    ZEROS = "zeros"
    """All values are 0."""
    FLOOR = "floor"
    """The smallest allowed S."""


@dataclass(frozen=True, eq=False)
class QParams:
    """Parameters that convert values to codes and back.

    Scale, zero point, offset and range are Python numbers for a whole tensor, and arrays of shape
    (channels,) for one set of parameters per channel or group.

    Attributes
    ----------
    mapping : str
        Quantizer family.
    format : Format
        Format of the codes.
    scale : float or ndarray of float64
        S, in the unit of the data; of an integer format the distance between neighbouring levels.
    zero_point : int or ndarray
        Z, the code of the real value 0. May lie outside ``qmin … qmax``.
    qmin, qmax : int or float
        Smallest and largest number in use: codes, for an integer format.
    range : tuple of float or of ndarray
        ``(Rmin, Rmax)``, the clipping range that the scale follows from.
    dtype : numpy.dtype
        Working precision: float32 or float64.
    origin : Origin or ndarray of str
        Source of the scale.
    arithmetic : Arithmetic
        Options of the formulas.
    granularity : Granularity
        Granularity of the parameters.
    offset : float or ndarray
        Term added after the multiplication by S; 0 in most families.
    divisor : float or ndarray, optional
        Divisor of values, if it is not the stored S.
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
    def axes(self) -> tuple[Any, ...] | None:
        """Axes of the channels, or along which the groups lie; None for a whole tensor."""
        return None if self.granularity.whole else self.granularity.axes

    @property
    def axis(self) -> Any:
        """Axis of the parameters; None unless there is one set per index of one axis."""
        axes = self.granularity.axes
        return axes[0] if self.granularity.kind == CHANNEL and len(axes) == 1 else None

    @property
    def group_size(self) -> int | None:
        """Values per group; None unless groups share parameters."""
        return self.granularity.size if self.granularity.kind == GROUP else None

    @property
    def count(self) -> int:
        """Number of parameter sets."""
        return int(np.size(self.scale))

    def comes_from(self, origin: Origin) -> np.ndarray:
        """Return whether the scale of each set has this source, shape (count,)."""
        return np.asarray(self._sources == ord(origin[0]))

    @cached_property
    def _sources(self) -> np.ndarray:
        """First letters of the sources, which differ: comparing texts takes ten times as long."""
        each = np.ascontiguousarray(np.atleast_1d(self.origin))
        return np.ascontiguousarray(each.view(np.uint32).reshape(each.size, -1)[:, 0])

    @cached_property
    def working_scale(self) -> Any:
        """S rounded to working precision, as used by array operations."""
        return self._working(self.scale)

    @cached_property
    def working_divisor(self) -> Any:
        """Divisor of values, in working precision."""
        return self.working_scale if self.divisor is None else self._working(self.divisor)

    @cached_property
    def working_zero_point(self) -> Any:
        """Z in working precision."""
        return self._working(self.zero_point)

    @cached_property
    def moved(self) -> bool:
        """Whether any zero point is nonzero."""
        return bool(np.any(self.zero_point)) if self._facts is None else self._facts[0]

    @cached_property
    def small_zero_point(self) -> bool:
        """Whether the distance of 16-bit codes from Z is exact in float32."""
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
        """Return the parameters with arrays in working precision, if encoding needs no other."""
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
        return self._aligned(lambda values: self.granularity.spread(values, shape, start, stop))

    def of_channels(self, channels: IntArray) -> QParams:
        """Return the parameters of channels, aligned with them, without range and origin."""
        return self._aligned(lambda values: values[channels])

    def reshaped(self, shape: tuple[int, ...]) -> QParams:
        """Return aligned parameters in another shape."""
        return self._aligned(lambda values: values.reshape(shape))

    def _aligned(self, align: Callable[[Any], Any]) -> QParams:
        """Return these parameters with what encoding and decoding need aligned with values."""
        if np.ndim(self.scale) == 0:
            return self

        def along(values: Any) -> Any:
            return values if np.ndim(values) == 0 else align(values)

        return replace(
            self,
            scale=along(self.scale),
            divisor=None if self.divisor is None else along(self.divisor),
            zero_point=along(self.zero_point) if self.moved else 0,
            offset=along(self.offset),
            # Results for all channels need not be recomputed for each slice.
            _facts=(self.moved, self.small_zero_point),
        )

    def column(self) -> QParams:
        """Return the parameters as columns, to broadcast to one row per channel."""
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


def origins(count: int, zeros: np.ndarray, floored: np.ndarray) -> np.ndarray:
    """Return the sources of scales: the range, but for those of zeros and the smallest ones."""
    origin = np.full(count, Origin.RANGE, "U8")
    origin[floored], origin[zeros] = Origin.FLOOR, Origin.ZEROS
    return origin


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
    """Create parameters: numbers for a whole tensor, arrays for channels.

    Scales and zero points (integral float64 numbers, or Python integers), ends, origins and
    ``others`` (``offset`` and ``divisor``, if any) have shape (channels,); ``q`` is the code range,
    and ``dtype`` the working precision.
    """
    low, high = (np.asarray(end, np.float64) for end in ends)
    if granularity.whole:
        singles: dict[str, Any] = {k: float(v[0]) for k, v in others.items()}
        return QParams(
            name, fmt, float(s[0]), _whole(z[0]), *q, (float(low[0]), float(high[0])), dtype,
            Origin(origin[0]), a, granularity, **singles,
        )  # fmt: skip
    numbers = np.asarray(z, np.float64)
    # Those of most are 0, which ``max`` finds without a copy; NaN stays.
    farthest = max(abs(float(numbers.max(initial=0))), abs(float(numbers.min(initial=0))))
    zero_points = numbers.astype(np.int64) if farthest < 2.0**62 else numbers
    return QParams(
        name, fmt, np.asarray(s), zero_points, *q, (low, high), dtype,
        origin if origin.dtype.kind == "U" else origin.astype(np.str_), a, granularity, **others,
    )  # fmt: skip


def _whole(z: Any) -> int:
    """Return an integral number as Python integer; 0 if a runtime's Z is not a number."""
    return int(z) if isinstance(z, int) or np.isfinite(z) else 0


def parameter_arrays(p: QParams) -> dict[str, np.ndarray]:
    """Return the parameters as arrays for saving, one entry per channel or group.

    A zero point beyond 64 bits is a float. ``offset`` is present if R' needs one, and
    ``divisor`` if values were divided by something else than the scale.
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
    """A named stage from a value to its code.

    Attributes
    ----------
    key : str
        Name in a trace, such as ``rounded``.
    symbol : str
        Column head, such as ``Round``.
    formula : str
        Formula with earlier stages and parameters in braces, such as
        ``{R} / {S}``, to fill with symbols or numbers.
    """

    key: str
    symbol: str
    formula: str
