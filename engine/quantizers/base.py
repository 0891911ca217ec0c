"""What a quantizer family must say of itself, and what the evenly spaced families share."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.arithmetic import TEXTBOOK, Arithmetic
from engine.arrays import FloatArray, IntArray
from engine.errors import QuantizationError
from engine.formats import Format


@dataclass(frozen=True)
class QParams:
    """The parameters that turn values into codes and back.

    Attributes
    ----------
    mapping : str
        The quantizer family that they belong to.
    format : Format
        The format of the codes.
    scale : float
        S, the distance between neighbouring levels, in float64, in the unit of the data.
    zero_point : int
        Z, the code of the real value 0. May lie outside ``qmin … qmax``.
    qmin, qmax : int
        The smallest and largest code in use.
    range : tuple of float
        ``(Rmin, Rmax)``, the clipping range that the scale was taken from.
    dtype : numpy.dtype
        The working precision: float32 or float64.
    origin : str
        What decided the scale: ``"range"`` (the formula), ``"constant"`` (all values equal),
        ``"zeros"`` (all values 0) or ``"floor"`` (the smallest number of the precision).
    arithmetic : Arithmetic
        How values are rounded, and whether S is a power of two.
    axis : int or None
        The axis that parameters run along; None: one set for the whole tensor.
    """

    mapping: str
    format: Format
    scale: float
    zero_point: int
    qmin: int
    qmax: int
    range: tuple[float, float]
    dtype: np.dtype[np.floating[Any]]
    origin: str = "range"
    arithmetic: Arithmetic = TEXTBOOK
    axis: int | None = None

    @property
    def working_scale(self) -> np.floating[Any]:
        """S rounded once to the working precision, as the array operations use it."""
        return self.dtype.type(self.scale)


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


class Quantizer(ABC):
    """A family of quantizers: how parameters, codes and rebuilt values follow from each other.

    Formulas name in braces what goes into them: ``{R}``, ``{S}``, ``{Z}``, ``{Q}``, ``{Qmin}``,
    ``{Qmax}``, ``{Rmin}``, ``{Rmax}``, ``{maxR}`` (the larger of |Rmin| and |Rmax|) and the
    keys of earlier stages.

    Everything that shows or measures a quantizer goes through this interface and never asks
    which family it holds.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    scale_formula: ClassVar[str]
    zero_point_formula: ClassVar[str]
    stage_list: ClassVar[tuple[Stage, ...]]
    reconstruction: ClassVar[Stage]
    mirrored: ClassVar[bool] = False
    """Whether the clipping range reaches equally far on both sides of 0."""

    @abstractmethod
    def code_range(self, fmt: Format) -> tuple[int, int]:
        """Return the smallest and largest code that this family uses of a format."""

    @abstractmethod
    def parameters(
        self,
        r_min: np.floating[Any],
        r_max: np.floating[Any],
        fmt: Format,
        arithmetic: Arithmetic = TEXTBOOK,
    ) -> QParams:
        """Return the parameters for the clipping range ``[r_min, r_max]``.

        The two ends are numpy scalars of the working precision.
        """

    @abstractmethod
    def stages(self, r: FloatArray, p: QParams) -> Mapping[str, FloatArray]:
        """Return every stage of ``stage_list`` for the values ``r``, by key."""

    @abstractmethod
    def encode(self, r: FloatArray, p: QParams) -> tuple[IntArray, np.ndarray]:
        """Return the codes of ``r`` (no NaN among them), and where they saturated.

        The second array is int8: −1 where the rounded code lay below the code range, 1 where
        it lay above, 0 elsewhere.
        """

    @abstractmethod
    def decode(self, codes: np.ndarray, p: QParams) -> FloatArray:
        """Return the rebuilt values of codes, in the working precision."""

    @abstractmethod
    def codes(self, p: QParams) -> IntArray:
        """Return every code, in the order of the values they stand for, shape ``(n,)``."""

    @abstractmethod
    def parameter_bits(self, p: QParams) -> int:
        """Return how many bits the parameters take in storage."""

    def levels(self, p: QParams) -> FloatArray:
        """Return the values that the codes stand for, ascending, shape ``(n,)``."""
        return self.decode(self.codes(p), p)


class Uniform(Quantizer):
    """What families with evenly spaced levels share: R' = (Q − Z)·S and its degenerate cases."""

    zero_point_formula: ClassVar[str] = "0"

    def code_range(self, fmt: Format) -> tuple[int, int]:
        return fmt.qmin, fmt.qmax

    def used_range(self, r_min: Any, r_max: Any, fmt: Format) -> tuple[Any, Any]:
        """Return the clipping range that this family makes of the calibrated one."""
        return r_min, r_max

    @abstractmethod
    def scale(self, r_min: Any, r_max: Any, qmin: int, qmax: int) -> float:
        """Return S in float64; 0 where the range has no extent."""

    def constant(self, value: Any, qmin: int, qmax: int) -> tuple[Any, Any, float]:
        """Return Rmin, Rmax and S for a range without extent, so that ``value`` is a level."""
        return value, value, float(abs(value)) / qmax

    def zero_point(self, r_max: Any, s: float, qmax: int) -> int:
        """Return Z; 0 in families without one."""
        return 0

    def parameters(
        self,
        r_min: np.floating[Any],
        r_max: np.floating[Any],
        fmt: Format,
        arithmetic: Arithmetic = TEXTBOOK,
    ) -> QParams:
        qmin, qmax = self.code_range(fmt)
        dtype = np.dtype(type(r_max))
        origin = "range"
        r_min, r_max = self.used_range(r_min, r_max, fmt)
        s = self.scale(r_min, r_max, qmin, qmax)
        if r_min == r_max == 0:
            s, origin = 1.0, "zeros"
        elif r_min == r_max and s == 0:
            r_min, r_max, s = self.constant(r_max, qmin, qmax)
            origin = "constant"
        if arithmetic.pow2:
            s = next_power_of_two(s)
        with np.errstate(over="ignore", under="ignore"):
            working = dtype.type(s)
        if not np.isfinite(working):
            raise QuantizationError(
                f"The range from {r_min} to {r_max} is too wide: its scale overflows {dtype.name}."
            )
        if working == 0:
            s, origin = float(np.finfo(dtype).smallest_subnormal), "floor"
        return QParams(
            mapping=self.name,
            format=fmt,
            scale=s,
            zero_point=self.zero_point(r_max, s, qmax),
            qmin=qmin,
            qmax=qmax,
            range=(float(r_min), float(r_max)),
            dtype=dtype,
            origin=origin,
            arithmetic=arithmetic,
        )

    def encode(self, r: FloatArray, p: QParams) -> tuple[IntArray, np.ndarray]:
        stages = self.stages(r, p)
        rounded = stages["rounded"]
        saturated = (rounded > p.qmax).astype(np.int8) - (rounded < p.qmin).astype(np.int8)
        # Arithmetic on an array without axes gives numpy scalars; an array is promised.
        return np.asarray(stages["clipped"].astype(p.format.dtype)), np.asarray(saturated)

    def decode(self, codes: np.ndarray, p: QParams) -> FloatArray:
        # float64 takes Q − Z exactly as long as |Z| < 2^53; rounding it to the working precision
        # is the formula's step.
        distance = codes.astype(np.float64) - float(p.zero_point)
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(distance.astype(p.dtype) * p.working_scale)

    def parameter_bits(self, p: QParams) -> int:
        return 8 * p.dtype.itemsize

    def codes(self, p: QParams) -> IntArray:
        every_code: IntArray = np.arange(p.qmin, p.qmax + 1)
        return every_code


def next_power_of_two(s: float) -> float:
    """Return the smallest power of two that is not below S; 0 for 0."""
    mantissa, exponent = math.frexp(s)
    if mantissa in (0.0, 0.5):
        return s
    return math.ldexp(1.0, exponent) if exponent < sys.float_info.max_exp else math.inf


def extent(r_min: Any, r_max: Any) -> float:
    """Return Rmax − Rmin, taken in the working precision, or in float64 should that overflow."""
    with np.errstate(over="ignore"):
        difference = float(r_max - r_min)
    return difference if math.isfinite(difference) else float(r_max) - float(r_min)
