"""The worked example: three numbers, three ways to int8, to the last printed digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine

PRINTED = json.loads(
    (Path(__file__).parent / "data" / "worked_example.json").read_text("utf-8"),
    parse_float=Decimal,
)
SCHEMES = PRINTED["schemes"]
INPUT = np.array([float(figure) for figure in PRINTED["input"]], np.float32)

each_scheme = pytest.mark.parametrize("text", SCHEMES)


def assert_as_printed(values: np.ndarray, figures: list[Decimal]) -> None:
    """Every value lies within half a unit of the last digit of its figure; a printed 0 is 0."""
    assert len(values) == len(figures)
    for value, figure in zip(values.tolist(), figures, strict=True):
        half_unit = Decimal(1).scaleb(figure.as_tuple().exponent) / 2 if figure else Decimal(0)
        assert abs(Decimal(value) - figure) <= half_unit, (value, figure)


def test_the_input_is_the_printed_draw() -> None:
    drawn = np.random.RandomState(8215).randn(3).astype(np.float32)
    np.testing.assert_array_equal(drawn, INPUT)


@each_scheme
def test_the_scale_has_every_printed_digit(text: str) -> None:
    assert Decimal(repr(engine.calibrate(INPUT, text).scale)) == SCHEMES[text]["scale"]


@each_scheme
def test_the_zero_point_is_the_printed_one(text: str) -> None:
    assert engine.calibrate(INPUT, text).zero_point == SCHEMES[text]["zero_point"]


@each_scheme
def test_the_codes_are_the_printed_ones(text: str) -> None:
    codes = engine.evaluate(INPUT, text).codes
    assert codes.dtype == np.int8
    assert codes.tolist() == SCHEMES[text]["codes"]


@each_scheme
def test_the_reconstructed_values_and_errors_are_the_printed_ones(text: str) -> None:
    result = engine.evaluate(INPUT, text)
    assert result.reconstructed.dtype == result.error.dtype == np.float32
    assert_as_printed(result.reconstructed, SCHEMES[text]["reconstructed"])
    assert_as_printed(result.error, SCHEMES[text]["error"])


@each_scheme
def test_the_steps_by_hand_agree_with_evaluate(text: str) -> None:
    qparams = engine.calibrate(INPUT, text)
    codes = engine.quantize(INPUT, qparams)
    assert codes.tolist() == SCHEMES[text]["codes"]
    assert_as_printed(engine.dequantize(codes, qparams), SCHEMES[text]["reconstructed"])


@each_scheme
def test_a_python_list_gives_the_same(text: str) -> None:
    result = engine.evaluate(INPUT.tolist(), text)
    assert Decimal(repr(result.qparams.scale)) == SCHEMES[text]["scale"]
    assert result.codes.tolist() == SCHEMES[text]["codes"]


@each_scheme
def test_the_trace_shows_every_stage(text: str) -> None:
    trace = engine.trace(INPUT, text, [0, 1, 2])
    figures = SCHEMES[text]
    np.testing.assert_array_equal(trace["real"], INPUT)
    np.testing.assert_array_equal(trace["scaled"], INPUT / np.float32(figures["scale"]))
    assert trace["rounded"].tolist() == figures["rounded"]
    assert trace["clipped"].tolist() == figures["codes"]
    assert_as_printed(trace["reconstructed"], figures["reconstructed"])
    assert_as_printed(trace["error"], figures["error"])
    clipped = [int(q != r) for q, r in zip(figures["codes"], figures["rounded"], strict=True)]
    assert np.abs(trace.saturated).tolist() == clipped


def test_the_asymmetric_trace_adds_the_zero_point_before_rounding() -> None:
    trace = engine.trace(INPUT, "int8 asymmetric", [0, 1, 2])
    assert [stage.key for stage in trace.stages] == [
        "scaled",
        "shifted",
        "rounded",
        "clipped",
        "reconstructed",
        "error",
    ]
    np.testing.assert_array_equal(trace["shifted"], trace["scaled"] - np.float32(16))


def test_scale_only_clips_one_value_and_its_error_dwarfs_the_others() -> None:
    result = engine.evaluate(INPUT, "int8 scale-only")
    assert result.saturated.tolist() == [0, 1, 0]
    magnitudes = np.sort(np.abs(result.error))
    assert 55 < magnitudes[2] / magnitudes[1] < 65
    assert result.metrics["clipped_high"] == 1
    assert result.metrics["clipped_low"] == 0
    assert result.metrics["max_abs_error_index"] == 1


@pytest.mark.parametrize("text", ["int8 symmetric", "int8 asymmetric"])
def test_the_other_two_clip_nothing(text: str) -> None:
    assert not engine.evaluate(INPUT, text).saturated.any()


def test_symmetric_leaves_codes_of_the_short_side_unused() -> None:
    codes = engine.evaluate(INPUT, "int8 symmetric").codes
    assert codes.max() == 127
    assert codes.min() == -100


def test_one_outlier_leaves_three_codes_for_a_thousand_points() -> None:
    points = np.random.RandomState(0).uniform(-1, 1, 1000).astype(np.float32)
    with_outlier = np.append(points, np.float32(100))
    before = engine.evaluate(points, "int8 symmetric")
    after = engine.evaluate(with_outlier, "int8 symmetric")
    assert 99 < after.qparams.scale / before.qparams.scale < 102
    assert np.unique(after.codes[:1000]).tolist() == [-1, 0, 1]
    assert np.unique(before.codes).size > 200
