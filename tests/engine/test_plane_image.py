"""Images of planes against the definition of every pixel, written out slowly."""

import math
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine import QuantizationError, evaluate
from quantoscope.engine.analysis.plane_image import Mark, Quantity, plane_image
from quantoscope.engine.analysis.plane_lines import outlier_lines, plane_lines
from quantoscope.engine.analysis.planes import pixel_edges, sliced_plane, whole_plane
from quantoscope.engine.cancellation import Cancellation, Cancelled
from quantoscope.engine.numerics import kernels

SCHEMES = (
    "int8 symmetric",
    "uint8 asymmetric",
    "int4 symmetric manual(-1,1)",
    "int8 asymmetric per-channel(0)",
    "int4 symmetric per-channel(-1) percentile(90)",
    "int4 symmetric per-group(3)",
    "int8 symmetric per-channel(0,1)",
    "int8 asymmetric per-channel(0,-1)",
    "int4 symmetric per-group(2,0)",
    "int4 symmetric per-group(4,1..)",
    "e4m3fn symmetric",
    "nf4 symmetric per-group(4)",
    "q4_0",
)


def definition(cells, e, quantity, exact):
    """Value and marks of one pixel, from what is known of every value of the array."""
    where = cells.ravel()
    r = e.values.reshape(-1)[where].astype(np.float64)
    p = e.qparams
    own = p.at(p.granularity.of(where, e.codes.shape))
    error = e.error.reshape(-1)[where].astype(np.float64)
    sides = e.saturated.reshape(-1)[where]
    step = np.broadcast_to(np.abs(np.asarray(own.working_scale, np.float64)), r.shape)
    clipped = [i for i in range(r.size) if sides[i]]
    marks = Mark.NAN * any(map(math.isnan, r)) | Mark.INFINITE * any(map(math.isinf, r))

    def largest(numbers):
        known = [n for n in numbers if not math.isnan(n)]
        top = max((abs(n) for n in known), default=math.nan)
        return {n for n in known if abs(n) == top} or {math.nan}

    if quantity is Quantity.REAL:
        return largest(r), marks
    if quantity is Quantity.SCALED:
        divisor = np.broadcast_to(np.asarray(own.working_divisor), r.shape)
        return largest(e.values.reshape(-1)[where] / divisor), marks
    if quantity is Quantity.CODE:
        numbers = p.format.unpack(e.codes.reshape(-1)[where], np.float64) - own.zero_point
        return largest(np.where(np.isnan(r), np.nan, numbers)), marks
    if quantity is Quantity.SQNR:
        known = np.isfinite(r) & np.isfinite(error)
        signal, noise = (r[known] ** 2).sum(), (error[known] ** 2).sum()
        if noise == 0:
            return {math.inf if signal else math.nan}, marks
        return {10 * math.log10(signal / noise) if signal else -math.inf}, marks
    if clipped:
        marks |= Mark.CLIPPED
        worst = largest([error[i] / step[i] for i in clipped])
        if quantity is Quantity.CLIPPED:
            return {-n for n in worst}, marks
        if not exact and worst != {math.nan}:
            return worst, marks
    if quantity is Quantity.CLIPPED:
        return {0.0}, marks
    steps = error / step
    if exact:
        return {steps[0]}, marks
    known = np.isfinite(steps)
    return {math.sqrt((steps[known] ** 2).mean()) if known.any() else math.nan}, marks


def check(x, e, plane, quantity, most, region=None):
    image = plane_image(e.values, e, plane, quantity, most, region)
    height, width = image.values.shape
    assert height <= max(1, most[0])
    assert width <= max(1, most[1])
    for i in range(height):
        for j in range(width):
            cells = plane.positions((*image.row_edges[i : i + 2], *image.column_edges[j : j + 2]))
            with np.errstate(all="ignore"):
                values, marks = definition(cells, e, quantity, image.exact)
            assert any(
                image.values[i, j] == pytest.approx(v, rel=1e-4, abs=1e-6, nan_ok=True)
                for v in values
            ), (i, j, image.values[i, j], values)
            assert image.marks[i, j] == marks


@st.composite
def arrays(draw):
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    seed = draw(st.integers(0, 99))
    x = np.random.default_rng(seed).standard_normal(shape)
    x = x.astype(draw(st.sampled_from([np.float32, np.float64])))
    special = draw(st.sampled_from([0.0, 0.2]))
    spots = np.random.default_rng(seed + 1).random(shape) < special
    x[spots] = np.random.default_rng(seed).choice([np.nan, np.inf, 50.0, 0.0], spots.sum())
    return x


def applied(x, scheme):
    try:
        return evaluate(x, scheme)
    except QuantizationError:
        return None


@given(st.data())
def test_every_pixel_is_what_the_definition_says(data):
    x = data.draw(arrays())
    e = applied(x, data.draw(st.sampled_from(SCHEMES)))
    if e is None:
        return
    plane = whole_plane(x.shape)
    if x.ndim > 1 and data.draw(st.booleans()):
        row, column = data.draw(st.permutations(range(x.ndim)))[:2]
        fixed = [data.draw(st.integers(0, length - 1)) for length in x.shape]
        plane = sliced_plane(x.shape, row, column, fixed)
    r0, c0 = (data.draw(st.integers(0, n - 1)) for n in (plane.rows, plane.columns))
    r1, c1 = (data.draw(st.integers(a + 1, n)) for a, n in ((r0, plane.rows), (c0, plane.columns)))
    most = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    check(x, e, plane, data.draw(st.sampled_from(Quantity)), most, (r0, r1, c0, c1))


@pytest.mark.parametrize("quantity", Quantity)
@pytest.mark.parametrize(
    "scheme", ["int8 asymmetric per-channel(0)", "int4 symmetric per-group(5)"]
)
def test_pixels_are_the_same_where_tiles_and_threads_meet(monkeypatch, scheme, quantity):
    monkeypatch.setattr(kernels, "BLOCK", 512)
    monkeypatch.setattr(kernels, "THREADS", 3)
    x = np.random.default_rng(3).standard_normal((61, 83)).astype(np.float32)
    check(x, evaluate(x, scheme), whole_plane(x.shape), quantity, (7, 9))


def test_an_array_in_any_memory_layout_has_the_same_image():
    x = np.random.default_rng(3).standard_normal((30, 20)).astype(np.float32)
    for array in (x.T, np.asfortranarray(x), x[::2, 1::3]):
        e = evaluate(array, "int4 symmetric per-channel(1)")
        for quantity in Quantity:
            check(array, e, whole_plane(array.shape), quantity, (4, 6), (1, 9, 2, 6))


@given(st.integers(0, 2_999_999), st.sampled_from([-1.0, 1.0]))
def test_one_outlier_among_three_million_is_a_pixel(at, sign):
    x = THREE_MILLION.copy()
    x[at] = sign * 40
    plane = whole_plane((1500, 2000))
    image = plane_image(x.reshape(1500, 2000), None, plane, Quantity.REAL, (300, 400))
    row, column = plane.cell(at)
    i = np.searchsorted(image.row_edges, row, "right") - 1
    j = np.searchsorted(image.column_edges, column, "right") - 1
    assert image.values[i, j] == sign * 40
    assert np.count_nonzero(np.abs(image.values) > 30) == 1


THREE_MILLION = np.random.default_rng(0).standard_normal(3_000_000, np.float32)


def test_one_clipped_value_among_three_million_wins_its_pixel():
    x = THREE_MILLION.reshape(1500, 2000).copy()
    x[700, 1234] = 40
    e = evaluate(x, "int8 symmetric manual(-8,8)")
    image = plane_image(x, e, whole_plane(x.shape), Quantity.ERROR, (300, 400))
    where = np.argwhere(image.marks == Mark.CLIPPED)
    assert where.tolist() == [[140, 246]]
    assert image.values[140, 246] == pytest.approx(float(e.error[700, 1234]) / e.qparams.scale)
    assert np.sort(image.values.ravel())[-1] < 0.5


@given(st.integers(0, 50), st.integers(1, 400), st.integers(1, 60))
def test_every_cell_is_in_one_pixel_and_pixels_differ_by_one_cell(start, count, most):
    edges = pixel_edges(start, start + count, most)
    assert edges[0] == start
    assert edges[-1] == start + count
    assert edges.size - 1 == min(most, count)
    sizes = np.diff(edges)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple), st.data())
def test_cells_and_positions_are_each_others_inverse(shape, data):
    fixed = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    axes = data.draw(st.permutations(range(len(shape))))
    plane = sliced_plane(shape, *axes[:2], fixed) if len(shape) > 1 else whole_plane(shape)
    positions = plane.positions(plane.region)
    for row, column in np.ndindex(plane.rows, plane.columns):
        assert plane.cell(int(positions[row, column])) == (row, column)
        assert plane.position(row, column) == positions[row, column]
    others = set(range(math.prod(shape))) - set(positions.ravel().tolist())
    assert all(plane.cell(at) is None for at in others)


def test_the_whole_plane_has_sides_that_are_most_alike():
    sides = {
        (64, 3, 3, 3): (64, 27), (1, 3, 224, 224): (672, 224), (8, 128, 768): (1024, 768),
        (5, 7): (5, 7), (9,): (1, 9), (): (1, 1), (0, 4): (0, 4),
    }  # fmt: skip
    for shape, (rows, columns) in sides.items():
        plane = whole_plane(shape)
        assert (plane.rows, plane.columns) == (rows, columns)
        assert plane.whole


@pytest.mark.parametrize("axes", [(0, 0), (0, 3), (-1, 0)])
def test_a_plane_needs_two_axes_of_the_array(axes):
    with pytest.raises(QuantizationError, match="axes"):
        sliced_plane((2, 3, 4), *axes, (0, 0, 0))
    with pytest.raises(QuantizationError, match="plane"):
        sliced_plane((2, 3, 4), 1, 2, (2, 0, 0))


def test_a_cancelled_image_ends():
    x = np.zeros((4000, 1000), np.float32)
    cancellation = Cancellation()
    cancellation.cancel()
    with cancellation.watched(), pytest.raises(Cancelled):
        plane_image(x, None, whole_plane(x.shape), Quantity.REAL, (400, 300))
    with cancellation.watched(), pytest.raises(Cancelled):
        plane_lines(x, None, whole_plane(x.shape))
    assert not [t for t in threading.enumerate() if t.name.startswith("kernel")]


@pytest.mark.parametrize(
    "scheme", ["int8 symmetric per-channel(1)", "int4 symmetric per-group(32)"]
)
def test_memory_does_not_grow_with_the_array(scheme):
    peaks = []
    for rows in (1000, 8000):
        x = np.random.default_rng(0).standard_normal((rows, 1024), np.float32)
        e = evaluate(x, scheme)
        plane = whole_plane(x.shape)
        tracemalloc.start()
        for quantity in Quantity:
            plane_image(x, e, plane, quantity, (200, 300))
        plane_image(x, e, plane, Quantity.SQNR, (200, 300), (1, rows - 1, 1, 1000))
        plane_lines(x, e, plane)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < 40e6


# Rows and columns


@given(st.data())
def test_figures_of_lines_are_those_of_their_values(data):
    x = data.draw(arrays())
    e = applied(x, data.draw(st.sampled_from(SCHEMES)))
    if e is None:
        return
    plane = whole_plane(x.shape)
    lines = plane_lines(e.values, e, plane)
    r, error = (a.reshape(plane.rows, plane.columns).astype(float) for a in (e.values, e.error))
    known = np.isfinite(r) & np.isfinite(error)
    for figures, axis in ((lines.rows, 1), (lines.columns, 0)):
        with np.errstate(all="ignore"):
            peak = np.fmax.reduce(np.abs(r), axis=axis)
            noise = np.where(known, error, 0) ** 2
            rms = np.sqrt(noise.sum(axis=axis) / known.sum(axis=axis))
        np.testing.assert_array_equal(figures.peak, peak)
        np.testing.assert_allclose(figures.rms_error, rms, rtol=1e-5, atol=1e-30)
        edges = pixel_edges(0, peak.size, data.draw(st.integers(1, 5)))
        pooled, pooled_rms = figures.pooled(edges)
        for i, (a, b) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            some = (slice(None), slice(a, b)) if axis == 0 else slice(a, b)
            inside = known[some].sum()
            assert pooled[i] == pytest.approx(np.fmax.reduce(peak[a:b]), nan_ok=True)
            square = noise[some].sum() / inside if inside else math.nan
            assert pooled_rms[i] == pytest.approx(math.sqrt(square), rel=1e-5, nan_ok=True)


def test_figures_of_lines_do_not_depend_on_tiles_and_threads(monkeypatch):
    x = np.random.default_rng(3).standard_normal((300, 83)).astype(np.float32)
    e = evaluate(x, "int4 symmetric per-channel(0)")
    monkeypatch.setattr(kernels, "BLOCK", 512)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr(kernels, "THREADS", threads)
        lines = plane_lines(x, e, whole_plane(x.shape))
        found.append((lines.rows.noise.tobytes(), lines.columns.signal.tobytes()))
    assert found[0] == found[1]


def test_more_lines_than_can_be_told_apart_are_taken_in_runs(monkeypatch):
    monkeypatch.setattr("quantoscope.engine.analysis.plane_lines.MOST_LINES", 8)
    x = np.random.default_rng(3).standard_normal((100, 3)).astype(np.float32)
    lines = plane_lines(x, evaluate(x, "int8 symmetric"), whole_plane(x.shape))
    assert lines.rows.peak.size == 8
    assert not lines.rows.single
    a, b = lines.rows.edges[2:4]
    assert lines.rows.peak[2] == np.abs(x[a:b]).max()
    assert outlier_lines(lines) is None


def with_columns(places, factor=30.0):
    x = np.random.default_rng(5).standard_normal((256, 512)).astype(np.float32)
    x[:, places] *= factor
    return x


def test_outlier_columns_are_found_with_what_they_and_the_others_keep():
    places = [7, 100, 300]
    x = with_columns(places)
    e = evaluate(x, "int4 symmetric per-channel(0)")
    found = outlier_lines(plane_lines(x, e, whole_plane(x.shape)))
    assert not found.in_rows
    assert found.places.tolist() == places
    assert found.peak == np.abs(x).max()
    assert found.ordinary == np.sort(np.abs(x).max(axis=0))[255]
    others = np.delete(np.arange(512), places)
    for some, sqnr in ((places, found.sqnr), (others, found.others)):
        part, lost = x[:, some].astype(float), e.error[:, some].astype(float)
        assert sqnr == pytest.approx(10 * np.log10((part**2).sum() / (lost**2).sum()), abs=1e-6)


def test_of_rows_and_columns_those_with_more_of_the_signal_stand_out():
    x = with_columns([7])
    x[20, 200] = 100  # an outlier row, and a column, of one value
    e = evaluate(x, "int8 symmetric")
    assert outlier_lines(plane_lines(x, e, whole_plane(x.shape))).places.tolist() == [7, 200]
    found = outlier_lines(plane_lines(x.T.copy(), None, whole_plane(x.T.shape)))
    assert found.in_rows
    assert found.places.tolist() == [7, 200]
    assert math.isinf(found.sqnr)


def test_a_single_value_that_stands_out_is_found_by_row_and_column():
    x = with_columns([])
    x[20, 200] = 100
    assert outlier_lines(plane_lines(x, None, whole_plane(x.shape))).cell == (20, 200)
    x[20, 210] = 100  # two values: a row that stands out, and two columns
    assert outlier_lines(plane_lines(x, None, whole_plane(x.shape))).cell is None
    x[20, 210], x[30, 210] = 0, 80  # of two rows and two columns
    assert outlier_lines(plane_lines(x, None, whole_plane(x.shape))).cell is None


@pytest.mark.parametrize("places", [[], list(range(0, 512, 20))], ids=["none", "too many"])
def test_noise_and_many_large_columns_have_no_outliers(places):
    x = with_columns(places)
    assert outlier_lines(plane_lines(x, None, whole_plane(x.shape))) is None
