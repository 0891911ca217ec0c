"""One made-up thing of each kind that a registry takes, registered by the one line it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from quantoscope.engine.calibration import METHODS
from quantoscope.engine.calibration.base import Method, Task
from quantoscope.engine.formats import FORMATS, CodebookFormat, Format, IntegerFormat
from quantoscope.engine.numerics.arithmetic import (
    ROUNDINGS,
    TEXTBOOK,
    Arithmetic,
    Rounding,
    ZeroPoint,
)
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.granularity import CHANNEL, PER_TENSOR, TENSOR, Granularity
from quantoscope.engine.quantizers import (
    MAPPINGS,
    QUANTIZERS,
    Ends,
    Origin,
    QParams,
    Quantizer,
    Stage,
    ends_of,
    register,
)
from quantoscope.engine.quantizers.affine import divided, extent, next_power_of_two
from quantoscope.engine.quantizers.blocks import ScaleMinimumBlock
from quantoscope.engine.quantizers.mxfp4 import Definition, Mxfp4
from quantoscope.engine.quantizers.params import qparams_of
from quantoscope.engine.schemes.runtimes import RUNTIMES, Runtime

SOURCE = "from documentation: made up"


class Half(Method):
    """Half of the way to the extremes."""

    name = "half"
    signature = "half"
    summary = "Half of the way to the smallest and the largest value."
    computes = True
    clips_blindly = True

    def ends(self, task: Task) -> Ends:
        rows = task.rows()
        return ends_of(rows.lowest() / 2, rows.highest() / 2)


class Powers(Format):
    """0 and the powers of two from 1 to 64 with either sign: a kind of format of its own."""

    name = "powers"
    bits = 4
    nearest_only = True
    source = SOURCE
    _numbers = np.array([*(-(2.0**k) for k in range(6, -1, -1)), 0, *(2.0**k for k in range(7))])

    @property
    def qmin(self) -> float:
        return -64.0

    @property
    def qmax(self) -> float:
        return 64.0

    @property
    def code_count(self) -> int:
        return 15

    def round(
        self,
        x: FloatArray,
        rounding: Rounding,
        where: IntArray | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        nearest = self._numbers[self._places(x)].astype(x.dtype)
        return np.where(np.abs(x) > 80, x, nearest)

    @property
    def round_functions(self) -> Mapping[str, tuple[float, ...]]:
        return {"RoundToPOWERS": tuple(self._numbers.tolist())}

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        return f"RoundToPOWERS({inner})"

    def gap(self, x: FloatArray) -> FloatArray:
        size = np.abs(self._numbers[self._places(x)])
        return np.maximum(size, 1).astype(x.dtype)

    def _places(self, x: np.ndarray) -> IntArray:
        return np.searchsorted((self._numbers[1:] + self._numbers[:-1]) / 2, x)

    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        return self._places(numbers).astype(np.uint8)

    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        return self._numbers.astype(dtype)[codes.astype(np.intp)]

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        return self._numbers[(self._numbers >= qmin) & (self._numbers <= qmax)]


class FromMinimum(Quantizer):
    """S = (Rmax − Rmin) / (Qmax − Qmin); Q = Round((R − Rmin) / S) + Qmin."""

    name = "from-minimum"
    summary = "A scale and the minimum, which has the first code."

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "({Rmax} − {Rmin}) / ({Qmax} − {Qmin})"

    def zero_point_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "{Qmin}"

    def offset_formula(self) -> str:
        return "{Rmin}"

    def stage_list(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[Stage, ...]:
        return (
            Stage("scaled", "(R−m)/S", "({R} − {m}) / {S}"),
            Stage("rounded", "Round", fmt.round_formula("{scaled}", arithmetic.how)),
            Stage("shifted", "+ Qmin", "{rounded} + {Qmin}"),
            Stage("clipped", "Q", "Clip({shifted}, {Qmin}, {Qmax})"),
        )

    def reconstruction(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> Stage:
        return Stage("reconstructed", "R′", "({Q} − {Qmin}) · {S} + {m}")

    def parameters(
        self,
        ends: Ends,
        fmt: Format,
        arithmetic: Arithmetic = TEXTBOOK,
        granularity: Granularity = PER_TENSOR,
    ) -> QParams:
        q, dtype = self.code_range(fmt, arithmetic), ends.high.dtype
        s = divided(extent(ends.low, ends.high, arithmetic), q[1] - q[0], arithmetic)
        s = next_power_of_two(s) if arithmetic.pow2 else s
        same = ends.low == ends.high
        origin = np.where(same, np.where(ends.low == 0, Origin.ZEROS, Origin.CONSTANT), "range")
        s = np.where(s.astype(dtype) == 0, 1.0, s)
        z = np.full(s.shape, float(q[0]))
        return qparams_of(
            self.name, fmt, s, z, q, (ends.low, ends.high), dtype, origin, arithmetic,
            granularity, offset=ends.low.astype(np.float64),
        )  # fmt: skip

    def stages(
        self,
        r: FloatArray,
        p: QParams,
        where: IntArray | None = None,
        out: FloatArray | None = None,
    ) -> Iterator[tuple[str, FloatArray]]:
        scaled = (r - np.asarray(p.offset).astype(p.dtype)) / p.working_scale
        yield "scaled", scaled
        rounded = p.format.round(scaled, p.arithmetic.how, where)
        yield "rounded", rounded
        yield "shifted", rounded + p.dtype.type(p.qmin)

    def decode(self, codes: np.ndarray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        with np.errstate(all="ignore"):
            numbers = p.format.unpack(codes, p.dtype) - p.dtype.type(p.qmin)
            return np.asarray(numbers * p.working_scale + np.asarray(p.offset).astype(p.dtype))

    def parameter_bits(self, p: QParams) -> int:
        return 16 * p.dtype.itemsize


def _exponent(amax: FloatArray) -> np.ndarray:
    return np.asarray(np.clip(np.ceil(np.log2(amax / 4)), -127, 127), np.int64)


def _register() -> None:
    METHODS["half"] = Half()
    FORMATS["steps7"] = CodebookFormat("steps7", 3, (-1, -0.5, -0.25, 0, 0.25, 0.5, 1), SOURCE)
    FORMATS["powers"] = Powers()
    register(FromMinimum())
    register(ScaleMinimumBlock("q3_1", IntegerFormat(3, signed=False)))
    register(
        Mxfp4(
            Definition(
                "made-up", "2^⌈log2({maxR} / 4)⌉", _exponent, ROUNDINGS["ties-even"], source=SOURCE
            )
        )
    )
    RUNTIMES["made-up"] = Runtime(
        "made-up",
        "Made Up",
        Arithmetic(
            rounding="ties-away",
            works_in="float32",
            includes_zero=True,
            stored="float32",
            zero_point=ZeroPoint.SUM,
            clamps_zero_point=True,
            refuses_overflow=False,
        ),
        ("uint8", "int4"),
        ("asymmetric",),
        (TENSOR, CHANNEL),
        "made up",
    )


SCHEMES = (
    "int8 symmetric half",
    "uint8 asymmetric half per-channel(0)",
    "steps7 symmetric",
    "powers symmetric per-channel(0)",
    "int8 from-minimum per-channel(0)",
    "uint4 from-minimum ties-away per-group(32)",
    "q3_1",
    "mxfp4-made-up",
    "uint8 asymmetric @made-up",
    "int4 asymmetric per-channel(0) @made-up",
)
"""A scheme or two with each of them."""


@contextmanager
def registered() -> Iterator[None]:
    """Register all of them for a while."""
    registries: tuple[dict[str, Any], ...] = (METHODS, FORMATS, MAPPINGS, QUANTIZERS, RUNTIMES)
    before = [dict(registry) for registry in registries]
    _register()
    try:
        yield
    finally:
        for registry, entries in zip(registries, before, strict=True):
            registry.clear()
            registry.update(entries)
