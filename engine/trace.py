"""The stages of single values on their way to the code and back, named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.arrays import as_working
from engine.evaluate import calibrate
from engine.quantizers import QUANTIZERS, QParams, Stage
from engine.scheme import Scheme

ERROR = Stage("error", "error", "{reconstructed} − {R}")


def stages_of(mapping: str) -> tuple[Stage, ...]:
    """Return the stages of a family in order: those of its own, then R' and the error."""
    quantizer = QUANTIZERS[mapping]
    return (*quantizer.stage_list, quantizer.reconstruction, ERROR)


@dataclass(frozen=True)
class Trace(Mapping[str, np.ndarray]):
    """The stages of some values; ``trace["rounded"]`` is an array, one entry per value.

    The keys are ``real`` (R), the family's stages (``scaled`` R/S, ``shifted`` + Z, ``rounded``,
    ``clipped``), ``reconstructed`` (R') and ``error`` (R' − R).

    Attributes
    ----------
    indices : ndarray of int, shape (n,)
        Positions in the array, counted along its last axis first.
    qparams : QParams
    stages : tuple of Stage
        The keys after ``real``, with symbol and formula.
    saturated : ndarray of int8, shape (n,)
        −1 where the rounded code lay below the code range, 1 above.
    """

    indices: np.ndarray
    qparams: QParams
    stages: tuple[Stage, ...]
    saturated: np.ndarray
    columns: Mapping[str, np.ndarray]

    def __getitem__(self, key: str) -> np.ndarray:
        return self.columns[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def trace(
    x: ArrayLike, scheme: Scheme | str | QParams, indices: Sequence[int] | np.ndarray
) -> Trace:
    """Return the named stages of the values at flat ``indices``.

    Parameters
    ----------
    x : array_like
        The whole array, since the parameters come from all of it.
    scheme : Scheme, str or QParams
        Parameters at hand are used as they are, which spares the calibration.
    indices : sequence of int
        Flat positions, in C order.

    Raises
    ------
    QuantizationError
        As ``calibrate``.
    IndexError
        When an index lies outside the array.
    """
    array = as_working(x)
    p = scheme if isinstance(scheme, QParams) else calibrate(array, scheme)
    where = np.atleast_1d(np.asarray(indices, dtype=np.intp))
    with np.errstate(over="ignore", under="ignore"):
        # flat picks the few values out of any layout without a copy of the whole.
        r = array.flat[where].astype(p.dtype, copy=False)
    quantizer = QUANTIZERS[p.mapping]
    nan = np.isnan(r)
    stages = quantizer.stages(r, p)
    codes, saturated = quantizer.encode(np.where(nan, r.dtype.type(0), r), p)
    rebuilt = quantizer.decode(codes, p)
    rebuilt[nan] = np.nan
    saturated[nan] = 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        error = rebuilt - r
    columns = {"real": r, **stages, "reconstructed": rebuilt, "error": error}
    return Trace(where, p, stages_of(p.mapping), saturated, columns)
