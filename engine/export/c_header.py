"""C99 header with the parameters and bit-exact quantize and dequantize functions.

``NAME_quantize`` and ``NAME_dequantize`` take one value or code, and for a scheme per channel or
group also its number, groups along the last axis first. Hexadecimal literals are exact. No
freedom is left to the compiler: no product and sum can be fused, and flags that change
floating-point arithmetic are an error. Programs have to be linked with the maths library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine import __version__
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import (
    NotExpressibleError,
    identifier,
    integer_format,
    listed,
    zero_points,
)
from quantoscope.engine.formats import Format
from quantoscope.engine.quantizers import QUANTIZERS, QParams

_WHOSE = "A C header"
_INT32 = 2**31 - 1
_ROUND = {"ties-even": "rint", "ties-away": "round", "toward-zero": "trunc"}
_COMMENTS = {"ties-even": " /* ties to even, as by default */"}

_HEAD = """\
/* {title}
 *
 * {scheme}, shape {shape}{unit}. Made by Quantoscope {version}.
 */
#ifndef {guard}
#define {guard}

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__FAST_MATH__) || FLT_EVAL_METHOD == {excess}
#error "The codes need IEEE arithmetic in {real}: compile without -ffast-math, with SSE."
#endif

#define {upper}_QMIN ({qmin})
#define {upper}_QMAX ({qmax})
{parameters}

static inline {code} {lower}_quantize({real} x{channel})
{{
{steps}
}}

static inline {real} {lower}_dequantize({code} code{channel})
{{
    return {back};
}}

#endif /* {guard} */
"""


def render(result: Evaluation, name: str) -> bytes:
    """Return the header as ASCII text.

    Raises
    ------
    NotExpressibleError
        For codes that are not integers, stochastic rounding, scales that are not positive,
        and zero points beyond 32 bits.
    """
    p, shape = result.qparams, result.codes.shape
    fmt = integer_format(result, _WHOSE)
    source = _Source.of(p, identifier(name))
    upper = source.lower.upper()
    title = re.sub(r"[^ -~]|[*?\\]", "_", name).strip() or "A tensor"
    return _HEAD.format(
        title=title,
        scheme=result.scheme,
        shape="x".join(map(str, shape)) or "()",
        unit=_unit(p, shape),
        version=__version__,
        guard=f"QUANTOSCOPE_{upper}_H",
        excess="1 || FLT_EVAL_METHOD == 2" if source.real == "float" else "2",
        real=source.real,
        upper=upper,
        lower=source.lower,
        qmin=int(p.qmin),
        qmax=int(p.qmax),
        parameters="\n".join(source.parameters()),
        code=f"{fmt.dtype.name}_t",
        channel="" if p.granularity.whole else ", size_t channel",
        steps="\n".join(f"    {step}" for step in source.steps(fmt)),
        back=source.back(),
    ).encode("ascii")


def _unit(p: QParams, shape: tuple[int, ...]) -> str:
    """Return what a channel is, after a comma; empty for a whole tensor."""
    if p.granularity.whole:
        return ""
    axes = p.granularity.axes_of(shape)
    along = f"along axis {axes[0]}" if len(axes) == 1 else f"of axes {axes} flattened"
    if axes in ((), (len(shape) - 1,)) and p.group_size is not None:
        along = "along the last axis"
    size = p.granularity.layout(shape).size
    return f", channels {along}" if p.group_size is None else f", groups of {size} {along}"


@dataclass(frozen=True)
class _Source:
    """Generator of the C source of parameters.

    Names begin with ``lower``; ``real`` is float or double. Zero points exist if ``moved`` is set.
    """

    p: QParams
    lower: str
    real: str
    moved: bool

    @classmethod
    def of(cls, p: QParams, lower: str) -> _Source:
        """Return the generator for parameters; raise if C cannot express them."""
        quantizer, a = QUANTIZERS[p.mapping], p.arithmetic
        if a.rounding not in _ROUND:
            raise NotExpressibleError(f"{_WHOSE} does not round by chance, as {a.rounding} does.")
        scales = np.atleast_1d(p.working_scale)
        with np.errstate(divide="ignore", over="ignore"):
            usable = np.isfinite(scales) & (scales > 0)
            if a.reciprocal:
                usable &= np.isfinite(1 / scales)
        if not usable.all():
            raise NotExpressibleError(f"{_WHOSE} has no scale of {scales[~usable][0]}.")
        z = zero_points(p)
        wide = (z < -_INT32) | (z > _INT32)
        if wide.any():
            raise NotExpressibleError(
                f"{_WHOSE} has zero points in 32 bits, and this scheme's is {z[wide][0]}: "
                "the range has to include 0."
            )
        real = "float" if p.dtype == np.float32 else "double"
        return cls(p, lower, real, quantizer.has_zero_point(p.format, a))

    @property
    def f(self) -> str:
        """Suffix of literals and functions for float."""
        return "f" if self.real == "float" else ""

    def parameters(self) -> list[str]:
        """Return the definitions of S and Z."""
        scales = [f"{float(s).hex()}{self.f}" for s in np.atleast_1d(self.p.working_scale)]
        made = self._defined("scale", self.real, scales)
        if self.moved:
            made += self._defined("zero_point", "int32_t", [int(z) for z in zero_points(self.p)])
        return made

    def _defined(self, word: str, kind: str, values: list[Any]) -> list[str]:
        upper = f"{self.lower}_{word}".upper()
        if self.p.granularity.whole:
            return [f"#define {upper} ({values[0]})"]
        return [
            f"static const {kind} {self.lower}_{word}[{len(values)}] = {{",
            listed(values),
            "};",
        ]

    def _value(self, word: str) -> str:
        name = f"{self.lower}_{word}"
        return name.upper() if self.p.granularity.whole else f"{name}[channel]"

    def steps(self, fmt: Format) -> list[str]:
        """Return the statements from ``x`` to its code."""
        a, f, real = self.p.arithmetic, self.f, self.real
        s, z = self._value("scale"), f"({real}){self._value('zero_point')}"
        first, rounding = a.zero_point_first, f"{_ROUND[a.rounding]}{f}"
        code = a.nan_code.within(fmt.qmin, fmt.qmax)
        nan = "x = 0;" if code is None else f"return {code};"
        product = f"x * (1.0{f} / {s})" if a.reciprocal else f"x / {s}"
        made = [f"{real} number;"]
        if self.moved and first and a.reciprocal and not a.fused:
            # A volatile product cannot be fused with the sum.
            made.append(f"volatile {real} product;")
        made += ["if (isnan(x)) {", f"    {nan}", "}"]
        if self.moved and first and a.fused:
            made.append(f"number = fmaf(x, 1.0f / {s}, {z});")
        elif self.moved and first and a.reciprocal:
            made += [f"product = {product};", f"number = product + {z};"]
        elif self.moved and first:
            made.append(f"number = {product} + {z};")
        else:
            made.append(f"number = {product};")
        made.append(f"number = {rounding}(number);{_COMMENTS.get(a.rounding, '')}")
        if self.moved and not first:
            made.append(f"number = number + {z};")
        upper = self.lower.upper()
        return [
            *made,
            f"if (number < {upper}_QMIN) {{",
            f"    return {upper}_QMIN;",
            "}",
            f"if (number > {upper}_QMAX) {{",
            f"    return {upper}_QMAX;",
            "}",
            f"return ({fmt.dtype.name}_t)number;",
        ]

    def back(self) -> str:
        """Return the expression of the value of ``code``; its distance from Z is rounded once."""
        distance = f"((int64_t)code - {self._value('zero_point')})" if self.moved else "code"
        return f"({self.real}){distance} * {self._value('scale')}"
