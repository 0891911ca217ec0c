"""Text files: what people write is understood, what cannot be is placed by line and column."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.notes import listening

Refusal = Callable[..., str]

CASES = [
    ("x.csv", "1,2,3\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
    ("x.csv", "1.5, 2.5\r\n3.5, 4.5\r\n", [[1.5, 2.5], [3.5, 4.5]]),
    ("x.csv", "a,b\n1,2\n", [1, 2]),
    ("x.csv", ",a,b\n0,1.5,2\n1,3,4\n", [[1.5, 2], [3, 4]]),
    ("x.csv", '"","a"\n"1",1.5\n"2",3\n', [1.5, 3]),
    ("x.csv", ",a\n0,1\n2,3\n", [[0, 1], [2, 3]]),
    ("x.csv", "i,a\n0,1\n1,3\n", [[0, 1], [1, 3]]),
    ("x.csv", '"width, mm","height"\n1.5,2.5\n3,4\n', [[1.5, 2.5], [3, 4]]),
    ("x.csv", "1,5\n2,5\n", [[1, 5], [2, 5]]),
    ("x.csv", "1;2,5\n3;4,5\n", [[1, 2.5], [3, 4.5]]),
    ("x.csv", "weight\n0,25\n0,5\n", [0.25, 0.5]),
    ("x.csv", "12,5\n7\n", [12.5, 7]),
    ("x.csv", "100,200,300\n", [100, 200, 300]),
    ("x.tsv", "1,5\t2\n3\t4,5\n", [[1.5, 2], [3, 4.5]]),
    ("x.tsv", "1.234,5\t2\n3\t4,5\n", [[1234.5, 2], [3, 4.5]]),
    ("x.txt", "1 2 3", [1, 2, 3]),
    ("x.txt", "1\r2\r3\r", [1, 2, 3]),
    ("x.txt", "  1.5   -2e3\n\n nan  inf \n", [[1.5, -2000], [np.nan, np.inf]]),
    ("x.txt", "# made by hand\n# x y\n1 2\n3 4\n", [[1, 2], [3, 4]]),
    ("x.txt", "\n\n7\n8\n\n", [7, 8]),
    ("x.txt", "42", [42]),
    ("x.txt", "\N{MINUS SIGN}1\n\N{INFINITY}\n", [-1, np.inf]),
]


@pytest.mark.parametrize(("name", "text", "expected"), CASES)
def test_what_people_write_is_understood(
    name: str, text: str, expected: list[object], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    array = io.load(path)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array(expected, np.float32), strict=True)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.csv", "1,234\n5,678\n", "could group thousands"),
        ("x.txt", "0,5\n0,25\n", "could be decimal marks"),
        ("x.csv", "1.234,5\n2,25\n", "could be decimal marks"),
        ("x.txt", "16777217\n1\n", "1 integer has more digits than float32"),
        ("x.csv", "[9007199254740993, 1]", "more digits than float64"),
        ("x.md", "| a |\n|---|\n| NA |\n", "1 cell holds a word for a missing value"),
        ("x.md", "| 0.5 | 2 |\n|---|---|\n| 1 | 2 |\n", "taken for column names: 0.5, 2."),
        ("x.md", "| a | NA |\n|---|---|\n| 1 | 2 |\n", "taken for column names: a, NA."),
        ("x.md", "| #N/A | b |\n|---|---|\n| 1 | 2 |\n", "taken for column names: #N/A, b."),
        ("x.csv", "# quantoscope dtype=float32 shape=2\nNA\n2\n", "1 cell holds a word"),
        ("x.csv", "1\n#Total\n2\n", "The line that begins with # was left out: #Total."),
    ],
)
def test_what_else_a_text_could_mean_or_loses_is_said(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with listening() as notes:
        array = io.load(tmp_path / name)
    assert said in " ".join(map(str, notes))
    assert (array.dtype == np.float64) == ("more digits" in said)


FAULTS = [
    ("x.csv", "1,2,3\n4,5\n", "In x.csv, line 2 has 2 values where the line before has 3."),
    ("x.csv", "1,2\n3,4\n5,6,7\n", "In x.csv, line 3 has 3 values where the lines before have 2."),
    ("x.csv", "a,b\n1,2,3\n", "In x.csv, line 2 has 3 values where the header has 2."),
    ("x.csv", "1,2\n3,four\n", "In x.csv, line 2, column 2: 'four' is not a number."),
    ("x.csv", "#\n\n1,2\n3,four\n", "In x.csv, line 4, column 2: 'four' is not a number."),
    ("x.csv", "1,,3\n", "In x.csv, line 1, column 2 is empty; a number is needed."),
    ("x.csv", "1\n\n3\n", "In x.csv, line 2 is empty; a number is needed."),
    ("x.csv", "123,456\n789\n", "In x.csv, line 2 has 1 value where the line before has 2."),
    ("x.tsv", "1\t2\n3\t\n", "In x.tsv, line 2, column 2 is empty; a number is needed."),
    ("x.txt", "1\n1e999\n", "In x.txt, line 2, column 1: '1e999' is too large for a float;"),
    ("x.txt", "once upon a time\n", "In x.txt, line 1, column 1: 'once' is not a number."),
    ("x.txt", "# nothing else\n", "In x.txt, there are no numbers here."),
    ("x.txt", " \n \n", "In x.txt, there are no numbers here."),
    ("x.tsv", "1,500\t2,750\n", "In x.tsv, the commas can be read in more than one way:"),
    ("x.txt", "1 234,5\n2 345,5\n", "In x.txt, the spaces can be read in more than one way:"),
    ("x.csv", "1'234,5\n2,5\n", "In x.csv, the commas can be read in more than one way:"),
    ("x.csv", "-,1\n1,2\n", "In x.csv, line 1, column 1: '-' is not a number."),
]


@pytest.mark.parametrize(("name", "text", "message"), FAULTS)
def test_a_fault_is_told_with_its_place(
    name: str, text: str, message: str, tmp_path: Path, refusal: Refusal
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    assert refusal(io.load, path).startswith(message)
    assert refusal(io.list_tensors, path).startswith(message)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_spreadsheets_are_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("Größe;Länge\n1,5;2\n3;4\n".encode(encoding))
    assert io.load(path).tolist() == [[1.5, 2], [3, 4]]


@pytest.mark.parametrize("data", [b"1\x002\n", b"\x01\x02\x03", b"\xff\xfe1", b"\x81\x8d\x90\n"])
def test_what_is_not_text_is_refused(data: bytes, tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    assert "not a text file" in refusal(io.load, path)


@pytest.mark.parametrize("text", ["1\n1e39\n", "1\n1e-60\n"])
def test_numbers_beyond_float32_are_kept_in_float64(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    array = io.load(path)
    assert array.dtype == np.float64
    assert array.tolist() == list(map(float, text.split()))


DECLARED_FAULTS = [
    ("dtype=float32 shape=3", "1\n2\n", "does not fit the 2 numbers"),
    ("dtype=float32 shape=99999999999999999999,9", "1\n2\n", "does not fit"),
    ("dtype=float32 shape=", "1\n2\n", "does not fit"),
    ("dtype=float32 shape=2,0", "1\n2\n", "does not fit"),
    ("dtype=float32 shape=2" + ",1" * 90, "1\n2\n", "does not fit"),
    ("dtype=float32 shape=2", "", "no numbers"),
    ("dtype=int8 shape=2", "1\n200\n", "dtype=int8"),
    ("dtype=int8 shape=2", "1\n2.5\n", "dtype=int8"),
    ("dtype=uint8 shape=2", "1\n-1\n", "dtype=uint8"),
    ("dtype=int64 shape=2", "1\nnan\n", "dtype=int64"),
    ("dtype=uint64 shape=2", "1\n18446744073709551616\n", "dtype=uint64"),
    ("dtype=float32 shape=2", "1\n1e39\n", "dtype=float32"),
    ("dtype=float16 shape=2", "1\n70000\n", "dtype=float16"),
    ("dtype=object shape=2", "1\n2\n", "dtype=object"),
    ("dtype=float32 shape=2", "1\ntwo\n", "line 3, column 1: 'two'"),
]


@pytest.mark.parametrize(("claim", "rows", "words"), DECLARED_FAULTS)
def test_a_declaration_is_not_believed_beyond_the_rows(
    claim: str, rows: str, words: str, tmp_path: Path, refusal: Refusal
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"# quantoscope {claim}\n{rows}")
    assert words in refusal(io.load, path)


def test_a_million_rows_take_about_a_second(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    values = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    io.save(path, values)
    start = time.process_time()
    loaded = io.load(path)
    # Five times what it should take, so that a busy machine is no fault of the reader.
    assert time.process_time() - start < 7.5
    assert loaded.tobytes() == values.tobytes()


LONG = 1 << 19


@pytest.mark.parametrize(
    "text",
    [
        "1\n" * (LONG // 2),
        "1,2\n" * (LONG // 4),
        "1.5," * (LONG // 4) + "1",
        "1,2\n" * (LONG // 4) + "x\n",
        "1,5;2\n" * (LONG // 6),
        '"1","2"\n' * (LONG // 8),
        "#\n" * (LONG // 2),
        "[" + "1," * (LONG // 2) + "1]",
        "[1," + "//\n" * (LONG // 3) + "2]",
    ],
    ids=["column", "rows", "row", "fault", "comma", "quotes", "comments", "literal", "remarks"],
)
def test_a_text_takes_little_more_memory_than_its_numbers(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    tracemalloc.start()
    try:
        with suppress(io.FormatError):
            io.load(path)
        # Its numbers take four times as much at most; what is done in parts takes some megabytes.
        assert tracemalloc.get_traced_memory()[1] < 8 * len(text) + (1 << 22)
    finally:
        tracemalloc.stop()


WIDE = "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "text",
    [
        f"{WIDE},b\n" + "1,2\n" * (LONG // 4),
        f"# {WIDE}\n" + "1,2\n" * (LONG // 4),
        "1,2\n" * (LONG // 4) + WIDE,
        f"// {WIDE}\n[" + "[1, 2]," * (LONG // 7) + "]",
        f"| {WIDE} | b |\n|---|---|\n" + "| 1.25 | 2.25 |\n" * 2000,
        f"{WIDE}x,1.5\n" * (LONG // 9),
        "# " + WIDE * (LONG // 4) + "\n1\n",
    ],
    ids=["head", "comment", "fault", "literal", "table", "names", "long comment"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_one_wide_sign_does_not_widen_a_text(text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding=encoding)
    tracemalloc.start()
    try:
        with suppress(io.FormatError):
            io.load(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * path.stat().st_size + (1 << 23)
    finally:
        tracemalloc.stop()


def test_a_fault_behind_many_rows_is_told_with_its_place(tmp_path: Path, refusal: Any) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 50_000 + "\n3\n")
    assert "line 50003 has 1 value" in refusal(io.load, path)
    path.write_text("a,b\n" + '1,2\n\n"3",4\n' * 30_000 + "5,x\n")
    assert "line 90002, column 2: 'x'" in refusal(io.load, path)
    path.write_text("a,b\n" + '1,2\n\n"3",4\n' * 30_000)
    assert io.load(path).shape == (60_000, 2)
    assert (io.load(path)[-2:] == [[1, 2], [3, 4]]).all()


def test_of_a_file_that_is_no_text_only_the_start_is_read(tmp_path: Path, refusal: Any) -> None:
    path = tmp_path / "x.csv"
    with path.open("wb") as stream:
        stream.truncate(1 << 28)
    tracemalloc.start()
    try:
        assert "control characters" in refusal(io.load, path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
