"""Cells for spreadsheets: numbers stay numbers, and no text becomes a formula."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine import cli
from quantoscope.engine.text.spreadsheet import cell, csv_line, tab_line

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "=",
    "-",
    "-x",
    "-1 =2",
    "-１",
]
PLAIN = ["", "-1.5", "+1", "-2e-05", "-inf", "-1.5 2 -3e-05", "nan", "int8 symmetric", "a=1", "1-1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_is_shown(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a; @SUM(A1);b", "a; @SUM(A1);b".replace(" @", "' @")),
        ("a\n=1", "a\n'=1"),
        ("a;b;1", "a;b;1"),
        ("=a;-b", "'=a;'-b"),
    ],
)
def test_a_semicolon_in_a_name_begins_no_cell_of_a_formula(text: str, shown: str) -> None:
    assert cell(text) == shown
    assert csv_line(["int8 symmetric", text]).count("'") == shown.count("'")


@pytest.mark.parametrize("text", PLAIN)
def test_numbers_and_words_stay_as_they_are(text):
    assert cell(text) == text


@given(st.floats(width=32))
def test_every_number_stays_a_number(value):
    for text in (repr(value), str(np.float32(value))):
        assert cell(text) == text


@given(st.lists(st.text().map(lambda text: text.replace("\x00", "")), min_size=1))
def test_no_cell_of_a_line_begins_a_formula(texts):
    line = csv_line(texts)
    (row,) = csv.reader(io.StringIO(line, newline=""))
    ends = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [one.replace("'", "") for one in row] == [one.replace("'", "") for one in ends]
    for one in row:
        if one[:1] in ("=", "+", "-", "@", "\t", "\r"):
            assert [float(number) for number in one.split(" ")]


def test_cells_for_the_clipboard_begin_no_formula_either():
    assert tab_line(["=1+1", "-1.5", "x"]) == "'=1+1\t-1.5\tx"


def test_csv_of_the_command_line_reads_back(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.array([[-1.0, 2.0], [-3.0, 0.5]], np.float32))
    words = ["compare", str(tmp_path / "x.npy"), "--csv"]
    schemes = ["int8 symmetric", "uint8 asymmetric per-channel(0)"]
    assert cli.main([*words, *(part for text in schemes for part in ("--scheme", text))]) == 0
    head, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert [row[head.index("scheme")] for row in rows] == schemes
    assert len(rows[1][head.index("scale")].split(" ")) == 2
    for row in rows:
        assert np.isfinite(float(row[head.index("sqnr")]))
