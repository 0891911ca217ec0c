"""Write an ONNX model of QuantizeLinear and DequantizeLinear for one tensor.

The input is the tensor in float32; the outputs are the reconstructed values and the codes (those of
up to 4 bits as int8 or uint8; none for e5m2, which ONNX Runtime cannot return).
S and Z are initializers: one per channel along ``axis``, or per ``block_size`` along it.

QuantizeLinear divides by S in float32, rounds half to even, adds Z, and saturates. If
that gives any value of the tensor another code than the scheme does, nodes are added so that the
codes match. The first variant that matches for the whole tensor is written:

1. QuantizeLinear, DequantizeLinear;
2. with values clipped before, if the scheme excludes codes such as −128;
3. with the scheme's own operations before, such as adding Z before rounding, and a
   QuantizeLinear with scale 1 and zero point 0 that only converts integers to codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from quantoscope.engine import __version__
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.evaluator import encoded
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import (
    NotExpressibleError,
    affine_only,
    channel_axis,
    finite_scales,
    group_axis,
    zero_points_within,
)
from quantoscope.engine.formats import Format, IntegerFormat
from quantoscope.engine.quantizers import QParams
from quantoscope.engine.schemes.runtimes import RUNTIMES

_WHOSE = "QuantizeLinear"
_WIDTHS = (4, 8, 16)
_FLOATS = {"e4m3fn": "FLOAT8E4M3FN", "e5m2": "FLOAT8E5M2"}
"""ONNX's names of the small floats that QuantizeLinear of ONNX Runtime has."""
_HANDED_OUT = ("e4m3fn",)
"""Those of them that can be outputs of a model."""
_IR = {13: 7, 19: 9, 21: 10}
"""Oldest IR version per operator set."""


@dataclass
class _Graph:
    """Parts of a model."""

    name: str
    nodes: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def constant(self, word: str, values: np.ndarray, kind: int = 0) -> str:
        """Add an initializer; its type defaults to that of the values."""
        from onnx import helper, numpy_helper

        name = f"{self.name}_{word}"
        made = (
            helper.make_tensor(name, kind, values.shape, values.ravel().tolist())
            if kind
            else numpy_helper.from_array(np.asarray(values, order="C"), name)
        )
        self.initializers.append(made)
        return name

    def add(self, operator: str, *inputs: str, word: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        from onnx import helper

        output = f"{self.name}_{word or operator.lower()}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output


@dataclass(frozen=True)
class _Numbers:
    """Parameters of QuantizeLinear and of the scheme, in the shape that the operators take."""

    p: QParams
    own: QParams
    scale: np.ndarray
    zero_point: np.ndarray
    along: tuple[int, ...]
    """Shape in which parameters broadcast to the tensor; empty for a single set."""
    where: dict[str, int]
    """Attributes of QuantizeLinear."""

    def meeting(self, values: Any) -> np.ndarray:
        """Return one number per channel in a shape that broadcasts to the tensor."""
        return np.asarray(values, np.float32).reshape(self.along)

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of the scheme's first and last code."""
        s, z = self.own.working_scale, self.own.working_zero_point
        with np.errstate(over="ignore"):
            low, high = ((np.float32(q) - z) * s for q in (self.own.qmin, self.own.qmax))
        return self.meeting(low), self.meeting(high)


def render(result: Evaluation, name: str) -> bytes:
    """Return the serialized model.

    Raises
    ------
    NotExpressibleError
        If no such model gives the scheme's codes.
    QuantizationError
        If the package onnx is missing.
    """
    container = _container(result)
    numbers = _numbers(result, container)
    try:
        from onnx import TensorProto, helper
    except ImportError:
        raise QuantizationError(
            'An ONNX model needs the package onnx; install it with "pip install onnx".'
        ) from None
    build, why = _way(result, numbers, container)
    kind = int(getattr(TensorProto, _onnx_name(container)))
    word = name.encode("utf-8", "backslashreplace").decode() or "tensor"
    graph = _Graph(word)
    scale = graph.constant("scale", numbers.scale)
    zero_point = graph.constant("zero_point", numbers.zero_point, kind)
    codes = build(graph, numbers, (scale, zero_point), kind)
    graph.add("DequantizeLinear", codes, scale, zero_point, word="dequantized", **numbers.where)
    shape = result.codes.shape
    outputs = [helper.make_tensor_value_info(f"{word}_dequantized", TensorProto.FLOAT, shape)]
    shown = int(getattr(TensorProto, container.dtype.name.upper()))
    if isinstance(container, IntegerFormat):
        if container.bits < 8:
            codes = graph.add("Cast", codes, word="codes", to=shown)
        outputs.append(helper.make_tensor_value_info(codes, shown, shape))
    elif container.name in _HANDED_OUT:
        outputs.append(helper.make_tensor_value_info(codes, kind, shape))
    made = helper.make_graph(
        graph.nodes,
        "quantize_dequantize",
        [helper.make_tensor_value_info(word, TensorProto.FLOAT, shape)],
        outputs,
        graph.initializers,
        doc_string=f"{result.scheme}{why}",
    )
    opset = _opset(container, numbers)
    model = helper.make_model(
        made,
        producer_name="quantoscope",
        producer_version=__version__,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=_IR[opset],
    )
    return bytes(model.SerializeToString(deterministic=True))


def as_text(content: bytes) -> str:
    """Return a serialized model in the text syntax of the package onnx."""
    from onnx import load_from_string, printer

    return str(printer.to_text(load_from_string(content)))


def _container(result: Evaluation) -> Format:
    """Return the ONNX format that holds the codes."""
    fmt = result.qparams.format
    if isinstance(fmt, IntegerFormat):
        affine_only(result, _WHOSE)
        bits = next(width for width in _WIDTHS if width >= fmt.bits)
        return IntegerFormat(bits, fmt.signed)
    if fmt.name in _FLOATS:
        affine_only(result, _WHOSE)
        return fmt
    raise NotExpressibleError(
        f"{_WHOSE} of ONNX Runtime has integer, e4m3fn and e5m2 codes, not {fmt}."
    )


def _onnx_name(container: Format) -> str:
    return container.name.upper() if container.integer else _FLOATS[container.name]


def _opset(container: Format, numbers: _Numbers) -> int:
    """Return the oldest sufficient operator set, for compatibility."""
    if container.bits != 8 or "block_size" in numbers.where:
        return 21
    return 13 if container.integer else 19


def _numbers(result: Evaluation, container: Format) -> _Numbers:
    own, shape = result.qparams, result.codes.shape
    scales = finite_scales(own, _WHOSE)
    zeros = np.zeros(own.count, np.int64)
    if isinstance(container, IntegerFormat):
        zeros = zero_points_within(own, container, _WHOSE)
    axis, groups = channel_axis(own, shape, _WHOSE), group_axis(own, shape, _WHOSE)
    along: tuple[int, ...] = ()
    at: tuple[int, ...] = ()
    where = {}
    if axis is not None:
        along = tuple(length if i == axis else 1 for i, length in enumerate(shape))
        at, where = (shape[axis],), {"axis": axis}
    elif groups is not None and own.count > 1:
        # ONNX Runtime ignores block_size if there is only one block.
        axis, size = groups
        at = tuple(-(-length // size) if i == axis else length for i, length in enumerate(shape))
        where = {"axis": axis, "block_size": size}
    p = replace(
        own,
        mapping="asymmetric" if container.integer else "symmetric",
        format=container,
        scale=scales.astype(np.float64) if np.ndim(own.scale) else float(scales[0]),
        zero_point=zeros if np.ndim(own.scale) else int(zeros[0]),
        qmin=container.qmin,
        qmax=container.qmax,
        dtype=np.dtype(np.float32),
        arithmetic=RUNTIMES["onnxruntime"].arithmetic,
    )
    s, z = (_in_place(each, at, where) for each in (scales, zeros))
    return _Numbers(p, own, s, z, along, where)


def _in_place(values: np.ndarray, at: tuple[int, ...], where: dict[str, int]) -> np.ndarray:
    """Return parameters in their shape; those of groups are numbered along the groups' axis."""
    if "block_size" not in where:
        return values.reshape(at)
    axis = where["axis"]
    lines = (*at[:axis], *at[axis + 1 :], at[axis])
    return np.moveaxis(values.reshape(lines), -1, axis)


# The three variants; each adds nodes and returns the name of the codes.

_Build = Callable[[_Graph, _Numbers, tuple[str, str], int], str]


def _plain(graph: _Graph, numbers: _Numbers, parameters: tuple[str, str], kind: int) -> str:
    return graph.add(_WHOSE, graph.name, *parameters, word="quantized", **numbers.where)


def _cut(graph: _Graph, numbers: _Numbers, parameters: tuple[str, str], kind: int) -> str:
    low, high = numbers.ends()
    cut = graph.add("Max", graph.name, graph.constant("low", low))
    cut = graph.add("Min", cut, graph.constant("high", high))
    return graph.add(_WHOSE, cut, *parameters, word="quantized", **numbers.where)


def _stepwise(graph: _Graph, numbers: _Numbers, parameters: tuple[str, str], kind: int) -> str:
    own = numbers.own
    s, z = numbers.meeting(own.working_scale), numbers.meeting(own.working_zero_point)
    if own.arithmetic.reciprocal:
        last = graph.add("Mul", graph.name, graph.constant("inverse", np.float32(1) / s))
    else:
        last = graph.add("Div", graph.name, graph.constant("divisor", s))
    first = own.arithmetic.zero_point_first
    if own.moved and first:
        last = graph.add("Add", last, graph.constant("shift", z))
    last = graph.add("Round", last)
    if own.moved and not first:
        last = graph.add("Add", last, graph.constant("shift", z))
    last = graph.add("Max", last, graph.constant("low", np.array(own.qmin, np.float32)))
    last = graph.add("Min", last, graph.constant("high", np.array(own.qmax, np.float32)))
    one = graph.constant("one", np.ones((), np.float32))
    zero = graph.constant("zero", np.zeros((), np.int64), kind)
    return graph.add(_WHOSE, last, one, zero, word="quantized")


def _way(result: Evaluation, numbers: _Numbers, container: Format) -> tuple[_Build, str]:
    """Return the first variant that matches the scheme's codes, and a note for the model."""
    p, own = numbers.p, numbers.own
    with np.errstate(over="ignore", under="ignore"):
        r = result.values.astype(np.float32, copy=False)
    unknown = np.isnan(r) if result.totals.nan else None
    if unknown is not None:
        r = np.where(unknown, np.float32(0), r)

    def differing(values: np.ndarray) -> int:
        others = encoded(values, p) != result.codes
        if unknown is not None:
            others &= ~unknown
        return int(np.count_nonzero(others))

    same_codes = (own.qmin, own.qmax) == (p.qmin, p.qmax)
    width_fits = own.format.bits == container.bits
    count = differing(r)
    if not count and width_fits:
        return _plain, ""
    if not same_codes and "block_size" not in numbers.where:
        count = differing(np.clip(r, *numbers.ends()))
        if not count:
            return _cut, f"; values are cut to the codes {own.qmin} to {own.qmax}"
    elif not count:
        raise NotExpressibleError(f"{_WHOSE} cannot cut groups to the codes of {own.format}.")
    problem = "".join(_beyond_steps(numbers, container))
    if problem:
        instead = "the scheme with @onnxruntime" if container.integer else "ties-even"
        raise NotExpressibleError(
            f"{_WHOSE} gives {count:,} of {r.size:,} values another code than this scheme, "
            f"{problem}: take {instead}."
        )
    return _stepwise, (
        f"; {_WHOSE} alone would give {count} of {r.size} values another code, so the scheme's "
        "own steps come before it"
    )


def _beyond_steps(numbers: _Numbers, container: Format) -> Iterator[str]:
    """Yield reasons why the scheme's operations have no ONNX operators."""
    a = numbers.own.arithmetic
    with np.errstate(over="ignore"):
        inverse = np.float32(1) / numbers.scale
    if numbers.own.dtype != np.float32:
        yield f"which works in {numbers.own.dtype.name}"
    elif not container.integer or a.rounding != "ties-even":
        yield f"which rounds {a.rounding}"
    elif "block_size" in numbers.where:
        yield "whose groups leave no room for steps of its own"
    elif a.reciprocal and np.isinf(inverse).any():
        yield "whose 1/S is infinite"
    elif a.fused and numbers.own.moved:
        yield "which fuses a multiplication and an addition"
