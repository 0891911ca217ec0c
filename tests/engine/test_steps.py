"""Every line of Steps is true: its left side, computed from the digits on show, gives the right."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import RUNTIMES, Scheme
from quantoscope.engine.analysis.formulas import Node, value_of
from quantoscope.engine.analysis.steps import Line, Steps, steps
from quantoscope.engine.examples import EXAMPLES
from quantoscope.engine.formats import parse_format
from quantoscope.engine.formats.small_floats import NF4_BOOK
from tests.laws import examples

# The reader: a formula as printed becomes Python, and Python's fractions compute it. It shares
# nothing with the engine.

Exact = Fraction | float


def nearest(x: Exact, kind: Any) -> Exact:
    """The number of a precision that is nearest to an exact one, ties to even."""
    if not isinstance(x, Fraction) or not x:
        return x
    smallest = Fraction(float(np.finfo(kind).smallest_subnormal))
    largest = Fraction(float(np.finfo(kind).max))
    if abs(x) > 2 * largest:
        return math.inf if x > 0 else -math.inf
    with np.errstate(over="ignore", under="ignore"):
        guess = np.array(float(min(max(x, -largest), largest))).astype(kind)
        around = [guess, np.nextafter(guess, kind(math.inf)), np.nextafter(guess, kind(-math.inf))]
    best = [(abs(Fraction(float(g)) - x), g) for g in around if math.isfinite(float(g))]
    edge = largest + (largest - Fraction(float(np.nextafter(kind(float(largest)), kind(0))))) / 2
    if abs(x) >= edge:
        return math.inf if x > 0 else -math.inf
    least = min(distance for distance, _ in best)
    tied = [Fraction(float(g)) for distance, g in best if distance == least]
    quantum = max(smallest, *(abs(Fraction(float(b)) - Fraction(float(a)))
                              for a, b in zip(around, around[1:], strict=False)
                              if math.isfinite(float(a)) and math.isfinite(float(b))))  # fmt: skip
    return next((t for t in tied if (t / quantum).numerator % 2 == 0), tied[0])


def bfloat16(x: Exact) -> Exact:
    single = nearest(x, np.float32)
    if not isinstance(single, Fraction):
        return single
    bits = int(np.array(float(single), np.float32).view(np.uint32))
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return Fraction(float(np.array(bits, np.uint32).view(np.float32)))


def whole(rule: Any) -> Any:
    return lambda x: Fraction(rule(x)) if isinstance(x, Fraction) else x


def log2(x: Exact) -> Any:
    return "log2", x


def exponent(x: Any, up: bool) -> Fraction:
    """⌊log2 x⌋ or ⌈log2 x⌉, found by trying."""
    if not (isinstance(x, tuple) and x[0] == "log2"):
        return Fraction(math.ceil(x) if up else math.floor(x))
    e = math.floor(math.log2(float(x[1]))) - 2
    while Fraction(2) ** (e + 1) <= x[1]:
        e += 1
    return Fraction(e + (up and Fraction(2) ** e != x[1]))


def one_bit(x: Fraction) -> Fraction:
    unit = Fraction(2) ** (exponent(("log2", abs(x)), False) - 1) if x else Fraction(1)
    return math.floor(x / unit + Fraction(1, 2)) * unit


def pow2(x: Fraction) -> Fraction:
    return Fraction(2) ** int(exponent(("log2", x), True))


def nf4(x: Exact) -> Exact:
    book = [Fraction(n) for n in NF4_BOOK]
    low, high = book[0] - (book[1] - book[0]) / 2, book[-1] + (book[-1] - book[-2]) / 2
    if not isinstance(x, Fraction) or not low <= x <= high:
        return x
    return min(book, key=lambda n: (abs(n - x), n))


class N:
    """A number with the arithmetic of fractions, and of IEEE where one is infinite or NaN."""

    def __init__(self, value: Exact) -> None:
        self.value = value

    def _with(self, other: N, exact: Any, floats: Any) -> N:
        a, b = self.value, other.value
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return N(exact(a, b))
        sign = [math.copysign(1, v) * (v != 0) if isinstance(v, Fraction) else v for v in (a, b)]
        with np.errstate(all="ignore"):
            made = float(floats(np.float64(sign[0]), np.float64(sign[1])))
        return N(made if math.isinf(made) or math.isnan(made) else Fraction(0))

    def __add__(self, other: N) -> N:
        return self._with(other, lambda a, b: a + b, np.add)

    def __sub__(self, other: N) -> N:
        return self._with(other, lambda a, b: a - b, np.subtract)

    def __mul__(self, other: N) -> N:
        return self._with(other, lambda a, b: a * b, np.multiply)

    def __truediv__(self, other: N) -> N:
        def over(a: Fraction, b: Fraction) -> Exact:
            return a / b if b else (math.inf if a > 0 else -math.inf) if a else math.nan

        return self._with(other, over, np.divide)

    def __neg__(self) -> N:
        return N(-self.value)


def lifted(rule: Any) -> Any:
    return lambda *args: N(rule(*(a.value if isinstance(a, N) else a for a in args)))


def half_away(x: Fraction) -> int:
    return int(math.copysign(1, x)) * math.floor(abs(x) + Fraction(1, 2))


def half_down(x: Fraction) -> int:
    return int(math.copysign(1, x)) * math.ceil(abs(x) - Fraction(1, 2))


def clip(x: Exact, low: Exact, high: Exact) -> Exact:
    return x if x != x else min(max(x, low), high)


FUNCTIONS = {
    "Round": lifted(whole(round)),
    "RoundAway": lifted(whole(half_away)),
    "RoundHalfDown": lifted(whole(half_down)),
    "Trunc": lifted(whole(math.trunc)),
    "Ceil": lifted(whole(math.ceil)),
    "RoundToE2M1": lifted(whole(one_bit)),
    "RoundToNF4": lifted(nf4),
    "Pow2": lifted(pow2),
    "Clip": lifted(clip),
    "max": lifted(max),
    "min": lifted(min),
    "fma": lifted(lambda a, b, c: (N(a) * N(b) + N(c)).value),
    "float16": lifted(lambda x: nearest(x, np.float16)),
    "float32": lifted(lambda x: nearest(x, np.float32)),
    "float64": lifted(lambda x: nearest(x, np.float64)),
    "bfloat16": lifted(bfloat16),
    "log2": lambda x: N(log2(x.value)),
    "floor": lifted(lambda x: exponent(x, False)),
    "ceil": lifted(lambda x: exponent(x, True)),
    "power": lifted(lambda x: Fraction(2) ** int(x)),
}
NUMBER = re.compile(r"(?<![\w.])(?:\d+(?:\.\d+)?(?:e-?\d+)?|∞|NaN)(?![\w.])")


def number(text: str) -> Exact:
    return {"∞": math.inf, "-∞": -math.inf, "NaN": math.nan}.get(text) or Fraction(text)


def computed(text: str) -> Exact:
    """What a formula in numbers gives."""
    text = re.sub(r"log2 (RoundToE2M1\([^()]*\)|[^\s⌋⌉()]+)", r"log2(\1)", text)
    # A power of 2 is all of a formula that has one.
    text = re.sub(r"^2\^(.*)$", r"power(\1)", text)
    for sign, python in (("⌊", "floor("), ("⌋", ")"), ("⌈", "ceil("), ("⌉", ")"), ("↑", ""),
                         ("−", "-"), ("·", "*")):  # fmt: skip
        text = text.replace(sign, python)
    text = NUMBER.sub(lambda m: f"N({m[0]!r})", text)
    made = eval(text, {**FUNCTIONS, "N": lambda t: N(number(t))})
    return made.value


def unit_of(text: str) -> Fraction:
    """What the last printed digit is worth."""
    mantissa, _, exponent_ = text.lstrip("-").partition("e")
    places = len(mantissa.partition(".")[2])
    return Fraction(10) ** (int(exponent_ or 0) - places)


def agrees(left: Exact, text: str) -> bool:
    right = number(text)
    if not isinstance(left, Fraction) or not isinstance(right, Fraction):
        return left == right or (left != left and right != right)
    return left == right or abs(left - right) < unit_of(text) / 2


DISCRETE = ("Round", "RoundAway", "RoundHalfDown", "Trunc", "Ceil", "Clip")


def check(line: Line) -> None:
    if not line.numbers or line.key == "code":
        return
    left = computed(line.numbers)
    assert agrees(left, line.result), f"{line}: the left side gives {float(left)!r}"
    if line.numbers.startswith(DISCRETE) and line.key != "Z" and "·" not in line.numbers:
        right = number(line.result)
        is_number = isinstance(left, Fraction) and isinstance(right, Fraction)
        if is_number and right.denominator == 1:
            assert left == right, str(line)


def check_all(made: Steps) -> list[Line]:
    """Check every line; return those that have no numbers though they are no description."""
    lines = [*made.parameters, *made.values]
    for line in lines:
        check(line)
    by_key = {line.key: line for line in made.values}
    keys = [stage.key for stage in made.trace.stages]
    before = keys[keys.index("rounded") - 1]
    rounded = by_key["rounded"]
    if rounded.numbers:
        # What is printed before Round is what is rounded: the claim follows from either.
        stated = by_key[before].result
        if "step" not in rounded.formula and "u" not in rounded.formula:
            name = rounded.numbers.partition("(")[0]
            assert agrees(computed(f"{name}({stated})"), rounded.result), f"{by_key[before]}"
    values = {key: made.trace[key][0] for key in made.trace}
    for key, line in by_key.items():
        if key in values and key not in ("code", "real"):
            true = float(values[key])
            shown = number(line.result)
            if not math.isfinite(true):
                assert shown == true or (shown != shown and true != true)
            else:
                assert abs(Fraction(true) - shown) <= unit_of(line.result) / 2, str(line)
    words = ("step", "u", "T", "Rmin", "Rmax", "real", "code", "d")
    return [line for line in lines if not line.numbers and line.key not in words]


def lines_of(x: np.ndarray, text: str, position: int, digits: int = 6) -> Steps:
    scheme = Scheme.parse(text)
    return steps(x, scheme, engine.calibrate(x, scheme), position, digits)


# Every family × format × runtime × granularity × calibration × rounding.

RNG = np.random.default_rng(11)
NORMALS = RNG.normal(size=96).astype(np.float32)
MIXED = np.concatenate([NORMALS[:28], [0.0, np.nan, np.inf, -np.inf], NORMALS[:32] * 30,
                        np.zeros(32)]).astype(np.float32)  # fmt: skip
TIES = np.concatenate([np.arange(-16, 16) * 0.5, [127, -127.5]]).astype(np.float32)
ARRAYS = {
    "normals": NORMALS.reshape(3, 32),
    "mixed": MIXED.reshape(3, 32),
    "double": RNG.normal(size=64).reshape(2, 32),
    "offset": 1e9 + 1e-3 * RNG.normal(size=64).reshape(2, 32),
    "hundreds": RNG.uniform(100, 101, 64).astype(np.float32).reshape(2, 32),
    "subnormal": (NORMALS * 1e-40).astype(np.float32).reshape(3, 32),
    "tiny": (NORMALS * 1e-12).astype(np.float32).reshape(3, 32),
    "huge": (NORMALS * 1e37).astype(np.float32).reshape(3, 32),
    "ties": np.resize(TIES, 64).reshape(2, 32),
    "zeros": np.zeros((2, 32), np.float32),
    "constant": np.full((2, 32), 2.7, np.float32),
}
INTEGERS = ["int8", "uint8", "int2", "int16-narrow"]
FLOATS = ["e4m3fn", "e5m2", "e2m1fn", "nf4"]
BLOCKS = [name for name, fmt in engine.FORMATS.items() if fmt.mapping]
CALIBRATIONS = ["", "manual(-1.053,1.053)", "percentile(90)", "mse", "entropy"]
GRANULARITIES = ["", "per-channel(0)", "per-group(8)"]
ROUNDINGS = ["", "ties-away", "toward-zero", "stochastic(5)", "pow2"]


def every_scheme() -> list[str]:
    found = [f"{f} {m} {r}" for f in INTEGERS for m in ("scale-only", "symmetric", "asymmetric")
             for r in ROUNDINGS]  # fmt: skip
    found += [f"{f} symmetric {r}" for f in FLOATS for r in ROUNDINGS]
    found += [f"int8 {m} {c} {g}" for m in ("scale-only", "symmetric", "asymmetric")
              for c in CALIBRATIONS for g in GRANULARITIES]  # fmt: skip
    found += [f"{f} {m} {g} @{r.name}" for r in RUNTIMES.values() for f in r.formats
              for m in r.mappings for g in GRANULARITIES
              if not r.refuses(parse_format(f), m, parse_granularity(g))]  # fmt: skip
    return [" ".join(text.split()) for text in (*found, *BLOCKS) if is_scheme(text)]


def parse_granularity(text: str) -> engine.Granularity:
    from quantoscope.engine.numerics.granularity import PER_TENSOR, parse_granularity

    return parse_granularity(text) if text else PER_TENSOR


def is_scheme(text: str) -> bool:
    try:
        Scheme.parse(text)
    except engine.SchemeError:
        return False
    return True


SCHEMES = sorted(set(every_scheme()))


@pytest.mark.parametrize("text", SCHEMES)
def test_every_printed_line_is_true(text: str) -> None:
    scheme = Scheme.parse(text)
    searched = scheme.calibration.method in ("mse", "entropy")
    for x in list(ARRAYS.values())[: 3 if searched else None]:
        x = x[:, :8] if searched and scheme.granularity.kind == "per-group" else x
        try:
            p = engine.calibrate(x, scheme)
        except engine.QuantizationError:
            continue
        for position in {int(np.nanargmax(x)), int(np.nanargmin(x)), 29, 30, 3, 40} & set(
            range(x.size)
        ):
            for line in check_all(steps(x, scheme, p, position)):
                assert line.remark, str(line)


@given(
    st.sampled_from(SCHEMES),
    st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=9),
    st.integers(3, 12),
    st.sampled_from(["float32", "float64"]),
)
@examples(60)
def test_every_printed_line_is_true_of_any_values(
    text: str, values: list[float], digits: int, dtype: str
) -> None:
    x = np.array(values, dtype).reshape(1, -1)
    try:
        made = lines_of(x, text, len(values) // 2, digits)
    except engine.QuantizationError:
        return
    for line in check_all(made):
        assert line.remark, str(line)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.key)
def test_every_printed_line_of_the_examples_is_true(example: engine.examples.Example) -> None:
    x = example.make()
    for text in ("int8 scale-only", "int8 symmetric @pytorch", "uint8 asymmetric", "q5_1"):
        for position in (0, x.size // 2, x.size - 1):
            check_all(lines_of(x, text, position))


@pytest.mark.parametrize("text", ["int8 symmetric @pytorch", "uint8 asymmetric @tflite", "q8_0"])
@pytest.mark.parametrize("array", ["double", "offset"])
def test_an_error_in_float64_is_that_of_the_value_and_not_of_what_it_was_rounded_to(
    array: str, text: str
) -> None:
    x = ARRAYS[array]
    for position in range(0, x.size, 7):
        (line,) = (each for each in lines_of(x, text, position).values if each.key == "error")
        assert line.numbers
        assert not line.remark
        check(line)


@pytest.mark.parametrize("text", ["q8_0", "q4_0", "q5_1", "int8 symmetric per-group(32) @aiedge"])
@pytest.mark.parametrize("factor", [1e-4, 3e-5])
def test_a_scale_that_is_subnormal_in_float16_follows_from_its_formula(
    text: str, factor: float
) -> None:
    x = (NORMALS * factor).astype(np.float32).reshape(3, 32)
    for position in (0, 40, 95):
        made = lines_of(x, text, position)
        scale = made.trace.qparams.at(0).scale
        assert 0 < abs(scale) < 2**-14
        (line,) = (each for each in made.parameters if each.key == "S")
        assert line.numbers.startswith("float16(")
        assert float(line.result) == pytest.approx(scale, rel=1e-5)
        assert not check_all(made)


def texts(made: Steps) -> list[str]:
    return [str(line) for line in (*made.parameters, *made.values)]


def test_a_range_set_by_hand_is_called_so_and_not_the_largest_magnitude() -> None:
    x = EXAMPLES[1].make()
    made = texts(lines_of(x, "int8 symmetric manual(-1.053,1.053)", 0))
    assert made[:2] == ["T = manual range = 1.053", "S = T / Qmax = 1.053 / 127 = 0.00829134"]
    made = texts(lines_of(x, "int8 symmetric", 0))
    assert made[0].startswith("S = max|R| / Qmax = 100 / 127")


def test_only_the_end_that_was_widened_to_0_is_said_to_be() -> None:
    x = np.array([[1.0, 2.0], [-1.0, 2.0], [-2.0, -1.0]], np.float32)
    ends = {
        row: texts(lines_of(x, "uint8 asymmetric per-channel(0) @onnxruntime", 2 * row))[:2]
        for row in range(3)
    }
    assert ends == {
        0: [
            "Rmin = smallest R of channel 0, widened to 0 = 0",
            "Rmax = largest R of channel 0 = 2",
        ],
        1: ["Rmin = smallest R of channel 1 = -1", "Rmax = largest R of channel 1 = 2"],
        2: [
            "Rmin = smallest R of channel 2 = -2",
            "Rmax = largest R of channel 2, widened to 0 = 0",
        ],
    }


@pytest.mark.parametrize("calibration", ["mse", "percentile(99)", "entropy"])
def test_a_range_that_was_found_names_the_method(calibration: str) -> None:
    x = EXAMPLES[1].make()
    symmetric = texts(lines_of(x, f"int8 symmetric {calibration}", 0))
    assert symmetric[0].startswith(f"T = range by {calibration} = ")
    assert symmetric[1].startswith("S = T / Qmax = ")
    free = texts(lines_of(x, f"int8 asymmetric {calibration}", 0))
    assert free[0].startswith(f"Rmin = range by {calibration} = ")
    assert free[1].startswith(f"Rmax = range by {calibration} = ")


def test_what_is_nearly_a_tie_is_written_with_the_digits_that_tell_it_from_one() -> None:
    # R · (1/S) is a tie where R / S is not, in float32.
    x = np.array([0.273939937, 1], np.float32)
    found = []
    for text in ("int8 symmetric", "int8 symmetric @pytorch"):
        scheme = Scheme.parse(text)
        p = replace(engine.calibrate(x, scheme), scale=float(np.float32(0.00214854861)))
        made = steps(x, scheme, p, 0)
        check_all(replace(made, parameters=()))
        found.append({line.key: line for line in made.values})
    divided, multiplied = found
    assert multiplied["scaled"].result == "127.5"
    assert multiplied["rounded"].numbers == "Round(127.5)"
    assert multiplied["rounded"].result == "128"
    assert divided["scaled"].result.startswith("127.4999")
    assert divided["rounded"].numbers == f"Round({divided['scaled'].result})"
    assert divided["rounded"].result == "127"


def test_a_difference_has_the_digits_that_it_takes() -> None:
    x = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
    error = lines_of(x, "int8 scale-only", 1).values[-1]
    left, right = error.numbers.split(" − ")
    assert abs(Fraction(left) - Fraction(right) - Fraction(error.result)) < Fraction(1, 2_000_000)


def test_values_with_a_large_offset_read_apart() -> None:
    x = 1e9 + 1e-3 * np.arange(8)
    made = lines_of(x, "int8 asymmetric", 2)
    by_key = {line.key: line for line in made.values}
    assert by_key["real"].result == "1000000000.002"
    assert number(by_key["reconstructed"].result) != number(by_key["real"].result)
    assert float(by_key["reconstructed"].result) == pytest.approx(1e9 + 0.002, abs=1e-4)


@pytest.mark.parametrize("end", [np.finfo(np.float64).max, -np.finfo(np.float64).max])
def test_what_is_reconstructed_beyond_float64_is_an_infinity(end: float) -> None:
    made = lines_of(np.array([end, 1.0]), "int8 symmetric", 0)
    check_all(made)
    reconstructed = {line.key: line.result for line in made.values}["reconstructed"]
    assert reconstructed == ("∞" if end > 0 else "-∞")


def test_a_logarithm_is_taken_of_numbers_that_float64_does_not_hold() -> None:
    assert value_of(Node("log2", (Node("number", (), "1e400"),)), {}, {}) == pytest.approx(
        400 * math.log2(10)
    )
    assert value_of(Node("log2", (Node("number", (), "1e-400"),)), {}, {}) == pytest.approx(
        -400 * math.log2(10)
    )


@pytest.mark.parametrize("granularity", ["", "per-channel(0)"])
@pytest.mark.parametrize(
    ("ends", "outside"), [((100, 101), True), ((-101, -100), True), ((-1, 1), False)]
)
def test_a_zero_point_beyond_either_end_of_the_codes_is_called_that(
    ends: tuple[float, float], outside: bool, granularity: str
) -> None:
    x = np.array([[*ends], [-1.0, 1.0]], np.float32)[: 2 if granularity else 1]
    made = lines_of(x, f"int8 asymmetric {granularity}", 0)
    (line,) = (line for line in made.parameters if line.key == "Z")
    assert line.remark == ("outside the codes" if outside else "")
    check(line)
