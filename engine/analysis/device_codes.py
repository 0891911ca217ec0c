"""Comparison of a device's codes with a scheme's, with diagnoses of the differences.

A diagnosis is a sentence confirmed by the data; the first one that explains a value is its cause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine import io
from quantoscope.engine.analysis.comparison import Cause, Compared, Comparison
from quantoscope.engine.analysis.device_diagnosis import Case, Found, diagnoses
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.evaluator import evaluate
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.io import mapped
from quantoscope.engine.io.base import (
    FormatError,
    byte_count,
    label,
    open_file,
    require_file,
    sentences,
)
from quantoscope.engine.numerics.arrays import FloatArray, IntArray, as_working
from quantoscope.engine.numerics.kernels import Progress
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.scheme import Scheme

DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")
"""Dtypes of raw dumps."""


def raw_problem(path: str | Path, dtype: str, shape: tuple[int, ...]) -> str:
    """Return why a raw file cannot hold codes of this dtype and shape; empty if it can."""
    path = Path(path)
    with sentences(path, "read"):
        size = path.stat().st_size
    takes = byte_count(shape, np.dtype(dtype).itemsize)
    if takes == size:
        return ""
    wanted = "×".join(map(str, shape))
    needs = "more than any file holds" if takes is None else f"{takes:,}"
    return f"{label(path)} holds {size:,} bytes; {dtype} of shape {wanted} takes {needs}."


def is_npy(path: str | Path) -> bool:
    """Return whether a file states the dtype and shape of its codes."""
    path = Path(path)
    with sentences(path, "read"):
        require_file(path)
        with open_file(path) as stream:
            return stream.read(6) == io.NPY.magic[0]


def read_codes(
    path: str | Path,
    dtype: str | None = None,
    shape: tuple[int, ...] | None = None,
    big_endian: bool = False,
) -> IntArray:
    """Read codes from a .npy file, or from a raw dump of given dtype and shape.

    Parameters
    ----------
    path : path-like
    dtype : str, optional
        One of ``DTYPES``; for raw files only, like the next two.
    shape : tuple of int, optional
    big_endian : bool
        Whether codes are big-endian.

    Raises
    ------
    FormatError
        If the file cannot be read, is raw without a dtype of ``DTYPES`` or a shape, has not the
        size that these imply, or does not hold integers.
    """
    path = Path(path)
    if is_npy(path):
        codes = io.load(path)
        if codes.dtype.kind not in "iu":
            raise FormatError(f"{label(path)} holds {codes.dtype.name} values; codes are integers.")
        return codes
    if dtype not in DTYPES or shape is None:
        raise FormatError(
            f"{label(path)} does not say what it holds: its codes need a type and a shape."
        )
    with sentences(path, "read"):
        unfit = raw_problem(path, dtype, shape)
        if unfit:
            raise FormatError(unfit)
        stored = np.dtype(dtype).newbyteorder(">" if big_endian else "<")
        with open_file(path) as stream:
            codes = mapped.read(stream, stored, stored.itemsize * math.prod(shape), label(path))
    return codes.reshape(shape)


@dataclass(frozen=True, eq=False, repr=False)
class DeviceComparison(Comparison):
    """Comparison of a scheme's codes with a device's in place of a second scheme.

    ``second`` has the device's codes with the parameters of the first, and no metrics. A cause is
    a diagnosis that explains values completely, not a choice.

    Attributes
    ----------
    masks : tuple of ndarray of bool
        Values that each cause explains, ``count`` in number.
    steps : tuple of (int, int)
        Pairs of code difference and frequency, the most frequent first.
    outside : int
        Number of device codes outside the scheme's format.
    sqnr, device_sqnr : float
        In dB, over the finite values.
    """

    masks: tuple[np.ndarray, ...]
    steps: tuple[tuple[int, int], ...]
    outside: int
    sqnr: float
    device_sqnr: float

    def _between(self) -> str:
        return f"{self.first.scheme} / a device"


def problem(scheme: Scheme, size: int, codes: IntArray) -> str:
    """Return why codes cannot be compared with those of a scheme; empty if they can."""
    if not (scheme.format.integer and QUANTIZERS[scheme.mapping].affine):
        return (
            f"The codes of {scheme.format} are no whole numbers on one scale, so a device's cannot "
            "be compared with them; choose an integer format."
        )
    if codes.size != size:
        return f"The file holds {codes.size:,} codes where the array has {size:,} values."
    if codes.dtype.kind not in "iu":
        return f"Codes are integers; these are {codes.dtype.name} values."
    if codes.dtype == np.uint64 and codes.size and codes.max() > np.iinfo(np.int64).max:
        return "Some of these codes are beyond those of int64, which no device's are."
    return ""


def compare_codes(
    x: ArrayLike,
    scheme: Scheme | str | Evaluation,
    codes: IntArray,
    *,
    progress: Progress | None = None,
    role: Role | None = None,
) -> DeviceComparison:
    """Compare a device's codes with a scheme's, and diagnose the differences.

    Parameters
    ----------
    x : array_like
        Any shape.
    scheme : Scheme, str or Evaluation
        With integer codes; an evaluation of ``x`` is reused.
    codes : ndarray of int
        One per value, in the array's order.
    progress : callable, optional
        As for ``evaluate``.
    role : Role, optional
        What ``out`` and ``in`` in the scheme mean, unless it is an evaluation.

    Raises
    ------
    QuantizationError
        As ``evaluate``; if the numbers of codes and values differ, the codes are not integers,
        or those of the scheme are not integers on one scale.
    """
    r = as_working(x)
    evaluation = scheme
    if not isinstance(evaluation, Evaluation):
        evaluation = evaluate(r, evaluation, progress=progress, role=role)
    fmt = evaluation.scheme.format
    why_not = problem(evaluation.scheme, r.size, codes)
    if why_not:
        raise QuantizationError(why_not)
    stored = codes.reshape(r.shape)
    wide = stored.astype(np.int64)
    ours = evaluation.codes.astype(np.int64)
    there = ~np.isnan(r)
    differs = (wide != ours) & there
    case = Case(r, evaluation, stored, wide, ours, there, differs, progress)
    found = list(diagnoses(case)) if differs.any() else []
    causes, masks, cause_of = _ranked(case, found)
    steps, counts = np.unique(case.apart[differs], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    device = replace(evaluation, codes=wide, metrics={}, warnings=())
    return DeviceComparison(
        evaluation,
        device,
        compared=Compared.CODES,
        differs=differs,
        cause_of=cause_of,
        part_of=np.where(differs, np.uint8(100), np.uint8(0)),
        together=np.zeros(r.shape, np.bool_),
        causes=causes,
        unequal=(),
        masks=masks,
        steps=tuple((int(steps[i]), int(counts[i])) for i in order),
        outside=int(np.count_nonzero(((wide < fmt.qmin) | (wide > fmt.qmax)) & there)),
        sqnr=_sqnr(r, evaluation.reconstructed),
        device_sqnr=_sqnr(r, device.reconstructed),
    )


def _sqnr(r: FloatArray, reconstructed: FloatArray) -> float:
    good = np.isfinite(r) & np.isfinite(reconstructed)
    values = r[good].astype(np.float64)
    signal = float(np.sum(values**2))
    noise = float(np.sum((reconstructed[good] - values) ** 2))
    if noise == 0:
        return math.inf if signal else math.nan
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _ranked(
    case: Case, found: list[Found]
) -> tuple[tuple[Cause, ...], tuple[np.ndarray, ...], np.ndarray]:
    """Return the causes with an example each, and the first cause of every value."""
    left = case.differs.copy()
    for one in found:
        left &= ~one.mask
    if left.any():
        title = "Differences that nothing tried here explains" if found else "No pattern was found"
        found = [*found, Found("other", title, left)]
    size = np.abs(case.apart)
    cause_of = np.full(case.x.shape, -1, np.int8)
    causes = []
    for rank, one in enumerate(found):
        cause_of[one.mask & (cause_of < 0)] = rank
        example = int(np.where(one.mask, size, -1).argmax())
        now, then = int(case.ours.flat[example]), int(case.codes.flat[example])
        words = one.first or f"Q = {now}", one.second or f"Q = {then}"
        count = int(np.count_nonzero(one.mask))
        causes.append(Cause(one.key, one.title, *words, count, example, float(count)))
    return tuple(causes), tuple(one.mask for one in found), cause_of
