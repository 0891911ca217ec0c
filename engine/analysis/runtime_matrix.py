"""One scheme in every runtime: how many S, Z, codes and reconstructed values differ, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.analysis.comparison import Cause, Compared, cause_at
from quantoscope.engine.analysis.worked_value import worked_line
from quantoscope.engine.calibration import Calibration
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.clip_range import ClipRanges
from quantoscope.engine.evaluation.evaluator import calibrate_known, parameters_of
from quantoscope.engine.evaluation.result import applied
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray, as_working
from quantoscope.engine.numerics.kernels import Progress, Scratch, flat_block, over_blocks
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import QUANTIZERS, Ends, QParams
from quantoscope.engine.quantizers.params import ends_of
from quantoscope.engine.schemes.nearest import nearest
from quantoscope.engine.schemes.runtimes import RUNTIMES, Evidence
from quantoscope.engine.schemes.scheme import Scheme, as_scheme
from quantoscope.engine.text.number_text import short

LAST_DIGIT = 2
"""Largest difference in the last digit, in units in the last place: that of S and one rounding."""
_PASS = 100
"""Parts of the progress that the pass over the values has."""


@dataclass(frozen=True)
class Difference:
    """How many figures differ.

    Attributes
    ----------
    count, of : int
        Number of those that differ, and of all.
    last : int
        Number of those that differ in their last digit only, in float32 or the coarser of both
        precisions.
    """

    count: int
    of: int
    last: int = 0


@dataclass(frozen=True)
class Parting:
    """The first value that differs, under both schemes.

    Attributes
    ----------
    position : int
        Flat position of the first code that differs; of the first reconstructed value, if all
        codes are equal.
    cause : Cause
        The choice with the largest share of it.
    line : str
        Its steps under the first scheme | under the second; true as printed.
    tie : str
        The number that lies halfway between two codes; empty if none does.
    """

    position: int
    cause: Cause
    line: str
    tie: str = ""


@dataclass(frozen=True)
class RuntimeRow:
    """A runtime's version of a scheme, compared with the scheme itself.

    Attributes
    ----------
    runtime : str
        Name of the runtime; empty for the textbook.
    scheme : Scheme or None
        The scheme in this runtime, or the nearest one that it has.
    refusal : str
        Why there is nothing to compare; empty if there is.
    there : bool
        Whether the runtime has the scheme.
    scales, zero_points, codes, values : Difference or None
        Of S and Z per channel, and of codes and reconstructed values other than NaN.
    parting : Parting or None
        None if all codes and reconstructed values are equal.
    """

    runtime: str
    scheme: Scheme | None
    refusal: str = ""
    there: bool = True
    scales: Difference | None = None
    zero_points: Difference | None = None
    codes: Difference | None = None
    values: Difference | None = None
    parting: Parting | None = None

    @property
    def title(self) -> str:
        """Name for the user, as in scheme text."""
        return f"@{self.runtime}" if self.runtime else "textbook"

    @property
    def evidence(self) -> Evidence | None:
        """How the runtime's arithmetic is known; None for the textbook's formulas."""
        return RUNTIMES[self.runtime].evidence if self.runtime else None

    @property
    def differences(self) -> tuple[Difference | None, ...]:
        """Of S, Z, codes and reconstructed values."""
        return self.scales, self.zero_points, self.codes, self.values


@dataclass(frozen=True)
class RuntimeMatrix:
    """A scheme compared with itself in every runtime.

    Attributes
    ----------
    scheme : Scheme
    rows : tuple of RuntimeRow
        The textbook, if the scheme is a runtime's, then every other runtime, those that have the
        scheme first.
    """

    scheme: Scheme
    rows: tuple[RuntimeRow, ...]

    @property
    def title(self) -> str:
        """Name of the scheme's own runtime."""
        return RuntimeRow(self.scheme.runtime, self.scheme).title


@dataclass(frozen=True, eq=False)
class _Calibrated:
    """A scheme with its parameters."""

    scheme: Scheme
    qparams: QParams


def runtime_matrix(
    x: ArrayLike,
    scheme: Scheme | str,
    *,
    digits: int = 6,
    progress: Progress | None = None,
    role: Role | None = None,
) -> RuntimeMatrix:
    """Compare a scheme with the same scheme in every runtime, bit for bit.

    Values are processed block by block; no codes or reconstructed values are kept.

    Parameters
    ----------
    x : array_like
        Any shape. NaN differs nowhere.
    scheme : Scheme or str
    digits : int
        Significant digits of numbers in texts, more if needed to tell two apart.
    progress : callable, optional
        Called with (done, total); an exception stops the work.
    role : Role, optional
        What ``out`` and ``in`` in the scheme mean.

    Raises
    ------
    QuantizationError
        As ``evaluate``, for the scheme itself. Another runtime's error is the refusal of its row.
    """
    r, own = as_working(x), as_scheme(scheme)
    work = _Work(r, own, digits, progress, role)
    rows = [work.row(name) for name in ("", *RUNTIMES) if name != own.runtime]
    rows = work.counted(rows)
    return RuntimeMatrix(own, tuple(sorted(rows, key=lambda row: bool(row.refusal))))


class _Work:
    """Computes the rows."""

    def __init__(
        self,
        r: FloatArray,
        scheme: Scheme,
        digits: int,
        progress: Progress | None,
        role: Role | None,
    ) -> None:
        self._r, self._digits, self._progress, self._role = r, digits, progress, role
        self._done, self._total = 0, _PASS + 2 * len(RUNTIMES) + 2
        self._ranges = ClipRanges(r, self._check)
        self._scheme = scheme
        self._first = self._calibrated(scheme)
        self._others: dict[str, _Calibrated] = {}

    def _check(self, *_: int) -> None:
        if self._progress is not None:
            self._progress(self._done, self._total)

    def _calibrated(self, scheme: Scheme) -> _Calibrated:
        self._done += 1
        self._check()
        concrete = scheme.concrete(self._r.shape, self._role)
        a = concrete.arithmetic
        if a.working(self._r.dtype) != self._r.dtype:
            # The values may lie beyond that precision.
            return _Calibrated(concrete, calibrate_known(self._r, concrete, None, self._check))
        return _Calibrated(concrete, parameters_of(self._ranges.ends(concrete, a), concrete))

    def row(self, name: str) -> RuntimeRow:
        """Return the row of a runtime before anything is counted."""
        own = self._scheme
        try:
            scheme = replace(own, runtime=name)
        except ValueError as error:
            near = nearest(own, RUNTIMES[name], self._r.ndim)
            return RuntimeRow(name, near, str(error), there=False)
        try:
            other = self._calibrated(scheme)
        except QuantizationError as error:
            return RuntimeRow(name, scheme, str(error).removesuffix("."))
        self._others[name] = other
        first, p = self._first.qparams, other.qparams
        return RuntimeRow(
            name,
            scheme,
            scales=_difference(first.working_scale, p.working_scale),
            zero_points=_difference(first.zero_point, p.zero_point),
        )

    def counted(self, rows: Sequence[RuntimeRow]) -> list[RuntimeRow]:
        """Return the rows with counts and the first value that differs."""
        every = list(self._others.values())
        blocks = over_blocks(self._r.size, self._block(every), self._tell)
        self._done += _PASS
        counts = np.sum([[part[:4] for part in block] for block in blocks], axis=0)
        places = np.min([[part[4:] for part in block] for block in blocks], axis=0)
        made = dict(
            zip(self._others, zip(counts.tolist(), places.tolist(), strict=True), strict=True)
        )
        return [self._filled(row, *made[row.runtime]) if row.runtime in made else row
                for row in rows]  # fmt: skip

    def _tell(self, done: int, of: int) -> None:
        if self._progress is not None:
            self._progress(self._done + done * _PASS // of, self._total)

    def _block(self, others: list[_Calibrated]) -> Callable[[int, int, Scratch], list[list[int]]]:
        """Return what counts the values of a block, for each of the others.

        Numbers of values, of codes that differ, of reconstructed values, and of those in the last
        digit; then the first position of each difference.
        """
        encoders = [_encoder(one.qparams) for one in (self._first, *others)]
        r = self._r

        def work(start: int, stop: int, scratch: Scratch) -> list[list[int]]:
            values = flat_block(r, start, stop)
            known = ~np.isnan(values)
            first_codes, first_values = encoders[0](r, start, stop, scratch, "first codes")
            first_values = _kept(first_values, scratch)
            found = []
            for encode in encoders[1:]:
                codes, made = encode(r, start, stop, scratch, "other codes")
                unlike = known & (codes != first_codes)
                both_nan = np.isnan(made) & np.isnan(first_values)
                apart = np.flatnonzero(known & (made != first_values) & ~both_nan)
                last = _in_last_digit(first_values[apart], made[apart])
                found.append(
                    [
                        int(np.count_nonzero(known)),
                        int(np.count_nonzero(unlike)),
                        apart.size,
                        int(np.count_nonzero(last)),
                        *(
                            _place(start, one)
                            for one in (np.flatnonzero(unlike), apart[~last], apart)
                        ),
                    ]  # fmt: skip
                )
            return found

        return work

    def _filled(self, row: RuntimeRow, counts: list[int], places: list[int]) -> RuntimeRow:
        """Return the row with counts of codes and values, and the first one that differs."""
        self._done += 1
        self._check()
        size, codes, values, last = counts
        row = replace(row, codes=Difference(codes, size), values=Difference(values, size, last))
        position = next((place for place in places if place < _NOWHERE), None)
        if position is None:
            return row
        first, other = self._first, self._others[row.runtime]
        compared = Compared.CODES if codes else Compared.VALUES
        cause = self._cause(first, other, position, compared)
        line, tie = worked_line(self._r, first, other, position, compared, self._digits)
        return replace(row, parting=Parting(position, cause, line, tie))

    def _cause(
        self, first: _Calibrated, other: _Calibrated, position: int, compared: Compared
    ) -> Cause:
        calibration = first.scheme.calibration
        if not calibration.how.searches:
            return cause_at(self._r, first, other, position, compared, self._ranges)
        # The ranges that were found stand for the search, which would be repeated many times.
        pair = first, other
        named = [replace(one, scheme=replace(one.scheme, calibration=mark))
                 for one, mark in zip(pair, _FOUND, strict=True)]  # fmt: skip
        ranges = _FoundRanges({mark: ends_of(*map(np.asarray, one.qparams.range))
                               for one, mark in zip(pair, _FOUND, strict=True)})  # fmt: skip
        cause = cause_at(self._r, named[0], named[1], position, compared, ranges)
        if cause.key != "calibration":
            return cause
        channel = int(first.qparams.granularity.of(np.array([position]), self._r.shape)[0])
        texts = ["…".join(short(end, self._digits) for end in one.qparams.at(channel).range)
                 for one in pair]  # fmt: skip
        title = f"Range found by {calibration.how.name}"
        return replace(cause, title=title, first=texts[0], second=texts[1])


_FOUND = tuple(Calibration("manual", (-end, end)) for end in (1.0, 2.0))
"""Stand for the range that the first scheme's search found, and the second's."""


class _FoundRanges(ClipRanges):
    """Clipping ranges known beforehand, by calibration."""

    def __init__(self, known: dict[Calibration, Ends]) -> None:
        self._known = known

    def ends(self, scheme: Scheme, arithmetic: Arithmetic) -> Ends:
        return self._known[scheme.calibration]


_NOWHERE = np.iinfo(np.int64).max


def _place(start: int, inside: np.ndarray) -> int:
    return start + int(inside[0]) if inside.size else _NOWHERE


def _kept(values: FloatArray, scratch: Scratch) -> FloatArray:
    """Copy values out of the buffer that is used again."""
    kept = scratch("first values", values.size, values.dtype)
    kept[...] = values
    return kept


_Encode = Callable[[FloatArray, int, int, Scratch, str], tuple[np.ndarray, FloatArray]]


def _encoder(p: QParams) -> _Encode:
    """Return what makes the codes and reconstructed values of a block."""
    quantizer = QUANTIZERS[p.mapping]
    lean = p.lean(quantizer.exact_scale)

    def encode(
        r: FloatArray, start: int, stop: int, scratch: Scratch, name: str
    ) -> tuple[np.ndarray, FloatArray]:
        where = np.arange(start, stop) if p.arithmetic.chances else None
        codes = scratch(name, stop - start, p.format.dtype)
        aligned = lean.spread(r.shape, start, stop)
        values = flat_block(r, start, stop)
        codes, made, _ = applied(values, aligned, where, quantizer, scratch, codes)
        return codes, made

    return encode


def _in_last_digit(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return which pairs are a few units in the last place apart, in the coarser precision."""
    coarser = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    with np.errstate(all="ignore"):
        larger = np.maximum(np.abs(a), np.abs(b)).astype(coarser)
        apart = np.abs(a.astype(np.float64) - b)
        return np.asarray(apart <= LAST_DIGIT * np.spacing(larger).astype(np.float64))


def _difference(first: Any, other: Any) -> Difference:
    a, b = np.atleast_1d(first), np.atleast_1d(other)
    apart = (a != b) & ~((a != a) & (b != b))
    last = 0
    if a.dtype.kind == "f" and apart.any():
        last = int(np.count_nonzero(_in_last_digit(a[apart], b[apart])))
    return Difference(int(np.count_nonzero(apart)), a.size, last)
