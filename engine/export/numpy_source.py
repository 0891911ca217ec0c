"""Python source that reproduces codes and reconstructed values bit for bit with numpy.

It has the parameters as literals and defines ``quantize(x)`` and ``dequantize(codes)``, for the
tensor and for any other array with as many channels or groups. Small floating-point formats need
``ml_dtypes`` as well. NaN gets the same code as in an evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from quantoscope.engine import __version__
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import NotExpressibleError, listed
from quantoscope.engine.formats import (
    BlockFormat,
    CodebookFormat,
    FloatFormat,
    Format,
    IntegerFormat,
)
from quantoscope.engine.numerics.arithmetic import STOCHASTIC
from quantoscope.engine.numerics.granularity import CHANNEL, GROUP
from quantoscope.engine.quantizers import QUANTIZERS, QParams, Quantizer
from quantoscope.engine.quantizers.affine import Affine
from quantoscope.engine.quantizers.blocks import Q8, ScaleMinimumBlock, SignedScaleBlock
from quantoscope.engine.quantizers.mxfp4 import Mxfp4

_HEAD = '''"""Quantizes one tensor as Quantoscope {version} does, bit for bit: {scheme}.

quantize(x) returns the codes of an array of floats, dequantize(codes) reconstructs its values.
"""

{imports}

{constants}
'''

_ALONG = {
    CHANNEL: """
def along(values, shape):
    return values.reshape([-1 if axis == AXIS % len(shape) else 1 for axis in range(len(shape))])
""",
    GROUP: """
def along(values, shape):
    length = shape[-1] if shape else 1
    size = min(GROUP, max(1, length))
    lines = values.reshape(-1, -(-length // size))
    return np.repeat(lines, size, axis=1)[:, :length].reshape(shape)
""",
}
"""Helper that broadcasts per-channel parameters to an array."""

_ALONG_AXES = {
    CHANNEL: """
def along(values, shape):
    axes = [axis % len(shape) for axis in AXES]
    values = values.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))
    return values.reshape([n if axis in axes else 1 for axis, n in enumerate(shape)])
""",
    GROUP: """
def along(values, shape):
    axes = [axis % len(shape) for axis in AXES]
    order = [*(axis for axis in range(len(shape)) if axis not in axes), *axes]
    length = int(np.prod([shape[axis] for axis in axes]))
    size = min(GROUP, max(1, length))
    lines = np.repeat(values.reshape(-1, -(-length // size)), size, axis=1)[:, :length]
    return lines.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
""",
}
"""The same for other axes than one of channels, or the last of groups."""

_ROUNDINGS = {
    "ties-even": """
def round_(x):
    return np.rint(x)
""",
    "ties-away": """
def round_(x):
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(DTYPE(1), x), whole)
""",
    "toward-zero": """
def round_(x):
    return np.trunc(x)
""",
    "ties-lower": """
def round_(x):
    return np.copysign(np.ceil(np.abs(x) - DTYPE(0.5)), x)
""",
    "llama.cpp": """
def round_(x):
    size = np.abs(x)
    whole = np.floor(size)
    rounded = np.sign(x) * (whole + np.floor(2 * (size - whole)))
    return np.where(np.isfinite(rounded), rounded, DTYPE(0))
""",
    STOCHASTIC: """
def chance(positions):
    z = positions.astype(np.uint64) + np.uint64(1) + np.uint64(SEED) * np.uint64(0x632BE59BD9B4E019)
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def round_(x):
    down = np.floor(x)
    up = chance(np.arange(x.size).reshape(x.shape)) < x - down
    return down + up.astype(x.dtype)
""",
}

_FUSED = """
def fused(x, y, z):  # x * y + z, rounded to float32 once
    product = x.astype(np.float64) * np.float64(y)
    addend = np.asarray(z, np.float64)
    total = np.asarray(product + addend)
    part = total - product
    error = (product - (total - part)) + (addend - part)
    even = (total.view(np.int64) & 1) == 0
    away = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where(even & (error != 0) & np.isfinite(error), away, total).astype(np.float32)
"""

_GAP = """
def gap(x):  # the distance of the format's numbers around x
    return np.ldexp(DTYPE(1), np.maximum(np.frexp(x)[1] - 1, LEAST_EXPONENT) - MANTISSA)
"""

_FUNCTIONS = """
def quantize(x):
    x = np.asarray(x).astype(DTYPE)
    nan = np.isnan(x)
    x = np.where(nan, DTYPE(0), x)
    with np.errstate(all="ignore"):
{steps}
    return np.where(nan, {nan}, codes)


def dequantize(codes):
    codes = np.asarray(codes)
    with np.errstate(all="ignore"):
{back}
"""


@dataclass(frozen=True)
class _Body:
    """Family-specific parts of the source: constants, helpers, and both functions' statements."""

    constants: list[str]
    helpers: list[str]
    steps: list[str]
    back: list[str]


@dataclass(frozen=True)
class _Codes:
    """Format-specific parts of the source: requirements, rounding, and codes."""

    pack: str
    unpack: str
    rounding: tuple[str, ...] = ()
    clip: tuple[str, ...] = ("number = np.clip(number, QMIN, QMAX)",)
    constants: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    imports: str = "import numpy as np"


def render(result: Evaluation, name: str) -> bytes:
    """Return the source as ASCII text.

    Raises
    ------
    NotExpressibleError
        For a family or a format that is not supported here.
    """
    p = result.qparams
    codes, body = _codes(p.format), _body(QUANTIZERS[p.mapping], p)
    constants = [
        f"NAME = {ascii(name)}",
        f'SCHEME = "{result.scheme}"',
        f"SHAPE = {tuple(map(int, result.codes.shape))}",
        f"DTYPE = np.{p.dtype.name}  # what the steps are computed in",
        f"CODES = np.{p.format.dtype.name}",
        f"QMIN, QMAX = {p.qmin!r}, {p.qmax!r}",
    ]
    constants += _where(p)
    constants += codes.constants
    constants += [f"SCALE = {_literal(p.scale)}", "S = SCALE.astype(DTYPE)[()]", *body.constants]
    texts = [
        _HEAD.format(
            version=__version__,
            scheme=result.scheme,
            imports=codes.imports,
            constants="\n".join(constants),
        ),
        *_along(p),
        *codes.helpers,
        *body.helpers,
        _FUNCTIONS.format(steps=_indented(body.steps), back=_indented(body.back), nan=_nan_code(p)),
    ]
    return "\n".join(texts).encode("ascii")


def _where(p: QParams) -> list[str]:
    """Return the constants that say which values are a channel."""
    if p.granularity.whole:
        return []
    group = [] if p.group_size is None else [f"GROUP = {p.group_size}"]
    if group and p.axes == (-1,):
        return group
    return [f"AXIS = {p.axis}"] if p.axis is not None else [*group, f"AXES = {p.axes}"]


def _along(p: QParams) -> list[str]:
    """Return the helper that broadcasts parameters, if they are needed per channel."""
    if p.granularity.whole:
        return []
    usual = p.axis is not None or p.axes == (-1,)
    return [(_ALONG if usual else _ALONG_AXES)[p.granularity.kind]]


def _indented(steps: list[str]) -> str:
    return "\n".join(f"        {step}" for step in steps)


def _literal(value: Any) -> str:
    """Return an exact expression for a scalar or an array."""
    if np.ndim(value) == 0:
        return f"np.asarray({_number(value)})"
    array = np.asarray(value)
    numbers = listed(map(_number, array.tolist()), 4, "        ")
    return f"np.array(\n    [\n{numbers}\n    ],\n    np.{array.dtype.name},\n)"


def _number(value: Any) -> str:
    """Return a Python literal; for a float, the shortest that reads back as the same float64."""
    text = repr(value)
    return f'float("{text}")' if text in ("inf", "-inf", "nan") else text


def _nan_code(p: QParams) -> str:
    """Return the code of NaN: that of the placeholder 0, unless the runtime has a rule."""
    code = p.arithmetic.nan_code.within(p.format.qmin, p.format.qmax)
    return "codes" if code is None else f"CODES({code})"


def _met(p: QParams, word: str, of: str = "x") -> str:
    """Return the expression that broadcasts a parameter to the array's shape, if needed."""
    return word if p.granularity.whole else f"along({word}, {of}.shape)"


def _rounding(name: str) -> str:
    if name not in _ROUNDINGS:
        raise NotExpressibleError(f"There is no numpy source for rounding {name}.")
    return _ROUNDINGS[name]


# Of each kind of format. One without a function here is refused.


@singledispatch
def _codes(fmt: Format) -> _Codes:
    raise NotExpressibleError(f"There is no numpy source for codes of {fmt}.")


@_codes.register
def _integers(fmt: IntegerFormat) -> _Codes:
    pack, unpack = "codes = number.astype(CODES)", "numbers = codes.astype(np.float64)"
    return _Codes(pack, unpack, ("number = round_(number)",))


@_codes.register
def _floats(fmt: FloatFormat) -> _Codes:
    return _Codes(
        "codes = np.asarray(number.astype(FLOAT)).view(np.uint8)",
        "numbers = codes.astype(np.uint8).view(FLOAT).astype(np.float64)",
        ("step = gap(number)", "number = round_(number / step) * step"),
        constants=(
            f"FLOAT = ml_dtypes.{fmt.ml_dtype.name}",
            f"MANTISSA, LEAST_EXPONENT = {fmt.mantissa}, {fmt.smallest_exponent}",
        ),
        helpers=(_GAP,),
        imports="import ml_dtypes\nimport numpy as np",
    )


@_codes.register
def _codebook(fmt: CodebookFormat) -> _Codes:
    # One search gives both the rounded level and its code.
    search = "codes = np.searchsorted((BOOK[1:] + BOOK[:-1]) / 2, number).astype(CODES)"
    book = f"BOOK = {_literal(np.array(fmt.book))}"
    unpack = "numbers = BOOK[codes.astype(np.intp)]"
    return _Codes(search, unpack, clip=(), constants=(book,))


@_codes.register
def _blocks(fmt: BlockFormat) -> _Codes:
    return _codes(fmt.element)


# Of each family. One without a function here is refused.


@singledispatch
def _body(quantizer: Quantizer, p: QParams) -> _Body:
    raise NotExpressibleError(f"There is no numpy source for {quantizer.name}.")


@_body.register
def _affine(quantizer: Affine, p: QParams) -> _Body:
    if not quantizer.affine:
        raise NotExpressibleError(f"There is no numpy source for {quantizer.name}.")
    a, codes = p.arithmetic, _codes(p.format)
    moved = quantizer.has_zero_point(p.format, a)
    constants, helpers = [], []
    if codes.rounding:
        helpers.append(_rounding(STOCHASTIC if a.chances else a.rounding))
    if moved:
        constants += [f"ZERO_POINT = {_literal(p.zero_point)}", "Z = ZERO_POINT.astype(DTYPE)[()]"]
    if a.chances:
        constants.append(f"SEED = {a.seed}")
    s, z = _met(p, "S"), _met(p, "Z")
    steps = [f"number = x * (DTYPE(1) / {s})" if a.reciprocal else f"number = x / {s}"]
    if moved and a.zero_point_first and a.fused and p.dtype == np.float32:
        helpers.append(_FUSED)
        steps = [f"number = fused(x, DTYPE(1) / {s}, {z})"]
    elif moved and a.zero_point_first:
        steps.append(f"number = number + {z}")
    steps += codes.rounding
    if moved and not a.zero_point_first:
        steps.append(f"number = number + {z}")
    steps += [*codes.clip, codes.pack]
    back = [codes.unpack]
    if moved:
        back.append(f"numbers = numbers - {_met(p, 'ZERO_POINT.astype(np.float64)', 'codes')}")
    back.append(f"return numbers.astype(DTYPE) * {_met(p, 'S', 'codes')}")
    return _Body(constants, helpers, steps, back)


_INVERSE = """
def inverse(d):
    return np.where(d == 0, DTYPE(0), DTYPE(1) / d)
"""

_CUT = """
def cut(number):  # by way of uint8 where 1/d overflows
    clipped = np.clip(number, QMIN, QMAX)
    wrapped = number.astype(np.uint8).clip(QMIN, QMAX).astype(DTYPE)
    return np.where(np.isfinite(number), clipped, wrapped)
"""


def _divisor(p: QParams) -> list[str]:
    return [f"DIVISOR = {_literal(p.divisor)}", "D = DIVISOR.astype(DTYPE)"]


@_body.register
def _q8(quantizer: Q8, p: QParams) -> _Body:
    codes = _codes(p.format)
    steps = [f"number = round_(x * inverse({_met(p, 'D')}))", *codes.clip, codes.pack]
    back = [f"return codes.astype(DTYPE) * {_met(p, 'S', 'codes')}"]
    return _Body(_divisor(p), [_INVERSE, _ROUNDINGS["llama.cpp"]], steps, back)


@_body.register
def _signed_scale_block(quantizer: SignedScaleBlock, p: QParams) -> _Body:
    half = int(np.ravel(p.zero_point)[0])
    product = f"x * inverse({_met(p, 'D')})"
    steps = [f"number = cut(np.trunc({product} + DTYPE({half}.5)))", _codes(p.format).pack]
    back = [f"return (codes.astype(DTYPE) - DTYPE({half})) * {_met(p, 'S', 'codes')}"]
    return _Body(_divisor(p), [_INVERSE, _CUT], steps, back)


@_body.register
def _scale_minimum_block(quantizer: ScaleMinimumBlock, p: QParams) -> _Body:
    constants = [*_divisor(p), f"OFFSET = {_literal(p.offset)}", "M = OFFSET.astype(DTYPE)"]
    product = f"(x - {_met(p, 'M')}) * inverse({_met(p, 'D')})"
    steps = [f"number = cut(np.trunc({product} + DTYPE(0.5)))", _codes(p.format).pack]
    minimum = _met(p, "OFFSET.astype(np.float16).astype(DTYPE)", "codes")
    back = [f"return codes.astype(DTYPE) * {_met(p, 'S', 'codes')} + {minimum}"]
    return _Body(constants, [_INVERSE, _CUT], steps, back)


@_body.register
def _mxfp4(quantizer: Mxfp4, p: QParams) -> _Body:
    definition, codes = quantizer.definition, _codes(p.format)
    steps = [
        f"number = (x.astype(np.float64) / {_met(p, 'DIVISOR')}).astype(DTYPE)",
        *codes.rounding,
        *codes.clip,
        codes.pack,
    ]
    if definition.zero_code == 0:
        steps.append("codes = np.where(codes == 8, CODES(0), codes)")
    elif definition.zero_code is not None:
        steps.append(f"codes = np.where(x == 0, CODES({definition.zero_code}), codes)")
    back = [codes.unpack, f"return (numbers * {_met(p, 'SCALE', 'codes')}).astype(DTYPE)"]
    return _Body(_divisor(p)[:1], [_rounding(definition.rounding.name)], steps, back)
