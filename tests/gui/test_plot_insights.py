"""What plots say of themselves is true: figured out again, apart from the program."""

import re

import numpy as np
import pyqtgraph as pg
import pytest

from quantoscope.engine import Evaluation, evaluate
from quantoscope.engine.examples import example
from tests.gui.plot_bench import CASES, KEYS, THREE, noise

# Insights are true

TRUTH = {
    name: CASES[name]
    for name in ("one", "three", "sixty", "5000", "constant", "far from 0", "four axes")
} | {
    "outlier": (np.append(noise(1000) / 4, 100), (*THREE, "int8 symmetric manual(-1,1)")),
    "relu": (np.maximum(noise(1000), 0), (*THREE, "uint8 symmetric")),
    "sixteen bits far from 0": (np.linspace(100, 101, 40), ("int16 asymmetric",)),
    "finer than float32": (np.linspace(1000, 1001, 40), ("int16 asymmetric",)),
    "two bits": (noise(100), ("int2 symmetric", "uint2 asymmetric")),
}


def number(text):
    return float(text.replace(",", "").replace("−", "-"))


@pytest.mark.parametrize("case", TRUTH)
def test_the_insights_are_true(bench, case):
    array, schemes = TRUTH[case]
    array = array.astype(np.float32)
    benches = {key: bench(key, array, *schemes) for key in KEYS}
    for place, scheme in enumerate(schemes):
        for one in benches.values():
            one.session.activate(one.session.entries[place].uid)
        says = {key: one.plot.insight for key, one in benches.items()}
        result = evaluate(array, scheme)
        pair = says.pop("difference")
        _check_way(says.pop("waterfall"), array, schemes)
        _check_bits(says.pop("bits"), array, schemes)
        assert len(schemes) < 2 or pair.startswith(f"{schemes[0]} and {schemes[1]}:")
        # It speaks of all schemes: see test_number_line_layout.py.
        says.pop("number-line")
        # These speak of rows and pixels: see test_image.py.
        says.pop("image"), says.pop("image-beside")
        assert all(text.startswith(scheme) for text in says.values())
        _check_signal(says["signal"].removeprefix(scheme), array, result)
        _check_error(says["error"].removeprefix(scheme), array, result)
        _check_unused(says["distribution"].removeprefix(scheme), result)
        _check_codes(says["codes"].removeprefix(scheme), result)
        _check_transfer(says["transfer"].removeprefix(scheme), result)


def _check_way(text, array, schemes):
    if len(schemes) < 2:
        assert text.startswith("Switch on two schemes")
        return
    match = re.match(r"(.+?) loses (\S+) dB less than (.+?), at ", text)
    if match is None:
        assert "loses nothing: its SQNR is ∞ dB" in text
        return
    by = [evaluate(array, match[n]).metrics["sqnr"] for n in (1, 3)]
    assert number(match[2]) == pytest.approx(by[0] - by[1], abs=0.0501)


def _check_bits(text, array, schemes):
    told = re.findall(r"([^:;(]+) (\S+) dB at (\S+) bits", text)
    figures = {s: evaluate(array, s).metrics["sqnr"] for s in schemes}
    for name, db, bits in told:
        assert number(db.replace("∞", "inf")) == pytest.approx(figures[name.strip()], abs=0.0501)
        assert number(bits) == evaluate(array, name.strip()).qparams.format.bits
    assert len(told) >= 1


def _clipped(result: Evaluation):
    return int(np.count_nonzero(result.saturated))


def _check_signal(text, array, result):
    if array.size == 1:
        said = "does not clip" if _clipped(result) == 0 else "clips"
        assert re.fullmatch(rf" {said} the value; its \|error\| is \S+\.", text)
        return
    match = re.fullmatch(
        r" clips (none|[\d,]+) of the ([\d,]+) values?; the largest \|error\| is (\S+)\.", text
    )
    assert match, text
    assert (0 if match[1] == "none" else number(match[1])) == _clipped(result)
    assert number(match[2]) == array.size
    worst = float(np.abs(result.reconstructed - array).max())
    assert number(match[3]) == pytest.approx(worst, rel=1e-5, abs=1e-12)


def _check_error(text, array, result):
    error = (result.reconstructed - array).astype(np.float64).ravel()
    half = result.qparams.scale / 2
    if "nothing is clipped" in text:
        assert _clipped(result) == 0
        if "within ±S/2" in text:
            assert np.abs(error).max() <= half * 1.01, "an error beyond ±S/2 is called within it"
        return
    match = re.search(r"clipping ([\d,]+) values? makes (\S+) % of the error power", text)
    assert match, text
    clipped = result.saturated.ravel() != 0
    assert number(match[1]) == clipped.sum() > 0
    power = (error**2).sum()
    share = 100 * (error[clipped] ** 2).sum() / power if power else 0
    assert number(match[2]) == pytest.approx(share, rel=0.01, abs=0.5)


def _check_unused(text, result):
    p = result.qparams
    used = np.unique(result.codes)
    every = list(range(p.qmin, p.qmax + 1))
    if "never used" not in text:
        assert used[0] == p.qmin
        assert used[-1] == p.qmax
        return
    missing = [c for c in every if c < used[0]] + [c for c in every if c > used[-1]]
    named = []
    for first, _, last in re.findall(r"(-?\d+)(…(-?\d+))?", text.split(" never used")[0]):
        named += range(int(first), int(last or first) + 1)
    assert named == missing
    share = number(re.search(r"(\S+) % of the range", text)[1])
    assert share == pytest.approx(100 * len(missing) / len(every), rel=0.01, abs=0.5)


def _check_codes(text, result):
    match = re.match(r" uses ([\d,]+) of ([\d,]+) codes \((\S+) %\); .* (\S+) bits", text)
    assert match, text
    codes, counts = np.unique(result.codes, return_counts=True)
    p = result.qparams
    assert number(match[1]) == codes.size
    assert number(match[2]) == p.qmax - p.qmin + 1
    share = counts / counts.sum()
    assert number(match[4]) == pytest.approx(-(share * np.log2(share)).sum(), rel=0.01, abs=0.01)


def _check_transfer(text, result):
    match = re.match(r" reconstructs ([\d,]+) levels, (\S+) apart, from (\S+) to (\S+);", text)
    assert match, text
    p = result.qparams
    assert number(match[1]) == p.qmax - p.qmin + 1
    assert number(match[2]) == pytest.approx(p.scale, rel=1e-5)
    ends = [(code - p.zero_point) * p.scale for code in (p.qmin, p.qmax)]
    assert [number(match[3]), number(match[4])] == pytest.approx(ends, rel=1e-4, abs=1e-9)


def test_calibration_tells_what_percentile_gains_and_what_it_costs(bench):
    array = np.linspace(-1, 1, 1001, dtype=np.float32)
    array[500] = 100
    shown = bench("calibration", array, "int8 symmetric")
    match = re.fullmatch(
        r"int8 symmetric: nothing to gain, no method loses less than minmax, ±100; "
        r"percentile\(99\.9\), T = (\S+), saves (\S+) dB of rounding "
        r"for 1 clipped value: MSE \+(\S+) dB\.",
        shown.plot.insight,
    )
    assert match, shown.plot.insight
    t = number(match[1])
    whole = evaluate(array, "int8 symmetric").metrics["rounding_power"]
    cut = evaluate(array, f"int8 symmetric manual({-t},{t})").metrics
    assert number(match[2]) == pytest.approx(10 * np.log10(whole / cut["rounding_power"]), abs=0.06)
    # Nothing is clipped without it: rounding is all of the error.
    assert number(match[3]) == pytest.approx(10 * np.log10(cut["mse"] / whole), abs=0.06)


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        ("three-numbers", "int8 scale-only"),
        ("three-numbers", "int8 symmetric"),
        ("gaussian-weights", "int4 asymmetric"),
        ("ties", "int8 asymmetric"),
    ],
)
def test_calibration_names_the_method_that_loses_least_and_the_range_of_minmax(bench, key, scheme):
    array = example(key).make()
    text = bench("calibration", array, scheme).plot.insight
    ends = r"(?:±(\S+)|(\S+) … (\S+))"
    match = re.match(rf"{scheme}: mse, {ends}, loses (\S+) dB less than minmax, {ends}[;.]", text)
    assert match, text
    least, most = (evaluate(array, f"{scheme} {one}").metrics["mse"] for one in ("mse", "minmax"))
    assert number(match[4]) == pytest.approx(10 * np.log10(most / least), abs=0.0501)
    if match[5]:
        assert number(match[5]) == pytest.approx(np.abs(array).max(), rel=1e-3)
    else:
        said = [number(match[6]), number(match[7])]
        assert said == pytest.approx([array.min(), array.max()], rel=1e-3)


def test_where_no_method_gains_calibration_says_so_and_no_gain_of_0_db(bench):
    text = bench("calibration", np.arange(-127, 128), "int8 symmetric").plot.insight
    assert text == "int8 symmetric: nothing to gain, no method loses less than minmax, ±127."


def test_the_threshold_is_dragged_in_the_calibration_plot(bench):
    array = np.linspace(-1, 1, 1001, dtype=np.float32)
    array[500] = 100
    shown = bench("calibration", array, "int8 symmetric")
    (handle,) = [i for i in shown.items(pg.InfiniteLine) if i.movable]
    assert handle.value() == pytest.approx(2.0)
    handle.setPos(0.0)
    handle.sigDragged.emit(handle)
    handle.sigPositionChangeFinished.emit(handle)
    scheme = shown.session.active.scheme
    low, high = scheme.calibration.arguments
    assert scheme.calibration.method == "manual"
    assert -low == high == pytest.approx(1.0, rel=0.02)
    assert shown.session.evaluator.active_evaluation.metrics["clipped_high"] == 1


@pytest.mark.parametrize("scheme", ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1"])
def test_a_scale_that_overflows_leads_to_sentences(bench, scheme):
    array = np.linspace(-1e7, 1e7, 64).astype(np.float32)
    for key in KEYS:
        text = bench(key, array, scheme).plot.insight
        assert text.endswith(".")
        assert "NaN" not in text and "nan" not in text, (key, text)
