"""``@tflite`` against the installed LiteRT: the reference kernels of QUANTIZE and DEQUANTIZE.

They get the engine's own scales and zero points, for a model carries these. The function that the
specification gives for them is in no package; the kernels that quantize their input as they run
have its twin, apart from a difference in float32, and leave what they chose in a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.runtimes.hostile import WIDTH, arrays, on_ties, rows_of

flatbuffers = pytest.importorskip("flatbuffers")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
interpreter = pytest.importorskip("ai_edge_litert.interpreter")

FORMATS = RUNTIMES["tflite"].formats
ROWS = 12_000
KERNELS = interpreter.OpResolverType
OPERATOR = schema.BuiltinOperator
every_format = pytest.mark.parametrize("fmt", FORMATS)
every_mapping = pytest.mark.parametrize("mapping", RUNTIMES["tflite"].mappings)
hostile_and_ties = pytest.mark.parametrize("ties", [False, True], ids=["hostile", "ties"])


def tensor(
    kind: str, shape: Sequence[int], scale: Any = (), zero_point: Any = (), buffer: int = 0
) -> Any:
    """A tensor of a model, with parameters where there is a scale; more than one: along axis 0."""
    made = schema.TensorT()
    made.type, made.shape, made.buffer = getattr(schema.TensorType, kind.upper()), shape, buffer
    if len(scale):
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = [float(s) for s in scale]
        made.quantization.zeroPoint = [int(z) for z in zero_point]
    return made


def run(
    operator: int,
    nodes: Sequence[tuple[Any, Any]],
    x: Sequence[np.ndarray],
    kernels: Any = KERNELS.BUILTIN_REF,
    constant: tuple[Any, np.ndarray] | None = None,
    options: Any = None,
) -> Any:
    """Run a model of one kind of operator, once per pair of tensors; x are their inputs."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 9 if constant else 3
    graph = schema.SubGraphT()
    graph.tensors = [t for pair in nodes for t in pair]
    graph.inputs = list(range(0, len(graph.tensors), 2))
    graph.outputs = list(range(1, len(graph.tensors), 2))
    model = schema.ModelT()
    model.version, model.buffers = 3, [schema.BufferT()]
    model.operatorCodes, model.subgraphs = [code], [graph]
    graph.operators = []
    for source in graph.inputs:
        node = schema.OperatorT()
        node.inputs, node.outputs = [source], [source + 1]
        if constant:
            node.inputs += [len(graph.tensors), -1]
            node.builtinOptions = options
            node.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        graph.operators.append(node)
    if constant:
        graph.tensors.append(constant[0])
        model.buffers.append(schema.BufferT())
        model.buffers[1].data = constant[1].view(np.uint8).ravel()
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    made = interpreter.Interpreter(
        model_content=bytes(builder.Output()),
        experimental_op_resolver_type=kernels,
        experimental_preserve_all_tensors=constant is not None,
    )
    made.allocate_tensors()
    for index, values in zip(graph.inputs, x, strict=True):
        made.set_tensor(index, values)
    made.invoke()
    return made


def per_channel(
    x: np.ndarray, fmt: str, scale: np.ndarray, zero_point: np.ndarray, back: bool = False
) -> np.ndarray:
    """Codes of values, or the values of codes, by the reference kernel: one channel per row."""
    held, plain = tensor(fmt, x.shape, scale, zero_point), tensor("float32", x.shape)
    node = (held, plain) if back else (plain, held)
    return run(OPERATOR.DEQUANTIZE if back else OPERATOR.QUANTIZE, [node], [x]).get_tensor(1)


def per_tensor(
    x: np.ndarray,
    fmt: str,
    scale: np.ndarray,
    zero_point: np.ndarray,
    back: bool = False,
    kernels: Any = KERNELS.BUILTIN_REF,
) -> np.ndarray:
    """The same with a node of its own for every row."""
    nodes = []
    for s, z in zip(scale, zero_point, strict=True):
        held, plain = tensor(fmt, x.shape[1:], [s], [z]), tensor("float32", x.shape[1:])
        nodes.append((held, plain) if back else (plain, held))
    made = run(OPERATOR.DEQUANTIZE if back else OPERATOR.QUANTIZE, nodes, x, kernels)
    return np.stack([made.get_tensor(2 * row + 1) for row in range(len(x))])


def with_a_scale(x: np.ndarray, text: str) -> tuple[np.ndarray, engine.Evaluation]:
    """The arrays whose scale is above 0, and what the engine makes of them, channel by channel.

    By a scale of 0 the kernels divide, and cast infinity and NaN to integers: that is whatever the
    machine gives. No scale overflows.
    """
    p = engine.calibrate(x, f"{text} per-channel(0)")
    assert np.isfinite(p.scale).all()
    x = x[np.asarray(p.scale, np.float32) > 0]
    assert len(x) >= 10_000
    return x, engine.evaluate(x, f"{text} per-channel(0)")


def parameters(p: engine.QParams) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(p.scale, np.float32), np.asarray(p.zero_point, np.int64)


def test_the_version_that_the_window_names_is_the_one_that_is_compared() -> None:
    assert RUNTIMES["tflite"].verified == f"ai-edge-litert {version('ai-edge-litert')}"


@every_format
@every_mapping
@hostile_and_ties
@pytest.mark.parametrize("kernel", [per_channel, per_tensor])
def test_codes_and_reconstructed_values(fmt: str, mapping: str, ties: bool, kernel: Any) -> None:
    text = f"{fmt} {mapping} @tflite"
    x = arrays(1, ROWS)
    x, ours = with_a_scale(on_ties(x, text) if ties else x, text)
    scale, zero_point = parameters(ours.qparams)
    codes = kernel(x, fmt, scale, zero_point)
    # That a symmetric mapping leaves the lowest code out, the model's writer sees to, not the
    # kernel; it matters where a scale that is subnormal has been rounded down.
    np.testing.assert_array_equal(ours.codes, np.maximum(codes, int(ours.qparams.qmin)))
    reconstructed = kernel(ours.codes.astype(fmt), fmt, scale, zero_point, back=True)
    np.testing.assert_array_equal(ours.reconstructed, reconstructed)
    for row in range(300):
        one = engine.evaluate(x[row], text)
        assert (np.float32(one.qparams.scale), one.qparams.zero_point) == (
            scale[row],
            zero_point[row],
        )
        np.testing.assert_array_equal(one.codes, np.maximum(codes[row], int(one.qparams.qmin)))
        np.testing.assert_array_equal(one.reconstructed, reconstructed[row])


@every_format
@pytest.mark.parametrize("mapping", ["asymmetric manual(-1,2)", "symmetric manual(-2,2)"])
@pytest.mark.parametrize("kernel", [per_channel, per_tensor])
def test_values_far_outside_the_range(fmt: str, mapping: str, kernel: Any) -> None:
    x = arrays(2, ROWS)
    text = f"{fmt} {mapping} @tflite"
    step = engine.calibrate(x, text).scale
    # From 2^31 steps on, the cast to int32 overflows before anything is clipped. (The default
    # delegate clips these as the engine does.)
    x = np.where(np.abs(x) < 2.0**30 * step, x, np.sign(x) * np.float32(2.0**30 * step))
    assert (np.abs(x) > 1e6 * step).any(axis=1).sum() > 1000
    ours = engine.evaluate(x, f"{text} per-channel(0)")
    scale, zero_point = parameters(ours.qparams)
    codes = kernel(x, fmt, scale, zero_point)
    np.testing.assert_array_equal(ours.codes, np.maximum(codes, int(ours.qparams.qmin)))


@every_format
@every_mapping
@hostile_and_ties
def test_the_default_kernels(
    fmt: str, mapping: str, ties: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``@litert``: what an interpreter runs that is asked for nothing else."""
    text = f"{fmt} {mapping} @litert"
    # Many tensors at once: as channels, which follow the row of tensors here.
    monkeypatch.setitem(RUNTIMES, "litert", replace(RUNTIMES["litert"], variants={}))
    x = arrays(1, 14_000)
    x = on_ties(x, text) if ties else x
    p = engine.calibrate(x, f"{text} per-channel(0)")
    # The delegate refuses scales near the subnormal ones, or crashes.
    x = x[np.asarray(p.scale) > 1e-36]
    assert len(x) >= 10_000
    ours = engine.evaluate(x, f"{text} per-channel(0)")
    scale, zero_point = parameters(ours.qparams)
    codes = per_tensor(x, fmt, scale, zero_point, kernels=KERNELS.BUILTIN)
    np.testing.assert_array_equal(ours.codes, np.maximum(codes, int(ours.qparams.qmin)))
    reconstructed = per_tensor(
        ours.codes.astype(fmt), fmt, scale, zero_point, True, KERNELS.BUILTIN
    )
    np.testing.assert_array_equal(ours.reconstructed, reconstructed)
    for one in range(100):
        np.testing.assert_array_equal(engine.evaluate(x[one], text).codes, ours.codes[one])


@every_format
def test_the_default_delegate_and_the_optimized_kernel_part_at_ties(fmt: str) -> None:
    """They multiply by 1/S and round ties to even; the latter not its last few values."""
    x = np.arange(12, dtype=np.float32)[None] + np.float32(0.5)
    one, zero = np.ones(1), np.zeros(1)
    kinds = (KERNELS.BUILTIN_REF, KERNELS.BUILTIN, KERNELS.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    away, even, mixed = (per_tensor(x, fmt, one, zero, kernels=kind) for kind in kinds)
    np.testing.assert_array_equal(away, np.floor(x + 0.5))
    np.testing.assert_array_equal(even, np.rint(x))
    np.testing.assert_array_equal(mixed, np.concatenate([even[:, :8], away[:, 8:]], axis=1))


def chosen(x: np.ndarray, asymmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """S and Z that a fully connected layer with int8 weights chooses for its input, per row."""
    options = schema.FullyConnectedOptionsT()
    options.asymmetricQuantizeInputs = asymmetric
    ones = np.eye(WIDTH, dtype=np.int8)
    # It multiplies S by the weights' scale: 1, so that nothing is rounded.
    weights = tensor("int8", ones.shape, [1.0], [0], buffer=1)
    node = (tensor("float32", x.shape), tensor("float32", x.shape))
    made = run(OPERATOR.FULLY_CONNECTED, [node], [x], constant=(weights, ones), options=options)
    # Behind the model's three tensors its own: the codes, S, sums, Z.
    scale = made.get_tensor(4)
    return scale, made.get_tensor(6) if asymmetric else np.zeros(len(x), np.int32)


def half_zero_points() -> np.ndarray:
    """Arrays whose zero point lies halfway between two codes, or next to that."""
    low = -np.arange(0, 255.5, 0.5, dtype=np.float32)
    x = np.zeros((3, len(low), WIDTH), np.float32)
    x[..., 0], x[..., 1] = low, low + np.float32(255)
    x[1, :, 0] = np.nextafter(low, np.float32(-np.inf))
    x[2, :, 1] = np.nextafter(x[2, :, 1], np.float32(np.inf))
    return np.concatenate([x.reshape(-1, WIDTH) * np.float32(s) for s in (1, 2.0**-30, 0.1)])


@every_mapping
@hostile_and_ties
def test_parameters_of_dynamic_quantization(
    mapping: str, ties: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is the same but Rmax − Rmin, which these kernels take in float32, not in float64."""
    text = f"int8 {mapping} @tflite"
    row = RUNTIMES["tflite"]
    in_float32 = replace(row, arithmetic=replace(row.arithmetic, difference="working"))
    monkeypatch.setitem(RUNTIMES, "tflite", in_float32)
    x = arrays(3, ROWS)
    x = np.concatenate([on_ties(x, text) if ties else x, half_zero_points()])
    # For zeros they take S = 1; and where the width overflows float32, so does theirs.
    with np.errstate(over="ignore"):
        x = x[(x != 0).any(axis=1) & np.isfinite(x.max(axis=1) - x.min(axis=1))]
    assert len(x) >= 10_000
    scale, zero_point = chosen(x, mapping == "asymmetric")
    bits, zeros = rows_of(engine.calibrate(x, f"{text} per-channel(0)"))
    np.testing.assert_array_equal(bits, scale.view(np.int32))
    np.testing.assert_array_equal(zeros, zero_point)


def test_zeros_have_the_zero_point_0() -> None:
    """The specification's function gives S = 0 and Z = 0 for a range that is a point."""
    x = np.zeros((3, WIDTH), np.float32)
    # The layer chooses nothing where all of its input is zeros.
    _, zero_point = chosen(np.concatenate([x, x + 1]), asymmetric=True)
    np.testing.assert_array_equal(zero_point[:3], 0)
    for fmt in FORMATS:
        p = engine.calibrate(x, f"{fmt} asymmetric @tflite")
        assert (p.scale, p.zero_point) == (0, 0)
