"""Named stages of single values, from R to R'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.evaluation.evaluator import calibrate, check_channels
from quantoscope.engine.numerics.arrays import as_working
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import QUANTIZERS, QParams, Stage, unclipped_key, unrounded_key
from quantoscope.engine.schemes.scheme import Scheme

ERROR = Stage("error", "error", "{reconstructed} − {R}")


def stages_of(scheme: Scheme | QParams) -> tuple[Stage, ...]:
    """Return the stages of a scheme in order: those of its family, then R' and the error."""
    quantizer = QUANTIZERS[scheme.mapping]
    choices = scheme.format, scheme.arithmetic
    return (*quantizer.stage_list(*choices), quantizer.reconstruction(*choices), ERROR)


@dataclass(frozen=True)
class Trace(Mapping[str, np.ndarray]):
    """Stages of some values; ``trace["rounded"]`` is an array with one entry per value.

    The keys are ``real`` (R), the family's stages (``scaled`` R/S, ``shifted`` + Z, ``rounded``,
    ``clipped``, and ``code`` if the code is another number), ``reconstructed`` (R') and
    ``error`` (R' − R).

    Attributes
    ----------
    indices : ndarray of int, shape (n,)
        Positions in the array, counted along its last axis first.
    qparams : QParams
        Parameters of the values; per channel, arrays aligned with ``indices``.
    stages : tuple of Stage
        The keys after ``real``, with symbol and formula.
    saturated : ndarray of int8, shape (n,)
        −1 if the rounded number was below the code range, 1 if above.
    columns : mapping of str to ndarray, shape (n,)
        Data of the mapping.
    """

    indices: np.ndarray
    qparams: QParams
    stages: tuple[Stage, ...]
    saturated: np.ndarray
    columns: Mapping[str, np.ndarray]

    def __repr__(self) -> str:
        return f"<Trace of {self.indices.size:,} {self.qparams.format} values: {', '.join(self)}>"

    def __getitem__(self, key: str) -> np.ndarray:
        return self.columns[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def unrounded(self) -> np.ndarray:
        """The stage before rounding."""
        return self.columns[unrounded_key(self.stages)]

    @property
    def unclipped(self) -> np.ndarray:
        """The stage before clipping."""
        return self.columns[unclipped_key(self.stages)]


def trace(
    x: ArrayLike,
    scheme: Scheme | str | QParams,
    indices: Sequence[int] | np.ndarray,
    *,
    role: Role | None = None,
) -> Trace:
    """Return the named stages of the values at flat ``indices``.

    Parameters
    ----------
    x : array_like
        The whole array, from which parameters are computed.
    scheme : Scheme, str or QParams
        Given parameters are used without calibration.
    indices : sequence of int
        Flat positions, in C order.
    role : Role, optional
        What ``out`` and ``in`` in the scheme mean.

    Raises
    ------
    QuantizationError
        As ``calibrate``, and if given parameters are for other channels.
    IndexError
        If an index is outside the array.
    """
    array = as_working(x)
    p = scheme if isinstance(scheme, QParams) else calibrate(array, scheme, role=role)
    check_channels(array.shape, p)
    where = np.atleast_1d(np.asarray(indices, dtype=np.intp))
    with np.errstate(over="ignore", under="ignore"):
        # flat selects values from any memory layout without copying the array.
        real = array.flat[where]
        r = real.astype(p.dtype, copy=False)
    p.granularity.check(array.shape)
    places = where % array.size
    p = p.at(p.granularity.of(places, array.shape))
    quantizer = QUANTIZERS[p.mapping]
    nan = np.isnan(r)
    with np.errstate(all="ignore"):
        stages: dict[str, np.ndarray] = dict(quantizer.stages(r, p, places))
        last = stages[unclipped_key(quantizer.stage_list(p.format, p.arithmetic))]
        stages["clipped"] = quantizer.clip(last, p)
    for stage in stages.values():
        # Converting a list or casting would copy it.
        stage[nan] = np.nan
    codes, saturated = quantizer.encode(np.where(nan, r.dtype.type(0), r), p, places)
    reconstructed = quantizer.decode(codes, p)
    reconstructed[nan] = np.nan
    saturated = np.zeros(r.shape, np.int8) if saturated is None else saturated
    saturated[nan] = 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        error = reconstructed - real
    if not p.format.integer:
        stages["code"] = codes
    columns = {"real": real, **stages, "reconstructed": reconstructed, "error": error}
    return Trace(where, p, stages_of(p), saturated, columns)
