"""The scheme of a runtime that is most like one that it does not have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from quantoscope.engine.formats import FORMATS, Format
from quantoscope.engine.numerics.granularity import CHANNEL, GROUP, PER_TENSOR, Granularity
from quantoscope.engine.numerics.roles import OUT
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.runtimes import Runtime
from quantoscope.engine.schemes.scheme import Scheme


def nearest(scheme: Scheme, runtime: Runtime, ndim: int) -> Scheme | None:
    """Return the scheme of a runtime that is most like one that it does not have.

    Of the same kind of format, then of the nearest number of bits and the same sign, then of the
    same mapping and granularity, for an array of ``ndim`` axes; None if there is none.
    """
    like = QUANTIZERS[scheme.mapping].affine_equivalent()
    wanted = scheme.format if like is None else FORMATS[like.format]
    mapping = scheme.mapping if like is None else like.mapping

    def far(fmt: Format) -> tuple[bool, float, bool]:
        return fmt.integer != wanted.integer, abs(fmt.bits - wanted.bits), \
            (fmt.qmin < 0) != (wanted.qmin < 0)  # fmt: skip

    formats = sorted((FORMATS[name] for name in runtime.formats), key=far)
    mappings = sorted(runtime.mappings, key=lambda name: name != mapping)
    for fmt, name, granularity in product(formats, mappings, _coarser(scheme.granularity, ndim)):
        try:
            return Scheme(fmt, name, scheme.calibration, granularity, runtime=runtime.name)
        except ValueError:
            continue
    return None


def _coarser(granularity: Granularity, ndim: int) -> Iterator[Granularity]:
    yield granularity
    if granularity.kind is GROUP and ndim > 1:
        yield Granularity(CHANNEL, OUT)
    yield PER_TENSOR
