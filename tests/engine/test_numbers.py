"""Text to numbers: one sense where there is one, a question where there are two."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cells import parse_block
from engine.numbers import (
    AmbiguousBlock,
    AmbiguousNumber,
    BlockError,
    NumberError,
    parse_number,
)

NBSP, THIN, MINUS = "\N{NO-BREAK SPACE}", "\N{THIN SPACE}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-1e-7", -1e-7),
        ("+3", 3.0),
        (" 7\n", 7.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.500", 1.5),
        (f"{MINUS}2", -2.0),
        (f"1e{MINUS}3", 1e-3),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("-\N{INFINITY}", -math.inf),
        ("1,5", 1.5),
        (",5", 0.5),
        ("-1,5e-3", -1.5e-3),
        ("0,500", 0.5),
        ("1234,567", 1234.567),
        ("1,500e3", 1500.0),
        ("1,234,567", 1234567.0),
        ("1,234,567.5", 1234567.5),
        ("1.234.567", 1234567.0),
        ("1.234.567,5", 1234567.5),
        ("-12 345,5", -12345.5),
        ("1 234.5", 1234.5),
        (f"1{NBSP}234{NBSP}567", 1234567.0),
        (f"1{THIN}234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("1\N{RIGHT SINGLE QUOTATION MARK}234", 1234.0),
        ("1e-999", 0.0),
    ],
)
def test_text_with_one_sense_is_that_number(text: str, value: float) -> None:
    assert parse_number(text) == value


def test_nan_is_a_number_here_in_any_case() -> None:
    assert math.isnan(parse_number(" nan "))
    assert math.isnan(parse_number("NaN"))


def test_negative_zero_keeps_its_sign() -> None:
    assert math.copysign(1, parse_number("-0,0")) == -1


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "1.2.3", "1,2,3", "1,23,456", "12345,678,901", "1,234 567", "1 2", "1  234"),
        *("1,", ",", ".", "-", "--1", "1-", "e5", "1e", "0x10", "1_000", "1f", "50%", "0,123,456"),
    ],
)
def test_what_is_no_number_is_refused_in_the_persons_own_words(text: str) -> None:
    with pytest.raises(NumberError) as caught:
        parse_number(text)
    assert str(caught.value) == f"'{text}' is not a number."


@pytest.mark.parametrize("text", ["", "  ", "\t\n"])
def test_nothing_is_no_number(text: str) -> None:
    with pytest.raises(NumberError, match="no number here"):
        parse_number(text)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1,5e999"])
def test_a_number_too_large_is_refused_and_the_way_to_infinity_told(text: str) -> None:
    with pytest.raises(NumberError, match="too large for a float; write inf"):
        parse_number(text)


def test_a_message_is_one_short_line() -> None:
    with pytest.raises(NumberError) as caught:
        parse_number("no\nnumber\t" * 1000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 80


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [("1,500", 1500, 1.5), ("-12,345", -12345, -12.345), ("1,000", 1000, 1)],
)
def test_two_senses_are_both_offered_and_can_be_decided(
    text: str, point: float, comma: float
) -> None:
    with pytest.raises(AmbiguousNumber) as caught:
        parse_number(text)
    assert caught.value.readings == (point, comma)
    assert parse_number(text, decimal_comma=False) == caught.value.readings[False]
    assert parse_number(text, decimal_comma=True) == caught.value.readings[True]


def test_a_decided_decimal_mark_is_kept_to() -> None:
    assert parse_number("1.500", decimal_comma=True) == 1500
    with pytest.raises(NumberError, match="with a decimal comma"):
        parse_number("1.5", decimal_comma=True)
    with pytest.raises(NumberError, match="with a decimal point"):
        parse_number("1,5", decimal_comma=False)


@given(st.floats(allow_nan=False))
@settings(deadline=None)
def test_every_float_reads_back_with_either_mark(value: float) -> None:
    assert parse_number(repr(value)) == value
    assert parse_number(repr(value).replace(".", ","), decimal_comma=True) == value


@given(st.text(max_size=20))
@settings(deadline=None)
def test_any_text_gives_a_number_or_a_sentence(text: str) -> None:
    try:
        assert isinstance(parse_number(text), float)
    except NumberError as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1\t2\r\n3\t4\r\n", [[1, 2], [3, 4]]),
        ("1\r2\r", [[1], [2]]),
        ("1\n2\n\n", [[1], [2]]),
        ("42", [[42]]),
        ("1 2  3\n4 5 6", [[1, 2, 3], [4, 5, 6]]),
        ("  1 2\n\n  3 4\n", [[1, 2], [3, 4]]),
        ("1,2,3\n4,5,6", [[1, 2, 3], [4, 5, 6]]),
        ("0.1, 0.2, 0.3", [[0.1, 0.2, 0.3]]),
        ("1,5\t2\n3\t4,5", [[1.5, 2], [3, 4.5]]),
        ("1.234,5\t2", [[1234.5, 2]]),
        ("1,234.5\t2", [[1234.5, 2]]),
        ("1 234,5\t2", [[1234.5, 2]]),
        ("1;2,5\n3;4", [[1, 2.5], [3, 4]]),
        ("1,500;2", [[1.5, 2]]),
        ("1,5 2,5\n3,5 4,5", [[1.5, 2.5], [3.5, 4.5]]),
        ("12,5\n7\n", [[12.5], [7]]),
        ("1.500\t2.250", [[1.5, 2.25]]),
        ("1.234.567\t1.234", [[1234567, 1234]]),
        (f"{MINUS}1\t\N{INFINITY}", [[-1, math.inf]]),
        (f"1{NBSP}234\n5", [[1234], [5]]),
        ('"1.5","2"\n3,4', [[1.5, 2], [3, 4]]),
        ("\ufeff1\t2", [[1, 2]]),
    ],
)
def test_a_block_with_one_sense_is_read(text: str, rows: list[list[float]]) -> None:
    block = parse_block(text)
    assert block.values.dtype == np.float64
    assert block.header is None
    np.testing.assert_array_equal(block.values, np.array(rows, float), strict=True)


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("a\tb\n1\t2", ("a", "b"), [[1, 2]]),
        ("a,b\n1,2\n", ("a", "b"), [[1, 2]]),
        ("x\n1,5\n2,5\n", ("x",), [[1.5], [2.5]]),
        ('"a, mm","b"\n1,2', ("a, mm", "b"), [[1, 2]]),
        ("\tweight\n1\t2", ("", "weight"), [[1, 2]]),
    ],
)
def test_a_row_of_words_on_top_is_a_header(
    text: str, header: tuple[str, ...], rows: list[list[float]]
) -> None:
    block = parse_block(text)
    assert block.header == header
    assert block.values.tolist() == rows


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("1 2 3\n4 5 6\n7 8", "Line 3 has 2 values where the lines before have 3.", 3, 3),
        ("1\t2\n3\t4\t5", "Line 2 has 3 values where the line before has 2.", 2, 3),
        ("a b c\n1 2", "Line 2 has 2 values where the header has 3.", 2, 3),
        ("a\tb\n1\t2\n3", "Line 3 has 1 value where the line before has 2.", 3, 2),
        ("1,2,3\n4,5,abc", "Line 2, column 3: 'abc' is not a number.", 2, 3),
        ("1,5\t2\n3\tabc", "Line 2, column 2: 'abc' is not a number.", 2, 2),
        ("nan\tb\n1\t2", "Line 1, column 2: 'b' is not a number.", 1, 2),
        ("words", "Line 1, column 1: 'words' is not a number.", 1, 1),
        ("1\t\t3", "Line 1, column 2 is empty; a number is needed.", 1, 2),
        ("1\t2\n\t", "Line 2, column 1 is empty; a number is needed.", 2, 1),
        ("1\n\n3", "Line 2 is empty; a number is needed.", 2, 1),
        ("\n2\n3", "Line 1 is empty; a number is needed.", 1, 1),
        ("1\t1e999", "Line 1, column 2: '1e999' is too large for a float;", 1, 2),
        ("1.5\n2,5", "Line 2 has 2 values where the line before has 1.", 2, 2),
        ("1_0\t2", "Line 1, column 1: '1_0' is not a number.", 1, 1),
        ("", "There are no numbers here.", 1, 1),
        (" \n\n", "There are no numbers here.", 1, 1),
    ],
)
def test_a_fault_in_a_block_is_told_with_its_place(
    text: str, message: str, line: int, column: int
) -> None:
    with pytest.raises(BlockError) as caught:
        parse_block(text)
    assert str(caught.value).startswith(message)
    assert (caught.value.line, caught.value.column) == (line, column)


SEPARATE, DECIMAL, GROUP = (
    "commas separate values",
    "commas are decimal marks",
    "commas group thousands",
)


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1,5\n2,5", {SEPARATE: [[1, 5], [2, 5]], DECIMAL: [[1.5], [2.5]]}),
        ("1,500", {SEPARATE: [[1, 500]], DECIMAL: [[1.5]], GROUP: [[1500]]}),
        ("1,500\t2,750", {DECIMAL: [[1.5, 2.75]], GROUP: [[1500, 2750]]}),
        ("1,500 2,750", {DECIMAL: [[1.5, 2.75]], GROUP: [[1500, 2750]]}),
        ("1,234.5\n2,345.5", {SEPARATE: [[1, 234.5], [2, 345.5]], GROUP: [[1234.5], [2345.5]]}),
    ],
)
def test_every_reading_of_an_ambiguous_block_is_offered(
    text: str, readings: dict[str, list[list[float]]]
) -> None:
    with pytest.raises(AmbiguousBlock) as caught:
        parse_block(text)
    offered = caught.value.readings
    assert {block.layout.meaning: block.values.tolist() for block in offered} == readings
    assert all(block.description in str(caught.value) for block in offered)


def test_a_decided_decimal_mark_settles_a_block() -> None:
    assert parse_block("1,5\n2,5", decimal_comma=True).values.tolist() == [[1.5], [2.5]]
    assert parse_block("1,5\n2,5", decimal_comma=False).values.tolist() == [[1, 5], [2, 5]]
    assert parse_block("1,500\t2", decimal_comma=True).values.tolist() == [[1.5, 2]]
    assert parse_block("1,500\t2", decimal_comma=False).values.tolist() == [[1500, 2]]


def test_a_description_tells_a_reading_by_its_first_numbers() -> None:
    with pytest.raises(AmbiguousBlock) as caught:
        parse_block("1,5\n2,5")
    assert [block.description for block in caught.value.readings] == [
        "commas separate values (2 × 2: 1 │ 5 …)",
        "commas are decimal marks (2 × 1: 1.5 …)",
    ]


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(allow_nan=False), min_size=width, max_size=width), min_size=1
        )
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@settings(deadline=None)
def test_a_spreadsheet_block_reads_back_with_either_mark(
    rows: list[list[float]], line_end: str, decimal_comma: bool
) -> None:
    text = "".join("\t".join(map(repr, row)) + line_end for row in rows)
    if decimal_comma:
        text = text.replace(".", ",")
    assert parse_block(text, decimal_comma).values.tolist() == rows


@given(st.text(alphabet="0123456789.,;\t\n\r -'\"eEnaif_x\u00a0", max_size=30))
@settings(deadline=None, max_examples=500)
def test_any_block_gives_numbers_or_a_sentence(text: str) -> None:
    try:
        assert parse_block(text).values.ndim == 2
    except NumberError as error:
        assert str(error).endswith(".")
        assert str(error).isprintable()


@given(
    st.lists(
        st.lists(
            st.sampled_from(["1", "-2.5", "3,5", "1,500", "x", "", "nan", "1e999", "1_0", "2,"]),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["\t", ";", ",", " "]),
)
@settings(deadline=None, max_examples=500)
def test_the_fast_way_and_the_careful_way_agree(rows: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in rows)

    def outcome() -> object:
        try:
            return parse_block(text).values.tolist().__repr__()
        except AmbiguousBlock as error:
            return [block.values.tolist().__repr__() for block in error.readings]
        except BlockError as error:
            return str(error)

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.cells._read_plain", lambda *_: None)
        assert outcome() == fast


@pytest.mark.parametrize("delimiter", ["\n", "\t"])
@pytest.mark.parametrize("mark", [".", ","])
def test_a_million_numbers_take_about_a_second(delimiter: str, mark: str) -> None:
    values = np.random.default_rng(0).normal(size=(100_000, 10))
    text = "\n".join(delimiter.join(map(repr, row)) for row in values.tolist())
    text = text.replace(".", mark)
    start = time.perf_counter()
    block = parse_block(text, decimal_comma=mark == ",")
    # Five times what it should take, so that a busy machine is no fault of the parser.
    assert time.perf_counter() - start < 5
    assert block.values.ravel().tolist() == values.ravel().tolist()
