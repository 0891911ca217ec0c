"""One suite over small floats, NF4 and block formats; rounding by chance; schemes that adapt."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import (
    FORMATS,
    MAPPINGS,
    RUNTIMES,
    Calibration,
    Granularity,
    QParams,
    Scheme,
)
from quantoscope.engine.formats import INTEGERS, Format, parse_format
from quantoscope.engine.formats.small_floats import NF4_BOOK
from quantoscope.engine.numerics.arithmetic import MAX_SEED, ROUNDINGS, parse_rounding, uniform_at
from quantoscope.engine.quantizers import QUANTIZERS, unclipped_key
from tests.laws import examples

FLOATS = ("e4m3fn", "e5m2", "e2m1fn")
EVERY = list(FORMATS.values())
BLOCKS = [fmt for fmt in EVERY if fmt.mapping]
OTHERS = [fmt for fmt in EVERY if not (fmt.integer or fmt.mapping)]
SCHEMES = [
    *(
        f"{fmt} symmetric {words}".strip()
        for fmt in OTHERS
        for words in ("", "per-channel(0)", "per-group(16)", "pow2 per-group(32)")
    ),
    *(
        f"{fmt} symmetric {rounding}"
        for fmt in OTHERS
        if not fmt.nearest_only
        for rounding in ("ties-away", "toward-zero", "stochastic(3)")
    ),
    "e4m3fn symmetric per-channel(0) @tensorrt",
    "e4m3fn symmetric mse per-channel(0)",
    "e2m1fn symmetric percentile(90)",
    *(fmt.name for fmt in BLOCKS),
]
every_scheme = pytest.mark.parametrize("text", SCHEMES)
DESCENDING = ("q4_0", "q5_0")
"""Their scale has the sign of the extreme value, and may be negative."""


def spread(seed: int = 0) -> np.ndarray:
    """Rows of two full blocks and a short one, each of a magnitude of its own."""
    random = np.random.default_rng(seed)
    x = random.normal(0.1, 1, (6, 72)) * 10.0 ** random.uniform(-2, 2, (6, 1))
    return x.astype(np.float32)


def of_values(p: QParams, x: np.ndarray) -> QParams:
    """The parameters of each value."""
    return p.at(p.granularity.of(np.arange(x.size).reshape(x.shape), x.shape))


def slack(r: np.ndarray, codes: np.ndarray, own: QParams) -> np.ndarray:
    """What rounding S and the offset for storage adds to the error, and float32 itself."""
    extra = np.abs(r.astype(np.float64)) * 2.0**-21 + 1e-40
    if own.arithmetic.stored == "float16":
        distance = np.abs(own.format.unpack(codes) - np.asarray(own.zero_point))
        apart = np.abs(np.asarray(own.scale) - own.divisor)
        extra += (distance + own.arithmetic.reach) * apart
        extra += np.abs(own.offset - np.float64(np.float16(own.offset)))
    return extra


@pytest.mark.parametrize("offset", [8, 100, -3000])
@pytest.mark.parametrize("text", ["q4_1", "q5_1"])
def test_the_bound_of_a_block_counts_that_its_minimum_is_stored_in_float16(
    text: str, offset: int
) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (40, 32)) + offset
    result = engine.evaluate(x.astype(np.float32), text)
    own = of_values(result.qparams, x)
    shares = np.abs(result.error) / QUANTIZERS[own.mapping].bound(result.values, own)
    assert 0.99 < shares[result.saturated == 0].max() < 1.001


@pytest.mark.parametrize("text", ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"])
def test_a_trace_shows_the_code_also_where_one_over_the_scale_overflows(text: str) -> None:
    x = (spread()[:2, :64] * 1e-40).astype(np.float32)
    made, traced = engine.evaluate(x, text), engine.trace(x, text, range(x.size))
    assert not np.isfinite(traced.unclipped).all() or text == "q8_0"
    np.testing.assert_array_equal(traced["clipped"], made.codes.ravel())


@every_scheme
class TestEveryFormat:
    @pytest.mark.parametrize("shape", [(), (1,), (33,), (2, 40), (3, 2, 5)])
    def test_the_shape_is_kept(self, text: str, shape: tuple[int, ...]) -> None:
        text = text if shape else text.replace("per-channel(0)", "per-tensor")
        x = np.asarray(np.random.default_rng(1).normal(size=shape), np.float32)
        result = engine.evaluate(x, text)
        for array in (result.codes, result.reconstructed, result.error, result.saturated):
            assert isinstance(array, np.ndarray)
            assert array.shape == shape
        assert result.codes.dtype == result.qparams.format.dtype
        assert result.reconstructed.dtype == np.float32
        assert engine.quantize(x, result.qparams).shape == shape

    def test_codes_are_those_of_the_format(self, text: str) -> None:
        result = engine.evaluate(spread(), text)
        p = result.qparams
        codes = QUANTIZERS[p.mapping].codes(p).tolist()
        numbers = p.format.unpack(np.array(codes)).tolist()
        assert numbers == sorted(set(numbers))
        assert (numbers[0], numbers[-1]) == (p.qmin, p.qmax)
        used = set(result.codes.ravel().tolist())
        # −0 has a code beside that of 0, which stands for both in the list.
        negative_zeros = {c for c in used if p.format.unpack(np.array([c])).tolist() == [0]}
        assert used - negative_zeros <= set(codes)
        assert len(negative_zeros) <= 2
        assert p.format.integer or set(codes) <= set(range(2**p.format.bits))

    def test_reconstructed_values_are_those_of_the_codes(self, text: str) -> None:
        result = engine.evaluate(spread(), text)
        reconstructed = engine.dequantize(result.codes, result.qparams)
        np.testing.assert_array_equal(reconstructed, result.reconstructed)
        p, x = result.qparams, spread()
        for position in (0, 31, 32, 71, 72, 300, x.size - 1):
            own = p.at(p.granularity.of(np.array([position]), x.shape)[0])
            number = float(own.format.unpack(result.codes.ravel()[[position]])[0])
            stored = np.float16 if own.arithmetic.stored == "float16" else np.float32
            offset = np.float32(stored(own.offset))
            expected = np.float32(number - own.zero_point) * np.float32(own.scale) + offset
            assert result.reconstructed.flat[position] == expected

    def test_codes_agree_with_quantize(self, text: str) -> None:
        result = engine.evaluate(spread(), text)
        np.testing.assert_array_equal(engine.quantize(spread(), result.qparams), result.codes)
        assert engine.calibrate(spread(), text) == result.qparams

    def test_levels_ascend(self, text: str) -> None:
        p = engine.calibrate(spread(), text)
        quantizer = QUANTIZERS[p.mapping]
        signs = set()
        for channel in range(p.count):
            own = p.at(channel)
            levels = quantizer.levels(own)
            assert levels.shape == quantizer.codes(own).shape
            signs.add(math.copysign(1, own.scale))
            assert (np.diff(levels) * own.scale > 0).all()
        assert signs == ({-1, 1} if text in DESCENDING else {1})

    def test_levels_are_their_own_nearest(self, text: str) -> None:
        # All levels at once keep the range, so they are reconstructed exactly.
        p = engine.calibrate(spread(), text).at(0)
        if p.arithmetic.stored == "float16":
            # Codes are made with the scale before it was rounded.
            return
        quantizer = QUANTIZERS[p.mapping]
        levels = quantizer.levels(p)
        codes, saturated = quantizer.encode(levels, p, np.arange(levels.size))
        np.testing.assert_array_equal(quantizer.places(codes, p), np.arange(levels.size))
        assert saturated is None

    def test_code_counts_count_the_codes(self, text: str) -> None:
        x = spread()
        x[0, 3] = x[2, 40] = np.nan
        x[4, 4] = np.inf
        result = engine.evaluate(x, text)
        p = result.qparams
        codes = QUANTIZERS[p.mapping].codes(p)
        assert result.code_counts.shape == codes.shape
        assert result.code_counts.sum() == x.size - 2
        known = result.codes[~np.isnan(x)]
        numbers = p.format.unpack(known)
        counts = [int(np.count_nonzero(numbers == n)) for n in p.format.unpack(codes).tolist()]
        assert result.code_counts.tolist() == counts

    def test_errors_stay_within_the_bound(self, text: str) -> None:
        for seed in range(4):
            x = spread(seed)
            result = engine.evaluate(x, text)
            own = of_values(result.qparams, x)
            bound = QUANTIZERS[own.mapping].bound(x, own) * (1 + 1e-5)
            bound = bound + slack(x, result.codes, own)
            kept = result.saturated == 0
            assert np.count_nonzero(kept) > x.size / 3
            assert (np.abs(result.error)[kept] <= np.broadcast_to(bound, x.shape)[kept]).all()

    def test_the_bound_is_nearly_reached(self, text: str) -> None:
        x = np.random.default_rng(5).uniform(-1, 1, (10, 320)).astype(np.float32)
        result = engine.evaluate(x, text)
        own = of_values(result.qparams, x)
        bound = np.broadcast_to(QUANTIZERS[own.mapping].bound(x, own), x.shape)
        shares = np.abs(result.error) / bound
        assert shares[result.saturated == 0].max() > 0.97

    def test_saturation_is_where_a_number_was_clipped(self, text: str) -> None:
        x = spread()
        x[3, 5] = np.inf
        x[1, 50] = -np.inf
        result = engine.evaluate(x, text)
        traced = engine.trace(x, text, range(x.size))
        p = result.qparams
        before = traced.unclipped
        expected = (before > p.qmax).astype(int) - (before < p.qmin)
        assert result.saturated.ravel().tolist() == expected.tolist()
        assert unclipped_key(traced.stages) in traced
        if p.format.qmin < 0 < p.qmax and not text.startswith("q8_0"):
            assert (result.saturated[3, 5], result.saturated[1, 50]) == (1, -1)

    def test_traces_agree_with_evaluate(self, text: str) -> None:
        x = spread()
        x[2, 7] = np.nan
        result = engine.evaluate(x, text)
        where = np.append(np.random.default_rng(2).integers(0, x.size, 50), 2 * 72 + 7)
        traced = engine.trace(x, text, where)
        for key, array in (
            ("real", x),
            ("reconstructed", result.reconstructed),
            ("error", result.error),
        ):
            np.testing.assert_array_equal(traced[key], array.ravel()[where])
        np.testing.assert_array_equal(traced.saturated, result.saturated.ravel()[where])
        assert [*traced] == ["real", *(stage.key for stage in traced.stages)]
        known = ~np.isnan(traced["real"])
        codes = result.codes.ravel()[where][known]
        fmt = result.qparams.format
        np.testing.assert_array_equal(traced["clipped"][known], fmt.unpack(codes))
        assert ("code" in traced) != fmt.integer
        if not fmt.integer and text != "mxfp4-modelopt":
            np.testing.assert_array_equal(traced["code"][known], codes)

    def test_nan_takes_no_part(self, text: str) -> None:
        x = spread()
        x[2, 7:30], x[5, 71] = np.nan, np.nan
        nan = np.isnan(x)
        # In the place of each the smallest magnitude of its block, which sets no scale.
        plain = spread()
        plain[2, 7:30] = plain[2, np.abs(plain[2, 30:32]).argmin() + 30]
        plain[5, 71] = plain[5, np.abs(plain[5, 64:71]).argmin() + 64]
        # Ranges that depend on every value would notice.
        text = text.replace("mse", "").replace("percentile(90)", "")
        with_nan, without = engine.evaluate(x, text), engine.evaluate(plain, text)
        assert with_nan.qparams == without.qparams
        untouched = np.ones(x.shape, bool)
        untouched[2, :32] = untouched[5, 64:] = False
        for name in ("codes", "reconstructed", "error", "saturated"):
            ours, theirs = getattr(with_nan, name), getattr(without, name)
            np.testing.assert_array_equal(ours[untouched], theirs[untouched])
        assert np.array_equal(np.isnan(with_nan.reconstructed), nan)
        assert not with_nan.saturated[nan].any()
        assert with_nan.code_counts.sum() == x.size - np.count_nonzero(nan)
        with pytest.raises(engine.QuantizationError, match="24 values are NaN"):
            engine.quantize(x, with_nan.qparams)

    def test_the_placeholder_of_nan_is_the_code_nearest_to_0(self, text: str) -> None:
        x = spread()
        x[:, 9] = np.nan
        result = engine.evaluate(x, text)
        p = result.qparams
        quantizer = QUANTIZERS[p.mapping]
        for row in range(len(x)):
            own = p.at(p.granularity.of(np.array([row * 72 + 9]), x.shape)[0])
            levels = quantizer.decode(quantizer.codes(own).astype(own.format.dtype), own)
            held = quantizer.decode(result.codes[row, [9]], own)
            step = np.diff(np.sort(levels)).max()
            assert abs(float(held[0])) <= np.abs(levels).min() + step * 1e-3

    def test_blocks_of_only_nan_and_of_zeros_do_no_harm(self, text: str) -> None:
        x = spread()
        expected = engine.evaluate(x[2:], text)
        x[0], x[1] = np.nan, 0
        result = engine.evaluate(x, text)
        assert not result.reconstructed[1].any()
        assert np.isnan(result.reconstructed[0]).all()
        if "per-" in text or text in QUANTIZERS:
            np.testing.assert_array_equal(result.codes[2:], expected.codes)
            np.testing.assert_array_equal(result.error[2:], expected.error)

    def test_the_layout_of_the_array_makes_no_difference(self, text: str) -> None:
        x = spread()
        expected = engine.evaluate(x, text)
        wide = np.repeat(x, 2, axis=1)[:, ::2]
        for same in (np.asfortranarray(x), wide, x[::-1][::-1]):
            result = engine.evaluate(same, text)
            np.testing.assert_array_equal(result.codes, expected.codes)
            np.testing.assert_array_equal(result.error, expected.error)
            assert result.qparams == expected.qparams

    def test_the_scheme_s_text_reads_back(self, text: str) -> None:
        scheme = Scheme.parse(text)
        assert Scheme.parse(str(scheme)) == scheme
        assert scheme.format in FORMATS.values()
        assert parse_format(scheme.format.name) == scheme.format


@pytest.mark.parametrize(
    ("fmt", "exponent_bits", "mantissa_bits", "specials"),
    [
        # The last codes of e4m3fn are NaN, those of the last exponent of e5m2 are not finite.
        ("e4m3fn", 4, 3, {0x7F}),
        ("e5m2", 5, 2, {0x7C, 0x7D, 0x7E, 0x7F}),
        ("e2m1fn", 2, 1, set()),
    ],
)
def test_small_floats_are_what_their_bits_say(
    fmt: str, exponent_bits: int, mantissa_bits: int, specials: set[int]
) -> None:
    bias = 2 ** (exponent_bits - 1) - 1
    magnitudes = []
    for code in set(range(2 ** (exponent_bits + mantissa_bits))) - specials:
        exponent, fraction = divmod(code, 2**mantissa_bits)
        leading = 1 if exponent else 0
        power = max(exponent, 1) - bias - mantissa_bits
        magnitudes.append(Fraction(leading * 2**mantissa_bits + fraction) * Fraction(2) ** power)
    known = parse_format(fmt)
    assert known is not None
    numbers = known.numbers(known.qmin, known.qmax)
    assert numbers.tolist() == sorted({float(s * m) for m in magnitudes for s in (-1, 1)})
    np.testing.assert_array_equal(known.unpack(known.pack(numbers)), numbers)


@pytest.mark.parametrize("fmt", FLOATS)
@pytest.mark.parametrize("rounding", ["ties-even", "ties-away", "toward-zero"])
@given(x=st.floats(-1.25, 1.25, width=32), exponent=st.integers(-12, 0))
@examples(100)
def test_small_floats_round_to_the_nearest_number(
    fmt: str, rounding: str, x: float, exponent: int
) -> None:
    known = parse_format(fmt)
    assert known is not None
    value = x * known.qmax * 2.0**exponent
    r = np.array([value], np.float32)
    exact = Fraction(float(r[0]))
    got = float(known.round(r, ROUNDINGS[rounding])[0])
    numbers = [Fraction(n) for n in known.numbers(known.qmin, known.qmax).tolist()]
    if abs(exact) > numbers[-1]:
        assert abs(got) >= numbers[-1]
        return
    below = max(n for n in numbers if n <= exact)
    above = min(n for n in numbers if n >= exact)
    if rounding == "toward-zero":
        expected = below if exact > 0 else above
    elif exact - below != above - exact:
        expected = below if exact - below < above - exact else above
    elif rounding == "ties-away":
        expected = max(below, above, key=abs)
    else:
        # Neighbouring codes alternate between even and odd.
        even = [int(known.pack(np.array([float(n)]))[0]) % 2 == 0 for n in (below, above)]
        expected = below if even[0] else above
    assert got == expected


# NF4

LEVELS = [Fraction(level) for level in NF4_BOOK]


def nearest_of_the_book(x: float) -> int:
    """The place of the nearest number; of two as near, the lower one."""
    distances = [abs(Fraction(x) - level) for level in LEVELS]
    return distances.index(min(distances))


def with_ends(values: list[float]) -> np.ndarray:
    """With ±1, so that S is 1."""
    return np.array([*values, -1.0, 1.0], np.float64)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
@examples(100)
def test_nf4_takes_the_nearest_number_of_its_book(values: list[float]) -> None:
    x = with_ends(values)
    result = engine.evaluate(x, "nf4 symmetric")
    assert result.qparams.scale == 1
    assert result.codes.tolist() == [nearest_of_the_book(v) for v in x.tolist()]
    assert result.reconstructed.tolist() == [NF4_BOOK[code] for code in result.codes]


def test_nf4_gives_ties_to_the_lower_number() -> None:
    middles = [float((a + b) / 2) for a, b in zip(LEVELS, LEVELS[1:], strict=False)]
    assert [Fraction(m) for m in middles] == [
        (a + b) / 2 for a, b in zip(LEVELS, LEVELS[1:], strict=False)
    ]
    assert engine.evaluate(with_ends(middles), "nf4 symmetric").codes.tolist()[:-2] == [*range(15)]
    above = [math.nextafter(m, 2) for m in middles]
    assert engine.evaluate(with_ends(above), "nf4 symmetric").codes.tolist()[:-2] == [*range(1, 16)]
    below = [math.nextafter(m, -2) for m in middles]
    assert engine.evaluate(with_ends(below), "nf4 symmetric").codes.tolist()[:-2] == [*range(15)]


def test_nf4_in_blocks_divides_by_the_largest_magnitude_of_each() -> None:
    x = spread()
    result = engine.evaluate(x, "nf4 symmetric per-group(24)")
    for row, codes in zip(x.reshape(-1, 24), result.codes.reshape(-1, 24), strict=True):
        largest = np.float32(max(abs(v) for v in row.tolist()))
        expected = [nearest_of_the_book(float(v / largest)) for v in row]
        assert codes.tolist() == expected


@pytest.mark.parametrize(
    ("word", "code", "label"),
    [
        *(("int8", -5, "-5"), ("uint16", 40000, "40000"), ("q4_0", 9, "9")),
        *(("e4m3fn", 0x7E, "0x7E"), ("e5m2", 3, "0x03"), ("nf4", 15, "0xF")),
        *(("e2m1fn", 10, "0xA"), ("mxfp4-gguf", 11, "0xB")),
    ],
)
def test_a_code_is_written_as_the_number_or_the_bits_that_it_is(
    word: str, code: int, label: str
) -> None:
    fmt = parse_format(word)
    assert fmt is not None
    assert fmt.label(code) == label


def test_nf4_has_a_0_and_both_ends() -> None:
    assert (NF4_BOOK[0], NF4_BOOK[7], NF4_BOOK[15]) == (-1, 0, 1)
    assert len(NF4_BOOK) == 16
    assert [*NF4_BOOK] == sorted(set(NF4_BOOK))
    assert all(float(np.float32(level)) == level for level in NF4_BOOK)


# Rounding by chance

CHANCES = [
    "int8 symmetric",
    "int4 asymmetric",
    "uint8 scale-only",
    "e4m3fn symmetric",
    "e2m1fn symmetric",
    "int8 asymmetric per-channel(0)",
    "int8 symmetric per-channel(1)",
    "int4 symmetric per-group(5)",
]
every_chance = pytest.mark.parametrize("text", CHANCES)


@every_chance
class TestStochasticRounding:
    def test_a_seed_gives_the_same_every_time(self, text: str) -> None:
        first, again = (engine.evaluate(spread(), f"{text} stochastic(7)") for _ in range(2))
        np.testing.assert_array_equal(first.codes, again.codes)
        codes = engine.quantize(np.asfortranarray(spread()), first.qparams)
        np.testing.assert_array_equal(codes, first.codes)

    def test_seeds_differ(self, text: str) -> None:
        results = [
            engine.evaluate(spread(), f"{text} stochastic({seed})").codes
            for seed in (0, 1, 2, MAX_SEED)
        ]
        for number, codes in enumerate(results):
            for other in results[:number]:
                assert np.count_nonzero(codes != other) > codes.size / 20

    def test_traces_have_the_chance_of_their_position(self, text: str) -> None:
        x = spread()
        result = engine.evaluate(x, f"{text} stochastic(5)")
        where = np.random.default_rng(0).permutation(x.size)[:200]
        traced = engine.trace(x, f"{text} stochastic(5)", [*where, -1])
        reconstructed = result.reconstructed.ravel()[[*where, -1]]
        np.testing.assert_array_equal(traced["reconstructed"], reconstructed)

    def test_every_code_is_next_to_the_value(self, text: str) -> None:
        x = spread()
        result = engine.evaluate(x, f"{text} stochastic(5)")
        own = of_values(result.qparams, x)
        reach = QUANTIZERS[own.mapping].bound(x, own) * (1 + 1e-5) + slack(x, result.codes, own)
        kept = result.saturated == 0
        apart = np.abs(result.error) / reach
        assert apart[kept].max() <= 1
        assert np.median(apart[kept]) < 0.5

    def test_the_mean_over_seeds_is_the_value(self, text: str) -> None:
        x = spread()[:4, :20]
        seeds = 400
        total, inside = np.zeros(x.shape), np.ones(x.shape, bool)
        for seed in range(seeds):
            result = engine.evaluate(x, f"{text} stochastic({seed})")
            total += result.reconstructed
            inside &= result.saturated == 0
        own = of_values(result.qparams, x)
        gap = np.broadcast_to(QUANTIZERS[own.mapping].bound(x, own), x.shape)
        assert np.count_nonzero(inside) > x.size / 4
        # A mean of 400 has a deviation of at most a 40th of a gap.
        deviations = (total / seeds - x)[inside] / (gap[inside] * 0.5 / math.sqrt(seeds))
        assert np.abs(deviations).max() < 5
        assert abs(deviations.mean()) < 5 / math.sqrt(deviations.size)


@pytest.mark.parametrize("fraction", [0.01, 0.25, 0.5, 0.9])
def test_a_value_is_rounded_up_as_often_as_its_fraction_says(fraction: float) -> None:
    n = 100_000
    x = np.full(n, np.float32(20 + fraction))
    result = engine.evaluate(x, "int8 symmetric manual(-127,127) stochastic(11)")
    ups = int(np.count_nonzero(result.codes == 21))
    assert ups + int(np.count_nonzero(result.codes == 20)) == n
    assert abs(ups - n * fraction) < 5 * math.sqrt(n * fraction * (1 - fraction))


@pytest.mark.parametrize("text", ["int8 symmetric", "uint4 scale-only", "e2m1fn symmetric"])
def test_what_chance_rounds_beyond_the_last_code_is_clipped_and_counted(text: str) -> None:
    scheme = Scheme.parse(text)
    last = scheme.format.qmax
    low = -last if scheme.mapping == "symmetric" else 0.0
    x = np.full(3000, last + 0.3, np.float32)
    for seed in range(6):
        made = engine.evaluate(x, f"{text} manual({low},{last}) stochastic({seed})")
        assert (made.reconstructed == last).all()
        # Beyond 6, the numbers of e2m1 would be 2 apart.
        share = 0.15 if "e2m1" in text else 0.3
        assert made.metrics["clipped_high"] / x.size == pytest.approx(share, abs=0.04)
        assert made.metrics["clipped_high"] == np.count_nonzero(made.saturated == 1)


def test_whole_numbers_are_left_to_no_chance() -> None:
    x = np.arange(-127, 128, dtype=np.float32)
    for seed in range(20):
        assert not engine.evaluate(x, f"int8 symmetric stochastic({seed})").error.any()


def test_chances_are_uniform_and_independent_of_their_neighbours_and_seeds() -> None:
    where = np.arange(100_000)
    u, other = uniform_at(where, 3), uniform_at(where, 4)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.bincount((u * 100).astype(int), minlength=100)
    assert ((counts - 1000) ** 2 / 1000).sum() < 170  # χ² of 99 degrees: far beyond its 99.99 %
    for a, b in ((u[1:], u[:-1]), (u[2:], u[:-2]), (u, other), (u[32:], u[:-32])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(where.size)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("stochastic", "stochastic(0)"),
        ("stochastic(12)", "stochastic(12)"),
        (f"stochastic( {MAX_SEED} )", f"stochastic({MAX_SEED})"),
        (f"stochastic({MAX_SEED + 1})", None),
        ("stochastic(-1)", None),
        ("stochastic(1.5)", None),
        ("ties-up", None),
    ],
)
def test_seeds_are_whole_numbers(word: str, name: str | None) -> None:
    found = parse_rounding(word)
    assert (found and found.name) == name


# Schemes adapt to a change

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "format": st.sampled_from(EVERY),
    "mapping": st.sampled_from(list(MAPPINGS)),
    "runtime": st.sampled_from(["", *RUNTIMES]),
    "granularity": st.one_of(
        st.just(Granularity()),
        st.integers(-3, 3).map(lambda axis: Granularity("per-channel", axis)),
        st.integers(1, 300).map(lambda size: Granularity("per-group", size)),
        st.just(Granularity("per-group", 32)),
    ),
    "rounding": st.sampled_from(["ties-even", "ties-away", "toward-zero", "stochastic(9)"]),
    "pow2": st.booleans(),
    "calibration": st.sampled_from(
        [
            Calibration(),
            Calibration("mse"),
            Calibration("percentile", (99.0,)),
            Calibration("entropy"),
            Calibration("manual", (-1.0, 2.0)),
        ]
    ),
}


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    """Any scheme, of any runtime, and of formats that bring a mapping."""
    chosen = {name: draw(kind) for name, kind in KINDS.items()}
    if chosen["runtime"]:
        runtime = RUNTIMES[chosen["runtime"]]
        fmt = parse_format(draw(st.sampled_from(runtime.formats)))
        assert fmt is not None
        mappings = [m for m in runtime.mappings if not MAPPINGS[m].refuses(fmt)]
        chosen |= {"format": fmt, "mapping": draw(st.sampled_from(mappings))}
        chosen |= {"rounding": "ties-even", "pow2": False}
        if chosen["granularity"].kind not in runtime.granularities:
            chosen["granularity"] = Granularity()
        return Scheme(**chosen)
    fmt = chosen["format"]
    if fmt.mapping:
        return Scheme.parse(fmt.name)
    if not fmt.integer:
        chosen["mapping"] = "symmetric"
    if fmt.nearest_only:
        chosen["rounding"] = "ties-even"
    return Scheme(**chosen)


changes = st.sampled_from(list(KINDS)).flatmap(lambda name: st.tuples(st.just(name), KINDS[name]))


@given(schemes(), changes)
@examples(500)
def test_any_change_leaves_a_scheme_that_parses_back(
    scheme: Scheme, change: tuple[str, Any]
) -> None:
    name, value = change
    adapted = scheme.adapted(**{name: value})
    assert Scheme.parse(str(adapted)) == adapted
    if getattr(scheme, name) == value:
        assert adapted == scheme


@given(schemes(), changes)
@examples(500)
def test_the_change_that_was_asked_for_is_kept(scheme: Scheme, change: tuple[str, Any]) -> None:
    name, value = change
    adapted = scheme.adapted(**{name: value})
    assert getattr(adapted, name) == value


@given(
    st.sampled_from(BLOCKS),
    st.sampled_from(list(MAPPINGS)),
    st.sampled_from(EVERY),
)
def test_a_block_format_makes_way_for_a_mapping_or_another_format(
    block: Format, mapping: str, fmt: Format
) -> None:
    scheme = Scheme.parse(block.name)
    assert scheme.adapted(mapping=mapping).mapping == mapping
    assert not scheme.adapted(mapping=mapping).format.mapping
    assert scheme.adapted(format=fmt).format == fmt
    back = scheme.adapted(format=fmt).adapted(format=block)
    assert back == scheme


@given(schemes().filter(lambda scheme: scheme.format.integer), changes)
@examples(300)
def test_a_change_that_goes_with_the_rest_changes_nothing_else(
    scheme: Scheme, change: tuple[str, Any]
) -> None:
    name, value = change
    wanted = {field: getattr(scheme, field) for field in KINDS} | {name: value}
    try:
        expected = Scheme(**wanted)
    except ValueError:
        return
    if scheme.format.mapping or expected.format.mapping:
        return
    assert scheme.adapted(**{name: value}) == expected


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("int8 symmetric ties-away", {"runtime": "pytorch"}, "int8 symmetric @pytorch"),
        ("int5 asymmetric pow2", {"runtime": "tflite"}, "int8 asymmetric @tflite"),
        ("int8 asymmetric", {"runtime": "tensorrt"}, "int8 symmetric @tensorrt"),
        ("int8 scale-only", {"runtime": "onnxruntime"}, "int8 symmetric @onnxruntime"),
        ("uint8 scale-only mse", {"runtime": "pytorch"}, "uint8 symmetric mse @pytorch"),
        ("int5 scale-only", {"runtime": "tflite"}, "int8 symmetric @tflite"),
        ("int8 symmetric @pytorch", {"rounding": "ties-away"}, "int8 symmetric ties-away"),
        ("int8 symmetric @pytorch", {"pow2": True}, "int8 symmetric pow2"),
        ("int8 asymmetric @tflite mse", {"mapping": "scale-only"}, "int8 scale-only mse"),
        ("int8 asymmetric stochastic(3)", {"format": parse_format("nf4")}, "nf4 symmetric"),
        ("int8 asymmetric mse", {"format": parse_format("q8_0")}, "q8_0"),
        ("int4 symmetric per-group(8)", {"runtime": "pytorch"}, "int8 symmetric @pytorch"),
        ("q4_0", {"mapping": "asymmetric"}, "int8 asymmetric"),
        ("q4_0", {"runtime": "pytorch"}, "int8 symmetric @pytorch"),
        ("q8_0", {"pow2": True}, "int8 symmetric pow2"),
        ("e4m3fn symmetric mse", {"mapping": "asymmetric"}, "int8 asymmetric mse"),
        (
            "nf4 symmetric per-group(8)",
            {"rounding": "ties-away"},
            "int8 symmetric per-group(8) ties-away",
        ),
        ("q4_0", {"format": parse_format("int4")}, "int4 symmetric"),
    ],
)
def test_what_does_not_go_together_is_set_back(
    text: str, change: dict[str, Any], expected: str
) -> None:
    assert str(Scheme.parse(text).adapted(**change)) == expected


def test_the_small_floats_and_blocks_are_all_in_this_suite() -> None:
    names = {fmt.name for fmt in EVERY if fmt not in INTEGERS}
    assert names == {text.split()[0] for text in SCHEMES}
