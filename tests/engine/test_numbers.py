"""Text to numbers: one sense where there is one, a question where there are two."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine.text.delimited import parse_block
from quantoscope.engine.text.number_parsing import (
    AmbiguousBlock,
    AmbiguousNumber,
    BlockError,
    NumberError,
    parse_number,
)
from quantoscope.engine.text.paste import pasted_cells, read
from tests.laws import examples

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


# What pandas reads as missing by default, and what spreadsheets and C libraries print.
MISSING = [
    *("NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NULL", "null", "None", "NaN", "nan"),
    *("-NaN", "-nan", "-nan(ind)", "nan(snan)", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND00"),
    *("#DIV/0!", "#VALUE!", "#NUM!", "#REF!", "#NAME?", "#NULL!", "NaT", "NONE", "Null"),
]
SPECIAL = [
    *((word, math.nan) for word in MISSING),
    *(("1.#INF", math.inf), ("-1.#INF00", -math.inf), ("Infinity", math.inf), ("-INF", -math.inf)),
    *(("0x7f", 127), ("-0X1F", -31), ("0xFFu", 255), ("0x1.8p3", 12), ("0x1p-1f", 0.5)),
    *(("1.5D-03", 0.0015), ("-2d+2", -200), ("1.5Q1", 15), ("1.5f", 1.5), ("1F", 1), ("10L", 10)),
    *(("10u", 10), ("7ULL", 7), ("2e3f", 2000), ("\uff11\uff0e\uff15", 1.5)),
    *(("\u0661\u066b\u0665", 1.5), ("\u0661\u066c\u0662\u0663\u0664\u066b\u0665", 1234.5)),
]


@pytest.mark.parametrize(("text", "value"), SPECIAL)
def test_a_cell_is_the_same_number_wherever_it_stands(text: str, value: float) -> None:
    def same(found: object, wanted: object) -> None:
        np.testing.assert_array_equal(np.array(found), np.array(wanted, float), strict=True)

    same(np.float64(parse_number(text)), value)
    for block in (f"{text}\n0.5\n1.5", f"0.5\n{text}\n1.5\n", f"0.5\n1.5\n{text}"):
        rows = [line == text for line in block.strip().split("\n")]
        found = parse_block(block).values
        assert found.shape == (3, 1)
        same(found[rows], [[value]])
    for delimiter in "\t,;":
        block = f"{text}{delimiter}2{delimiter}3\n4{delimiter}{text}{delimiter}6\n"
        same(parse_block(block, False).values, [[value, 2, 3], [4, value, 6]])
        same(parse_block(f'a{delimiter}b\n"{text}"{delimiter}2').values, [[value, 2]])
    for start in (f"[{text}, 2.5", f"[1, {text}", f"[[0.5, {text}]", f"np.array([{text}, 1]"):
        if start.isascii():
            end = ")" if "np" in start else "]"
            assert value in read(start + end).values or math.isnan(value)
            assert np.isnan(read(start + end).values).sum() == math.isnan(value)


@pytest.mark.parametrize(
    ("text", "count"),
    [("NA\n1", 1), ("1,NA\nnull,n/a", 3), ("[1, None, [2]]"[:9] + "]", 1), ("nan\n1", 0)],
)
def test_words_for_missing_values_are_counted(text: str, count: int) -> None:
    notes = " ".join(map(str, read(text).notes))
    assert ("missing value" in notes) == (count > 0)
    assert not count or notes.startswith(f"{count} cell")


@pytest.mark.parametrize("word", ["NA", "None", "null", "<NA>", "N/A"])
def test_many_missing_values_take_hardly_longer_than_numbers(word: str) -> None:
    before = time.process_time()
    block = parse_block(f"{word}\t2.5\n1\t{word}\n" * 50_000)
    assert time.process_time() - before < 0.5
    assert np.isnan(block.values).sum() == 100_000
    assert [str(note)[:13] for note in block.notes] == ["100,000 cells"]


def test_nan_is_a_number_here_in_any_case() -> None:
    assert math.isnan(parse_number(" nan "))
    assert math.isnan(parse_number("NaN"))


def test_negative_zero_keeps_its_sign() -> None:
    assert math.copysign(1, parse_number("-0,0")) == -1


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "1.2.3", "1,2,3", "1,23,456", "12345,678,901", "1,234 567", "1 2", "1  234"),
        *("1,", ",", ".", "-", "--1", "1-", "e5", "1e", "0x", "1_000", "1x", "50%", "0,123,456"),
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
@examples(100)
def test_every_float_reads_back_with_either_mark(value: float) -> None:
    assert parse_number(repr(value)) == value
    assert parse_number(repr(value).replace(".", ","), decimal_comma=True) == value


@given(st.text(max_size=20))
@examples(100)
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
        ("Na,K\n1,2", ("Na", "K"), [[1, 2]]),
        ("1st,all\n1,2", ("1st", "all"), [[1, 2]]),
        ("(%),w\n1,2", ("(%)", "w"), [[1, 2]]),
    ],
)
def test_a_row_of_words_on_top_is_a_header(
    text: str, header: tuple[str, ...], rows: list[list[float]]
) -> None:
    block = parse_block(text)
    assert block.header == header
    assert block.values.tolist() == rows
    assert str(block.notes[0]).startswith("The first row was taken for column names: ")


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
        ("1.5x\n2\n3", "Line 1, column 1: '1.5x' is not a number.", 1, 1),
        ("0b11\n2\n3", "Line 1, column 1: '0b11' is not a number.", 1, 1),
        ("12O\t5\n1\t2", "Line 1, column 1: '12O' is not a number.", 1, 1),
        ("10 ms\n20 ms", "Line 1, column 2: 'ms' is not a number.", 1, 2),
        ("x,1.5\n1,2", "Line 1, column 1: 'x' is not a number.", 1, 1),
        ("NA,b\n1,2", "Line 1, column 2: 'b' is not a number.", 1, 2),
        ("x,1\ny,2\n3,4", "Line 1, column 1: 'x' is not a number.", 1, 1),
        ("x1,1\n" * 300 + "3,4", "Line 301, column 1: '3' stands where the other lines", 301, 1),
        ("x,1,2\ny,b,4", "Line 2, column 2: 'b' is not a number.", 2, 2),
        ("w,a,b\nx,1,2\ny,,4", "Line 3, column 2 is empty; a number is needed.", 3, 2),
        ("x\t1\t1e999\t3", "Line 1, column 3: '1e999' is too large for a float;", 1, 3),
        ("x,1,2\ny,3,4,5", "Line 2 has 4 values where the line before has 3.", 2, 4),
        ("w,a,b\nx,1", "Line 2 has 2 values where the header has 3.", 2, 3),
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


NAMED = [
    # pandas: to_csv(index=False), with an index, Series.to_csv, and a frame as it is printed
    ("0,1,2\n0.5,1.5,2.5\n3.5,4.5,5.5", [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]]),
    ("0;1\n0,5;1,5\n2,5;3,5", [[0.5, 1.5], [2.5, 3.5]]),
    (",0,1\n0,0.5,1\n1,2,3", [[0.5, 1], [2, 3]]),
    (",0\n0,0.5\n1,0.25", [[0.5], [0.25]]),
    ("\t0\t1\n0\t5\t7\n1\t8\t9", [[5, 7], [8, 9]]),
    ("   0    1\n0  0.5 -1.5\n1  2.5  3.5", [[0.5, -1.5], [2.5, 3.5]]),
    (",2019,2020\na,1,2\nb,3,4", [[1, 2], [3, 4]]),
    # R: write.table and write.csv
    ('"0","1"\n5,1\n2,3', [[5, 1], [2, 3]]),
    ('"a" "b"\n"1" 1.5 2\n"2" 3 4', [[1.5, 2], [3, 4]]),
    ('"","a","b"\n"x",1.5,2\n"y",3,4', [[1.5, 2], [3, 4]]),
    # names of rows without names of columns
    ("x,1,2\ny,3,4", [[1, 2], [3, 4]]),
    ("2024-01-01\t1.5\n2024-01-02\t2.5", [[1.5], [2.5]]),
]


@pytest.mark.parametrize(("text", "rows"), NAMED)
def test_names_of_columns_and_rows_are_left_out_and_it_is_said(
    text: str, rows: list[list[float]]
) -> None:
    block = parse_block(text, "," not in text.partition("\n")[0] and ";" in text)
    assert block.values.tolist() == rows
    assert block.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,1,2\n3,4,5\n6,7,8", False),  # goes on counting
        ("0,1\n1,0\n1,1", False),
        ("0 1\n0.1 0.99\n1 0.5", False),  # whole numbers further on: the first row is one of them
        ("0,1,2\n5,4,9\n1,7,8", True),
        ("i,0,1\na,5,9\nb,7,8", True),
        ("1,2,3\n0.5,0.1,0.2\n0.1,0.2,0.4", True),
        ("0\n0.5\n0.25", True),
        ("0\n1\n2", False),
    ],
)
def test_a_first_row_that_may_be_one_of_numbers_stays_one(text: str, said: bool) -> None:
    block = parse_block(text, False)
    assert len(block.values) == 3
    assert ("column names" in " ".join(map(str, block.notes))) == said


@pytest.mark.parametrize(
    ("text", "wide", "lost"),
    [("16777217\n1", 1, 0), ("9007199254740993\n3", 1, 1), ("16777216\n1", 0, 0)]
    + [("16777217.0", 0, 0), ("1.2345678e10", 0, 0), ("16,777,217;2", 1, 0), ("0x1000001", 1, 0)]
    + [("[16777217, 2]", 1, 0), ("[[-9007199254740993]]", 1, 1), ("{16777217u, 16777219}", 2, 0)]
    + [(f"{sign}1E20{end}", 0, 0) for sign in "-+" for end in ("\n1", " 2", ";3")]
    + [("[1E20, 2]", 0, 0), ("1E20\n16777217", 1, 0), ("1e20 9007199254740993", 1, 1)]
    # Of arrays in a program the long ones are read another way than the short ones.
    + [(f"[{cell * 40}1]", 40 * wide, 40 * lost) for cell, wide, lost in (
        ("16777217, ", 1, 0), ("'16777217', ", 1, 0), ('"16777217", ', 1, 0), ("16777217u, ", 1, 0),
        ("16777217f, ", 0, 0), ("'9007199254740993', ", 1, 1), ("1E20, ", 0, 0),
    )],
)  # fmt: skip
def test_whole_numbers_that_lose_digits_are_counted(text: str, wide: int, lost: int) -> None:
    pasted = read(text) if ";" not in text else pasted_cells(parse_block(text, False))
    assert pasted.wide == wide
    assert ("than float64: " in " ".join(map(str, pasted.notes))) == bool(lost)


SEPARATE, DECIMAL, GROUP = (
    "commas separate values",
    "commas are decimal marks",
    "commas group thousands",
)
SPACES, SPACE_GROUP = "spaces separate values", "spaces group thousands"
QUOTED = "quoted commas are decimal marks"


def test_rows_without_quotes_are_read_as_those_with_them() -> None:
    quoted, bare = '"1,5","2,5"\n', "3,4\n"
    block = parse_block(quoted + bare * 40_000 + quoted)
    assert block.values.shape == (40_002, 2)
    assert block.values[[0, 1, -2, -1]].tolist() == [[1.5, 2.5], [3, 4], [3, 4], [1.5, 2.5]]


def test_a_comma_in_quotes_counts_wherever_in_a_long_text_it_stands() -> None:
    first, bare, last = '"1,5","2,5"\n', "3,4\n", '"5","6"\n'
    for text in (first + bare * 40_000 + last, last + bare * 40_000 + first):
        block = parse_block(text)
        assert block.values.shape == (40_002, 2)
        assert sorted(block.values[[0, -1]].tolist()) == [[1.5, 2.5], [5, 6]]


def test_spaces_that_could_group_whole_numbers_are_said() -> None:
    block = parse_block("100 200\n300 400")
    assert block.values.tolist() == [[100, 200], [300, 400]]
    assert "group thousands" in str(block.notes[0])
    assert not parse_block("1 200\n30 4000").notes
    assert parse_block("1 234,5\n12,5").values.tolist() == [[1234.5], [12.5]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('"1.5"\n"2.5"', [[1.5], [2.5]]),
        ('"1,5"\n"2,5"', [[1.5], [2.5]]),
        ('"0,0125","-0,5"\n"1","2,75"', [[0.0125, -0.5], [1, 2.75]]),
        ('"1,234.5","2"', [[1234.5, 2]]),
        ('"1 234,5";"2"', [[1234.5, 2]]),
        ('a,b\n"1,5",NA', [[1.5, math.nan]]),
    ],
)
def test_quotes_tell_the_commas_in_them_from_those_between(
    text: str, rows: list[list[float]]
) -> None:
    np.testing.assert_array_equal(parse_block(text).values, np.array(rows))


@pytest.mark.parametrize("text", ["# c\n1 2\n# d\n3 4\n# end\n", "1 2\n#DIV/0\n3 4\n#\n"])
def test_comments_stand_anywhere(text: str) -> None:
    assert parse_block(text).values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#1\n2\n3", "The line that begins with # was left out: #1."),
        ("1 2\n# 3 4\n#####\n5 6", "2 lines that begin with # were left out, the first is: # 3 4."),
        ("# quantoscope dtype=float32 shape=2\n1\n2", ""),
        ("1\n2", ""),
    ],
)
def test_comments_that_are_left_out_are_said(text: str, said: str) -> None:
    assert [str(note) for note in parse_block(text).notes] == [said] * bool(said)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (",0,1\n0,1.5,2.5\n", [[1.5, 2.5]]),
        (",a,b\n0,1.5,2.5\n", [[1.5, 2.5]]),
        (";0;1\n0;1,5;2,5\n", [[1.5, 2.5]]),
        (",a,b\n7,1.5,2.5\n", [[7, 1.5, 2.5]]),
    ],
)
def test_an_empty_corner_stands_over_an_index_of_one_row_too(
    text: str, rows: list[list[float]]
) -> None:
    assert parse_block(text, ";" in text).values.tolist() == rows


@pytest.mark.parametrize("text", ["0,1,2\n0.5,1.5,2.5", "0\t1\t2\n10\t5\t3"])
def test_a_first_row_that_counts_over_one_more_is_kept_and_said(text: str) -> None:
    block = parse_block(text)
    assert len(block.values) == 2
    assert "If it holds column names" in str(block.notes[0])


@pytest.mark.parametrize("text", ["1 234,5\n2 345,6", "a\n1 234,5\n2 345,6", "w\n1 234.5\n2 300"])
def test_groups_of_digits_are_asked_about_below_a_name_too(text: str) -> None:
    with pytest.raises(AmbiguousBlock) as refused:
        parse_block(text)
    first, second = refused.value.readings
    assert (first.values[-1, -1] % 1000, second.values[0, 0]) == (first.values[-1, -1], 1234.5)


def test_going_on_counting_is_no_header_and_needs_no_word() -> None:
    assert not parse_block("0,1,2\n3,4,5").notes


@pytest.mark.parametrize(
    "word", ["#N/A", "#DIV/0!", "#NAME?", "#YOK", "#Н/Д", "#I/T", "#N/B", "Err:502"]
)
def test_a_missing_value_at_the_start_of_a_line_is_no_comment(word: str) -> None:
    values = parse_block(f"{word},1\n2,{word}\n{word},{word}").values
    assert np.isnan(values).tolist() == [[True, False], [False, True], [True, True]]


def test_blank_lines_are_passed_over_at_once() -> None:
    before = time.process_time()
    assert parse_block("1 2\n" + "\n" * 2_000_000 + "3 4").values.tolist() == [[1, 2], [3, 4]]
    assert time.process_time() - before < 0.5


def test_a_long_row_is_read_in_parts_like_a_short_one() -> None:
    row = ",".join(["1.5", "NA", '"2"', "0x10"] * 20_000)
    block = parse_block(f"{row}\n{row}", False)
    assert block.values.shape == (2, 80_000)
    assert np.nansum(block.values) == 2 * 20_000 * 19.5
    with pytest.raises(BlockError, match=r"^Line 2, column 80001: 'x' is not a number"):
        parse_block(f"{row}\n{row},x")


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1,5\n2,5", {SEPARATE: [[1, 5], [2, 5]], DECIMAL: [[1.5], [2.5]]}),
        ("1,500", {SEPARATE: [[1, 500]], DECIMAL: [[1.5]], GROUP: [[1500]]}),
        ("1,500\t2,750", {DECIMAL: [[1.5, 2.75]], GROUP: [[1500, 2750]]}),
        ("1,500 2,750", {DECIMAL: [[1.5, 2.75]], GROUP: [[1500, 2750]]}),
        ("1,234.5\n2,345.5", {SEPARATE: [[1, 234.5], [2, 345.5]], GROUP: [[1234.5], [2345.5]]}),
        ("1 234,5\n2 345,5", {SPACES: [[1, 234.5], [2, 345.5]], SPACE_GROUP: [[1234.5], [2345.5]]}),
        ("1 234.5\n2 345.5", {SPACES: [[1, 234.5], [2, 345.5]], SPACE_GROUP: [[1234.5], [2345.5]]}),
        ("1 000\n2 000", {SPACES: [[1, 0], [2, 0]], SPACE_GROUP: [[1000], [2000]]}),
        ('"1,500","2,750"', {SEPARATE: [[1500, 2750]], QUOTED: [[1.5, 2.75]]}),
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
@examples(100)
def test_a_spreadsheet_block_reads_back_with_either_mark(
    rows: list[list[float]], line_end: str, decimal_comma: bool
) -> None:
    text = "".join("\t".join(map(repr, row)) + line_end for row in rows)
    if decimal_comma:
        text = text.replace(".", ",")
    assert parse_block(text, decimal_comma).values.tolist() == rows


@given(st.text(alphabet="0123456789.,;\t\n\r -'\"eEnaif_x\u00a0", max_size=30))
@examples(500)
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
@examples(500)
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
        patch.setattr("quantoscope.engine.text.delimited._Rows._read_plain", lambda *_: False)
        assert outcome() == fast


CELLS = ["1", "-2.5", "0", "1,5", "1 234", '"1,5"', '"a"', "", "NA", "x", "0x1f", "16777217", "#"]


@given(
    st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=4), min_size=1, max_size=7),
    st.sampled_from(["\t", ";", ",", " "]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@examples(300)
def test_a_text_is_read_alike_in_pieces_of_any_length(
    rows: list[list[str]], delimiter: str, line_end: str
) -> None:
    text = line_end.join(map(delimiter.join, rows))

    def outcome() -> object:
        try:
            block = parse_block(text)
            return str(block.values.tolist()), block.header, block.notes, block.wide
        except AmbiguousBlock as error:
            return [block.description for block in error.readings]
        except BlockError as error:
            return str(error)

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quantoscope.engine.text.delimited.PIECE", 12)
        patch.setattr("quantoscope.engine.text.text_pieces.PIECE", 12)
        assert outcome() == whole


@pytest.mark.parametrize("delimiter", ["\n", "\t"])
@pytest.mark.parametrize("mark", [".", ","])
def test_a_million_numbers_take_about_a_second(delimiter: str, mark: str) -> None:
    values = np.random.default_rng(0).normal(size=(100_000, 10))
    text = "\n".join(delimiter.join(map(repr, row)) for row in values.tolist())
    text = text.replace(".", mark)
    start = time.process_time()
    block = parse_block(text, decimal_comma=mark == ",")
    # Five times what it should take, so that a busy machine is no fault of the parser.
    assert time.process_time() - start < 5
    assert block.values.ravel().tolist() == values.ravel().tolist()
