"""Interface of quantizer families."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, IntArray, Places
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.quantizers.params import Ends, QParams, Stage


@dataclass(frozen=True)
class Choice:
    """A choice in which two schemes or families differ."""

    key: str
    title: str
    """Identifier, and title for the user."""
    first: str
    second: str
    """The choice of each of the two."""


Change = tuple[Choice, Callable[["Quantizer"], "Quantizer"]]
"""A choice, and what converts a family with the first option to the same with the second."""


@dataclass(frozen=True)
class AffineEquivalent:
    """An affine scheme with the same codes as a format of its own definition."""

    format: str
    mapping: str
    arithmetic: Arithmetic
    rest: Choice
    """The remaining difference, first that of the affine scheme."""


CODE = Stage("code", "Code", "Bits({clipped})")
"""Last stage of formats whose codes are not the numbers themselves."""


class Quantizer(ABC):
    """A family of quantizers: its parameters, codes and reconstructed values.

    Formulas have their inputs in braces: ``{R}``, ``{S}``, ``{Z}``, ``{Q}`` (the number
    that the code stands for), ``{Qmin}``, ``{Qmax}``, ``{Rmin}``, ``{Rmax}``, ``{maxR}`` (the
    larger of |Rmin| and |Rmax|) and the keys of earlier stages.

    Everything that shows or measures a quantizer goes through this interface and never asks
    which family it holds. Parameters may be numbers or arrays that broadcast against the values.
    """

    name: str
    summary: str
    symmetric_range: bool = False
    """Whether the clipping range is symmetric around 0."""
    fixed_range: bool = False
    """Whether the range is always the extremes of the data, so that no calibration applies."""
    exact_scale: bool = False
    """Whether values meet S and its divisor in float64, before these are rounded to the working
    precision."""
    affine: bool = False
    """Whether Q = Clip(Round(R/S) + Z) or Clip(Round(R/S + Z)), and R' = (Q − Z)·S: what other
    programs make of S and Z."""
    own_format: Format | None = None
    """The format that the family brings along; None if formats are chosen."""
    arithmetic_fields: tuple[str, ...] = ()
    """The fields of ``Arithmetic`` that the family heeds beside those that all affine ones do."""
    cast_remark: str = ""
    """What becomes of numbers that are not finite when they are cast to codes."""

    def refuses(self, fmt: Format) -> str:
        """Return why the family does not support a format; empty if it does."""
        if self.own_format is not None:
            return "" if fmt.mapping == self.name else f"{self.name} is a format of its own"
        if fmt.integer and not fmt.mapping:
            return ""
        return f"{self.name} takes an integer format, not {fmt}"

    def changes_to(self, other: Quantizer) -> list[Change]:
        """Return the choices that convert this family to another one, in any order.

        One, unless overridden.
        """
        if other is self:
            return []
        return [(Choice("format", "Format", self.name, other.name), lambda _: other)]

    def affine_equivalent(self) -> AffineEquivalent | None:
        """Return the affine scheme with the same codes; None if there is none."""
        return None

    def shares_codes(self, other: Quantizer) -> bool:
        """Return whether equal codes of both families mean equal multiples of S."""
        return other.name == self.name

    def encoding_key(self) -> object:
        """Return a value with equal repr for quantizers that make the same codes."""
        return self.name

    def has_zero_point(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> bool:
        """Return whether Z may differ from 0."""
        return False

    def code_range(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[float, float]:
        """Return the smallest and largest number that this family uses of a format."""
        return fmt.qmin, fmt.qmax

    @abstractmethod
    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        """Return the formula of S."""

    def scale_before_storage(self, p: QParams) -> float:
        """Return S of one channel before it is rounded for storage."""
        return float(p.scale)

    def zero_point_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        """Return the formula of Z; ``0`` if there is none."""
        return "0"

    def zero_point_formula_of(self, p: QParams) -> str:
        """Return the formula of one channel's Z, if it depends on the range."""
        return self.zero_point_formula(p.format, p.arithmetic)

    def offset_formula(self) -> str:
        """Return the formula of the offset; empty if there is none."""
        return ""

    @abstractmethod
    def stage_list(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[Stage, ...]:
        """Return the stages from the value to its code.

        ``rounded`` is made of the stage before it, and ``clipped`` of the one before that.
        """

    def reconstruction(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> Stage:
        """Return the stage from the code back to R'."""
        distance = "({Q} − {Z})" if self.has_zero_point(fmt, arithmetic) else "{Q}"
        return Stage("reconstructed", "R′", f"{distance} · {{S}}")

    @abstractmethod
    def parameters(
        self, ends: Ends, fmt: Format, arithmetic: Arithmetic, granularity: Granularity
    ) -> QParams:
        """Return the parameters for clipping ranges, one per channel.

        It never raises: a scale that overflows is infinite.
        """

    @abstractmethod
    def stages(
        self, r: FloatArray, p: QParams, where: Places = None, out: Buffer = None
    ) -> Iterator[tuple[str, FloatArray]]:
        """Yield every stage of ``stage_list`` before Clip for the values ``r``, by key, in order.

        Called with numpy's floating-point warnings off: overflow and NaN are outcomes here. The
        parameters are numbers, or arrays that broadcast against ``r``; every stage may reuse
        ``out``.
        """

    def clip(self, number: FloatArray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        """Return the last stage of ``stages`` clipped to the code range; may use ``out``."""
        return np.asarray(np.clip(number, p.qmin, p.qmax, out=out))

    @abstractmethod
    def decode(self, codes: np.ndarray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        """Return the values reconstructed from codes, in working precision; may use ``out``."""

    @abstractmethod
    def parameter_bits(self, p: QParams) -> int:
        """Return the storage of one set of parameters in bits."""

    def encode(
        self,
        r: FloatArray,
        p: QParams,
        where: Places = None,
        out: Buffer = None,
        codes: IntArray | None = None,
        inside: bool = False,
    ) -> tuple[IntArray, np.ndarray | None]:
        """Return the codes of ``r``, which has no NaN, and where they saturated.

        Codes are written to ``codes``, if given. ``inside`` says whether there is known to be no
        saturation; the other parameters are as for ``stages``.

        Returns
        -------
        codes : ndarray
        saturated : ndarray of int8, or None where nothing saturates
            −1 if the rounded number was below the code range, 1 if above.
        """
        saturated: np.ndarray | None = None
        with np.errstate(all="ignore"):
            *_, (_, number) = self.stages(r, p, where, out)
            # Without saturation Clip has no effect.
            if not inside and not _within(number, p):
                saturated = _sides(number, p)
                number = self.clip(number, p, out)
        packed = self.pack(np.asarray(number), r, p, codes)
        if codes is None or packed is codes:
            return packed, saturated
        codes[...] = packed
        return codes, saturated

    def pack(self, number: FloatArray, r: FloatArray, p: QParams, out: IntArray | None) -> IntArray:
        """Return the codes of the numbers made of ``r``; may use ``out``."""
        return p.format.pack(number, out)

    def codes(self, p: QParams) -> IntArray:
        """Return every code, in the order of their numbers, shape ``(n,)``."""
        numbers = p.format.numbers(p.qmin, p.qmax)
        if p.format.integer:
            return numbers.astype(np.int64)
        return p.format.pack(numbers.astype(p.dtype)).astype(np.int64)

    def places(self, codes: np.ndarray, p: QParams) -> IntArray:
        """Return the indices of codes in ``codes(p)``."""
        if p.format.integer:
            return codes.astype(np.int64) - int(p.qmin)
        numbers = p.format.numbers(p.qmin, p.qmax)
        every = p.format.unpack(np.arange(p.format.code_count))
        known = np.clip(np.searchsorted(numbers, every), 0, numbers.size - 1)
        return known[codes.astype(np.intp)]

    def levels(self, p: QParams) -> FloatArray:
        """Return the level of every code of one channel, in code order, shape ``(n,)``."""
        return self.decode(self.codes(p).astype(p.format.dtype), p)

    def bound(self, r: FloatArray, p: QParams) -> Any:
        """Return the largest error of values that are not clipped, in the unit of R.

        That of rounding, and where values are divided by d but reconstructed with a rounded S, what
        that makes: with (Q − Z) = R/d + ε it is |R|·|S/d − 1| + |S·ε|. Where it depends on the
        value, it is NaN for one that is not finite, or is divided to none.
        """
        values = np.asarray(r).astype(np.float64)
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            gap: Any = 1.0
            scaled = values
            if not p.format.integer:
                scaled = values.astype(p.dtype) / p.working_divisor
                gap = p.format.gap(scaled).astype(np.float64)
            bound = p.arithmetic.reach * gap * np.abs(p.scale)
            if p.divisor is None and p.format.integer:
                return bound
            if p.divisor is not None:
                bound = bound + np.abs(values) * np.abs(np.asarray(p.scale) / p.divisor - 1)
            return np.where(np.isfinite(scaled) & np.isfinite(values), bound, np.nan)


def _within(number: FloatArray, p: QParams) -> bool:
    """Return whether all numbers, without NaN, are in the code range."""
    return not number.size or bool(p.qmin <= number.min() and number.max() <= p.qmax)


def _sides(number: FloatArray, p: QParams) -> np.ndarray:
    """Return −1 below the code range, 1 above, else 0."""
    above, below = (np.asarray(cut).view(np.int8) for cut in (number > p.qmax, number < p.qmin))
    return np.asarray(above - below)


def unclipped_key(stages: tuple[Stage, ...]) -> str:
    """Return the key of the stage before Clip."""
    keys = [stage.key for stage in stages]
    return keys[keys.index("clipped") - 1]


def unrounded_key(stages: tuple[Stage, ...]) -> str:
    """Return the key of the stage before rounding."""
    keys = [stage.key for stage in stages]
    return keys[keys.index("rounded") - 1]
