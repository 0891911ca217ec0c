"""Arrays pasted from programs and tables, and copied as such."""

import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantoscope.engine import io
from quantoscope.engine.text.literals import MAX_DEPTH, is_literal
from quantoscope.engine.text.markdown import as_markdown
from quantoscope.engine.text.number_parsing import AmbiguousBlock, BlockError
from quantoscope.engine.text.paste import read
from quantoscope.engine.text.source_literals import as_c, as_numpy, as_python

nan, inf = np.nan, np.inf

LITERALS = [
    ("[0.2, 1.3, -1.0]", [0.2, 1.3, -1.0]),
    ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
    ("((1, 2), (3, 4),)", [[1, 2], [3, 4]]),
    ("[1_000, .5, 2.]", [1000, 0.5, 2]),
    ("x: list[float] = [1, 2]", [1, 2]),
    ("array([[1., 2.]], dtype=float32)", [[1, 2]]),
    ("np.array([1, nan, -np.inf])", [1, nan, -inf]),
    ("numpy.array(\n    [[1],\n     [2]])", [[1], [2]]),
    ("[np.float64(0.5), np.float32(-2.0), np.float64(nan)]", [0.5, -2, nan]),
    ("[float('nan'), float('-inf')]", [nan, -inf]),
    ("[array([1, 2]), array([3, 4])]", [[1, 2], [3, 4]]),
    ("[[ 0.1  0.2]\n [ 0.3 -0.4]]", [[0.1, 0.2], [0.3, -0.4]]),
    ("[1.e+00 nan -inf]", [1, nan, -inf]),
    ("np.array([1, 2, 3, 4]).reshape(2, 2)", [[1, 2], [3, 4]]),
    (
        "tensor([[1.0000e+00, -2.],\n        [3., 4.]], device='cuda:0', requires_grad=True)",
        [[1, -2], [3, 4]],
    ),
    ("tensor([1., 2.], grad_fn=<AddBackward0>)", [1, 2]),
    ("Parameter containing:\ntensor([1., 2.], requires_grad=True)", [1, 2]),
    ("torch.tensor(3.0)", [3]),
    ("{0.2f, 1.3F}", [0.2, 1.3]),
    ("float x[3] = {0.2f, 1.3f, -1.0f};", [0.2, 1.3, -1]),
    ("static const float w[2][2] = {{1, 2}, {3, 4}};", [[1, 2], [3, 4]]),
    ("const float w[2][2] = {1, 2, 3, 4};", [[1, 2], [3, 4]]),
    ("{0x1.8p+1f, 0xFFu, 0x1f, 7UL}", [3, 255, 31, 7]),
    ("// weights\n{1, /* one, two */ 2, NAN, -INFINITY,}", [1, 2, nan, -inf]),
    ("[NaN, Infinity, -Infinity]", [nan, inf, -inf]),
    ("static const float values = -3.5f;\n", [-3.5]),
    ("double x = INFINITY;", [inf]),
    ("[1 2; 3 4]", [[1, 2], [3, 4]]),
    ("w = [1, -2.5\n; 3, 4;];", [[1, -2.5], [3, 4]]),
    ("Out[3]: array([1., 2.])", [1, 2]),
    ("[1, NA, null]", [1, nan, nan]),
    ("[1, <NA>, #N/A, -nan(ind)]  # missing", [1, nan, nan, nan]),
    ('["NaN", 1.5, "-Infinity"]', [nan, 1.5, -inf]),
    ("[1.0 -- 3.0]", [1, nan, 3]),
    ("[1.5D-03 1.#INF]", [0.0015, inf]),
]


@pytest.mark.parametrize(("text", "expected"), LITERALS)
def test_an_array_of_a_program_is_read_with_its_shape(text, expected):
    assert is_literal(text)
    np.testing.assert_array_equal(read(text).values, np.array(expected, float), strict=True)


def test_a_mark_of_byte_order_is_no_part_of_an_array():
    assert read("\ufeff[1, 2]").values.tolist() == [1, 2]


@pytest.mark.parametrize("write", [as_numpy, as_c])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_an_array_without_axes_reads_back_as_one_number(write, dtype):
    pasted = read(write(np.array(-3, dtype)))
    assert pasted.literal
    assert pasted.values.tolist() == [-3]


WRONG = [
    ("[1 2; 3]", "Line 1, character 8: a row of 1 stands here where the first has 2."),
    ("[[1, 2]; 3]", "Line 1, character 8: a semicolon stands inside the brackets."),
    ("[1, [2]]", "Line 1, character 5: a list stands here where others have a number."),
    ("[[1], 2]", "Line 1, character 7: a number stands here where others have a list."),
    (
        "[[[1, 2], [3, 4]],\n [[5, 6], [7]]]",
        "Line 2, character 13: the list at [1][1] has 1 number where the others have 2.",
    ),
    ("[[1, 2], [3, 4], []]", "the list at [2] has 0 numbers where the others have 2."),
    ("[0.1, ..., 0.3]", "the middle was left out when this was printed"),
    ("[0.1 0.2 ... 0.3]", "np.set_printoptions(threshold=np.inf)"),
    ("[1 2, 3]", "a comma stands here where spaces part the numbers before"),
    ("[1, 2 3]", "Line 1, character 7: a comma is missing before this."),
    ("[1-2]", "this is a calculation"),
    ("[1, 2] + [3]", "'+' is not part of a number"),
    ("[1,, 2]", "a number is missing before this comma"),
    ("[1, 2", "the text ends before all brackets are closed"),
    ("[1, 2)", "')' closes a bracket that was not opened"),
    ("[1.5.2]", "'1.5.2' is not part of a number"),
    ("[1, Nothing]", "'Nothing' is not a number"),
    ("[-float('inf')]", "a sign stands before a call"),
    ("[1, 'a']", "'a' is text; a number is needed"),
    ("[__import__('os').getcwd()]", "'__import__' is a call"),
    ("[1e999]", "'1e999' is too large for a float; write inf for infinity."),
    ("[0x1p9999]", "too large for a float"),
    ("[]", "There are no numbers in these brackets."),
    ("float a[5] = {1, 2};", "The text says 5, but it holds 2 numbers."),
    ("np.array([1, 2, 3]).reshape(2, 2)", "The text says 2×2, but it holds 3 numbers."),
    ("float a[] = {1}; float b[] = {2};", "paste one array at a time"),
    ("[" * 100_000, f"brackets lie more than {MAX_DEPTH} deep"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG, ids=[text[:30] for text, _ in WRONG])
def test_what_is_no_array_is_refused_with_its_place(text, sentence):
    with pytest.raises(BlockError, match="^[A-Z].*[.]$") as caught:
        read(text)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "text", ["1, 2\n3, 4", "0.5\n1", "name\n1", "a = b\n1", "1\t2", "w {mm}\n1", ""]
)
def test_rows_of_cells_are_no_literal(text):
    assert not is_literal(text)


@pytest.mark.parametrize("claim", ["np.float64", "torch.float64", "'float64'", "float64"])
def test_a_claimed_precision_is_told(claim):
    assert read(f"array([1.5], dtype={claim})").dtype == "float64"
    assert read(f"np.array([1.5], {claim})").dtype == "float64"
    assert read(f"tensor([1.5], device='cuda:0', dtype={claim}, requires_grad=True)").dtype == (
        "float64"
    )
    assert read("[1.5]").dtype == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "[" + "1.5, " * n + "]",
        lambda n: "{" + "1.5f, " * n + "}",
        lambda n: "[" + "[1.5, 2.5], " * (n // 2) + "]",
        lambda n: "[" + "np.float64(1.5), " * n + "]",
    ],
)
def test_a_long_array_is_read_in_full(make):
    assert read(make(20_000)).values.size == 20_000


@pytest.mark.parametrize(
    "text",
    [
        "[" + "[1]," * 50_000 + "[1]]",
        "[" + "[[1]], " * 50_000 + "[[1]]]",
        "[" + "[1]\n" * 50_001 + "]",
    ],
    ids=["lists", "lists in lists", "as NumPy prints them"],
)
def test_lists_of_one_number_take_little_longer_than_one_list(text):
    def seconds(text):
        before = time.process_time()
        assert read(text).values.size == 50_001
        return time.process_time() - before

    one = min(seconds("[" + "1," * 50_000 + "1]") for _ in range(3))
    # It was forty times as long.
    assert min(seconds(text) for _ in range(3)) < 6 * one


NESTED = st.recursive(
    st.sampled_from(
        ["1", "-2.5", "nan", "NA", "1f", "x", "0x1f", "16777217", "float('inf')", "-inf", "1e999"]
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=4),
    max_leaves=40,
)


def _written(item, comma):
    if isinstance(item, str):
        return item
    return "[" + comma.join(_written(one, comma) for one in item) + "]"


@given(st.lists(NESTED, min_size=1, max_size=3), st.sampled_from([",", ", ", " ", ";"]))
@example(["1", "1e999", "1"], ", ")
@example([["1", "1"], ["1", "-1e999"]], " ")
@example(["1", "16777217f", "0x1p9999"], ",")
def test_runs_of_lists_are_read_as_one_token_after_another_is(items, comma):
    text = _written(items, comma)

    def outcome():
        try:
            pasted = read(text)
            return pasted.values.shape, pasted.values.tobytes(), pasted.wide, pasted.notes
        except BlockError as error:
            return str(error)

    careful = outcome()
    for short, piece in ((1, 1 << 16), (1, 16)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("quantoscope.engine.text.literals._SHORT", short)
            patch.setattr("quantoscope.engine.text.literals.PIECE", piece)
            assert outcome() == careful


def test_many_short_rows_are_read_in_no_time():
    before = time.process_time()
    assert read("[" + "1;" * 100_000 + "]").values.shape == (100_000, 1)
    assert time.process_time() - before < 5


def test_what_numpy_prints_is_read():
    array = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    for text in (str(array), repr(array), str(array.tolist()), repr(list(array[0]))):
        got = read(text).values
        wanted = array if got.ndim == 3 else array[0]
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


# Markdown

TABLES = [
    ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", [[1, 2], [3, 4]]),
    ("a | b\n:--|--:\n1 | 2\n", [[1, 2]]),
    ("|x|\n|:-:|\n|1.5|\n|nan|", [[1.5], [nan]]),
    ("|  | a | b |\n|---|---|---|\n| w | 1 | 2 |\n| v | 3 | 4 |", [[1, 2], [3, 4]]),
    ("|  | a |\n|---:|---:|\n| 0 | 7 |\n| 1 | 8 |", [[7], [8]]),
    ("| n | a |\n|---|---|\n| 0 | 7 |\n| 1 | 8 |", [[0, 7], [1, 8]]),
    ("| a\\|b | c |\n|---|---|\n| `1` | **2** |", [[1, 2]]),
    ("| 0 | 1 |\n|---|---|\n| 5 | 6 |", [[5, 6]]),
]


@pytest.mark.parametrize(("text", "expected"), TABLES)
def test_a_markdown_table_gives_its_numbers_without_head_and_names(text, expected):
    np.testing.assert_array_equal(read(text).values, np.array(expected, float), strict=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | x |", "Line 4, column 2: 'x' is not a number."),
        ("| a | b |\n|---|---|\n| 1 |", "Line 3 has 1 value where the header has 2."),
        ("| a |\n|---|\n| 1 |\nand so on", "Line 4 is no row of the table."),
        ("| a |\n|---|", "There are no numbers below the table's head."),
    ],
)
def test_a_faulty_table_is_refused_with_its_place(text, sentence):
    with pytest.raises(BlockError) as caught:
        read(text)
    assert str(caught.value) == sentence


def test_decimal_commas_in_a_table_are_asked_about():
    with pytest.raises(AmbiguousBlock):
        read("| a | b |\n|---|---|\n| 1,500 | 2,250 |")


@given(st.lists(st.lists(st.floats(width=64), min_size=2, max_size=2), min_size=1, max_size=5))
def test_a_written_table_reads_back(rows):
    text = as_markdown([[repr(v) for v in row] for row in rows], ["R|S", "R′"])
    np.testing.assert_array_equal(read(text).values, np.array(rows))


# Copying

ARRAYS = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=4, max_side=4))
)


def _same_bits(got, array):
    got = got.astype(array.dtype)
    assert got.shape == array.shape
    nans = np.isnan(array)
    assert (np.isnan(got) == nans).all()
    assert got[~nans].tobytes() == array[~nans].tobytes()


@pytest.mark.parametrize("write", [as_python, as_numpy, as_c])
@given(array=ARRAYS)
def test_what_is_copied_reads_back_bit_for_bit(write, array):
    with np.errstate(over="ignore", under="ignore"):
        _same_bits(read(write(array)).values, array)


@given(array=ARRAYS)
def test_python_and_numpy_themselves_read_what_is_copied(array):
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        made = eval(as_numpy(array), {"np": np})
        assert made.dtype == array.dtype
        _same_bits(made, array)
        _same_bits(np.array(eval(as_python(array))), array)


def test_the_forms_look_as_people_write_them():
    array = np.array([[0.2, 1], [-0.0, nan]], np.float32)
    assert as_python(array) == "[[0.2, 1.0],\n [-0.0, float('nan')]]\n"
    assert as_numpy(array).startswith("np.array([[0.2, 1.0],\n")
    assert as_numpy(array).endswith("[-0.0, np.nan]], dtype=np.float32)\n")
    wanted = "static const float values[2][2] = {{0.2f, 1.0f},\n {-0.0f, NAN}};\n"
    assert as_c(array) == wanted
    assert as_c(np.array([1, -2], np.int8), "q") == "static const int8_t q[2] = {1, -2};\n"


# Files


def test_a_text_file_may_hold_an_array_of_a_program(tmp_path):
    path = tmp_path / "w.txt"
    path.write_text("# mine\nw = [[[1, 2.5]], [[3, 4]]]\n")
    array = io.load(path)
    assert array.dtype == np.float32
    assert array.tolist() == [[[1, 2.5]], [[3, 4]]]
    path.write_text("\n[1, 2,\n [3]]")
    with pytest.raises(io.FormatError) as caught:
        io.load(path)
    assert "In w.txt, line 3, character 2: a list stands here" in str(caught.value)
