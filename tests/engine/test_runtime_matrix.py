"""The matrix of runtimes against plain evaluations of each."""

import re
import tracemalloc

import numpy as np
import pytest

from quantoscope.engine import RUNTIMES, QuantizationError, Scheme, compare, evaluate
from quantoscope.engine.analysis.comparison import Compared
from quantoscope.engine.analysis.runtime_matrix import runtime_matrix
from quantoscope.engine.formats import FORMATS
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.schemes.nearest import nearest
from quantoscope.engine.schemes.runtimes import Evidence

SCHEMES = (
    "int8 asymmetric @onnxruntime",
    "int8 asymmetric per-channel(0) @onnxruntime",
    "int8 symmetric per-channel(1) @pytorch",
    "uint8 asymmetric",
    "uint8 symmetric @tflite",
    "int4 symmetric per-group(5) @aiedge",
    "int8 symmetric percentile(99)",
    "int8 symmetric mse per-channel(0) @onnxruntime",
    "int8 symmetric entropy @onnxruntime",
    "e4m3fn symmetric",
)


def values(dtype=np.float32):
    """Ties, plain values, and what is not finite."""
    rng = np.random.default_rng(8)
    x = rng.standard_normal((40, 60)) * np.exp(rng.standard_normal((40, 1)))
    x[::3, ::2] = rng.integers(-255, 256, x[::3, ::2].shape) / 2
    x[5, 5], x[6, 6], x[7, 7] = np.nan, np.inf, -np.inf
    return x.astype(dtype)


def same(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", SCHEMES)
def test_counts_and_first_positions_are_those_of_two_evaluations(text, dtype):
    x = values(dtype)
    first, known = evaluate(x, text), ~np.isnan(x)
    for row in runtime_matrix(x, text).rows:
        if row.refusal:
            continue
        other = evaluate(x, row.scheme)
        codes = known & (first.codes != other.codes)
        made = known & ~same(first.reconstructed, other.reconstructed)
        scales = [np.atleast_1d(one.qparams.working_scale) for one in (first, other)]
        zeros = [np.atleast_1d(one.qparams.zero_point) for one in (first, other)]
        found = [(one.count, one.of) for one in row.differences]
        assert found == [
            (np.count_nonzero(scales[0] != scales[1]), scales[0].size),
            (np.count_nonzero(zeros[0] != zeros[1]), zeros[0].size),
            (codes.sum(), known.sum()),
            (made.sum(), known.sum()),
        ]
        assert (row.parting is None) == (not codes.any() and not made.any())
        if codes.any():
            assert row.parting.position == np.flatnonzero(codes)[0]
        elif made.any():
            assert row.parting.position in np.flatnonzero(made)


def test_a_last_digit_is_two_units_in_the_last_place_and_no_more():
    x = values()
    x = x[np.isfinite(x)]
    for row in runtime_matrix(x, "int8 asymmetric @onnxruntime").rows:
        if row.refusal:
            continue
        a, b = (evaluate(x, s).reconstructed for s in ("int8 asymmetric @onnxruntime", row.scheme))
        apart = a != b
        within = np.abs(a.astype(float) - b) <= 2 * np.spacing(np.maximum(abs(a), abs(b)))
        assert row.values.last == np.count_nonzero(apart & within)


@pytest.mark.parametrize("text", [s for s in SCHEMES if "mse" not in s])
def test_the_cause_is_the_one_that_compare_finds(text):
    x = values()
    for row in runtime_matrix(x, text).rows:
        if row.parting is None or not row.codes.count:
            continue
        made = compare(x, text, row.scheme)
        assert made.compared is Compared.CODES
        cause = made.causes[made.cause_of.flat[row.parting.position]]
        assert str(row.parting.cause) == str(cause)


def test_a_range_that_a_search_found_is_named_without_another_search():
    x = np.random.default_rng(3).standard_normal(900).astype(np.float32) ** 3
    rows = runtime_matrix(x, "int8 symmetric mse @onnxruntime").rows
    causes = [row.parting.cause for row in rows if row.parting]
    assert causes
    for row in rows:
        if row.parting and row.parting.cause.key == "calibration":
            assert row.parting.cause.title == "Range found by mse"
            low, high = map(float, row.parting.cause.first.split("…"))
            assert low < 0 < high


@pytest.mark.parametrize("text", SCHEMES)
def test_the_line_ends_in_what_either_made_of_the_value(text):
    x = values()
    first = evaluate(x, text)
    for row in runtime_matrix(x, text).rows:
        if row.parting is None:
            continue
        at, other = row.parting.position, evaluate(x, row.scheme)
        chains = row.parting.line.partition(":  ")[2].split(" | ")
        ends = [chain.rpartition(" = ")[2] for chain in chains]
        assert len(set(ends)) == len(ends) == 2
        made = [one.codes if row.codes.count else one.reconstructed for one in (first, other)]
        for end, one in zip(ends, made, strict=True):
            assert float(end) == pytest.approx(float(one.flat[at]), rel=1e-5)
        real = float(re.match(r"R = (\S+?)[,:]", row.parting.line)[1].replace("∞", "inf"))
        assert np.float32(real) == x.flat[at]


def test_words_for_axes_mean_what_the_role_says():
    x, role = values()[:8], Role((1,), (0,))
    by_word = runtime_matrix(x, "int8 asymmetric per-channel(out)", role=role)
    by_number = runtime_matrix(x, "int8 asymmetric per-channel(1)")
    for one, other in zip(by_word.rows, by_number.rows, strict=True):
        assert one.differences == other.differences
        assert one.parting == other.parting
        assert "per-channel(out)" in str(one.scheme)


def test_a_tie_is_named():
    x = np.array([0.5, 2.5, -127, 127], np.float32)
    rows = {row.runtime: row for row in runtime_matrix(x, "int8 symmetric").rows}
    parting = rows["tflite"].parting
    assert (parting.position, parting.tie) == (0, "R/S = 0.5")
    assert parting.cause.key == "rounding"
    assert parting.line == "R = 0.5, R/S = 0.5:  Round(0.5) = 0 | RoundAway(0.5) = 1"
    assert rows["onnxruntime"].parting is None


def test_a_tie_names_the_stage_in_which_it_lies():
    x = np.array([-1, 2, 0.5 * 3 / 255], np.float32)
    rows = runtime_matrix(np.tile(x, 3), "uint8 asymmetric @tflite").rows
    for row in rows:
        if row.parting is not None and row.parting.tie:
            assert row.parting.tie.startswith(("R/S = ", "R/S + Z = ", "R·1/S = ", "R·1/S + Z = "))
            assert abs(float(row.parting.tie.rpartition("= ")[2])) % 1 == 0.5


@pytest.mark.parametrize("text", [*SCHEMES, "q8_0", "mxfp4-gguf", "nf4 symmetric"])
def test_every_other_runtime_has_a_row_and_those_without_the_scheme_the_nearest(text):
    matrix = runtime_matrix(values(), text)
    own = Scheme.parse(text)
    assert {row.runtime for row in matrix.rows} == {"", *RUNTIMES} - {own.runtime}
    refused = [bool(row.refusal) for row in matrix.rows]
    assert refused == sorted(refused)
    for row in matrix.rows:
        assert row.scheme.runtime == row.runtime
        assert bool(row.refusal) == all(one is None for one in row.differences)
    assert matrix.title in ("textbook", f"@{own.runtime}")


@pytest.mark.parametrize(
    ("text", "runtime", "expected"),
    [
        ("int8 asymmetric per-channel(0)", "tensorrt", "int8 symmetric per-channel(0) @tensorrt"),
        ("int8 symmetric per-group(32)", "pytorch", "int8 symmetric per-channel(out) @pytorch"),
        ("uint4 asymmetric", "tflite", "uint8 asymmetric @tflite"),
        ("q8_0", "onnxruntime", "int8 symmetric per-group(32) @onnxruntime"),
        ("e5m2 symmetric", "tensorrt", "e4m3fn symmetric @tensorrt"),
        ("int8 symmetric ties-away pow2", "aiedge", "int8 symmetric @aiedge"),
        ("int8 scale-only mse", "aiedge", "int8 symmetric mse @aiedge"),
    ],
)
def test_the_nearest_scheme_keeps_what_the_runtime_has(text, runtime, expected):
    assert str(nearest(Scheme.parse(text), RUNTIMES[runtime], 2)) == expected


def test_groups_of_a_line_become_the_whole_of_it_and_not_one_value_each():
    near = nearest(Scheme.parse("int8 symmetric per-group(32)"), RUNTIMES["pytorch"], 1)
    assert str(near) == "int8 symmetric @pytorch"


def test_evidence_stands_on_the_rows_of_the_runtimes():
    assert RUNTIMES["onnxruntime"].evidence is Evidence.VERIFIED
    assert RUNTIMES["tflite"].evidence is Evidence.IN_PART
    assert RUNTIMES["tensorrt"].evidence is Evidence.DOCUMENTED


def test_what_cannot_be_quantized_is_an_error_with_a_sentence():
    with pytest.raises(QuantizationError, match="no finite value"):
        runtime_matrix(np.full(3, np.nan, np.float32), "int8 symmetric")


def test_it_can_be_stopped_at_every_step_that_it_tells():
    x, told = np.linspace(-1, 1, 1 << 20, dtype=np.float32), []
    runtime_matrix(x, "int8 asymmetric", progress=lambda done, of: told.append((done, of)))
    assert told == sorted(told)
    assert all(done <= of for done, of in told)
    stopped = 0
    for stop in range(len(told)):
        seen = []

        def check(done, of, stop=stop, seen=seen):
            seen.append(done)
            if len(seen) > stop:
                raise KeyboardInterrupt

        try:
            runtime_matrix(x, "int8 asymmetric", progress=check)
        except KeyboardInterrupt:
            stopped += 1
        else:
            # Threads that end together tell of it once.
            assert len(seen) <= stop
    assert stopped >= len(told) - 2


def test_no_codes_or_reconstructed_values_are_kept():
    x = np.random.default_rng(0).standard_normal(1 << 23).astype(np.float32)
    runtime_matrix(x, "int8 asymmetric")
    tracemalloc.start()
    runtime_matrix(x, "int8 asymmetric")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 2 + (1 << 25)


def test_every_format_has_a_matrix():
    x = np.random.default_rng(2).standard_normal((4, 64)).astype(np.float32)
    for name, fmt in FORMATS.items():
        text = name if fmt.mapping else f"{name} symmetric"
        assert runtime_matrix(x, text).rows
