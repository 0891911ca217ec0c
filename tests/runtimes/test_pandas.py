"""Text as pandas writes it, and what it takes for a missing value."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.notes import listening
from quantoscope.engine.text.delimited import parse_block
from quantoscope.engine.text.number_parsing import parse_number

pandas = pytest.importorskip("pandas")

FORMS = [
    ({}, "numbers"),
    ({"index": False}, "numbers"),
    ({"sep": ";", "decimal": ",", "index": False}, "numbers"),
    ({"decimal": ","}, "numbers"),  # pandas quotes such cells itself
    ({"sep": "\t", "quoting": 1}, "numbers"),
    ({"na_rep": "NA"}, "missing"),
    ({"na_rep": "#N/A", "index": False}, "missing"),
    ({"index": False, "float_format": "%.3e"}, "numbers"),
]


@pytest.mark.parametrize(("options", "kind"), FORMS)
@pytest.mark.parametrize("columns", [1, 2, 3, 12])
def test_what_pandas_writes_is_read_as_its_values(
    options: dict[str, Any], kind: str, columns: int, tmp_path: Path
) -> None:
    values = np.random.default_rng(columns).normal(size=(6, columns))
    if kind == "missing":
        values[2, 0] = np.nan
    pandas.DataFrame(values).to_csv(tmp_path / "x.csv", **options)
    with listening() as notes:
        found = io.load(tmp_path / "x.csv").reshape(-1, columns)
    if columns == 1 and options.get("index") is False:
        # A column that may as well begin with 0 is one of numbers, and that is said.
        assert "column names" in str(notes[0])
        found = found[1:]
    else:
        assert "column names" in str(notes[0])
    wanted = values.astype(np.float32)
    tolerance = 1e-3 if "float_format" in options else 0
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=0)


def test_every_default_missing_value_of_pandas_is_one() -> None:
    parsers = pytest.importorskip("pandas._libs.parsers")
    for word in parsers.STR_NA_VALUES - {""}:
        assert math.isnan(parse_number(word)), word
        assert np.isnan(parse_block(f"1,{word}\n{word},2", False).values).sum() == 2


def test_a_frame_as_it_is_printed_is_read_as_its_values(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 3)).round(4)
    (tmp_path / "x.txt").write_text(pandas.DataFrame(values).to_string())
    assert io.load(tmp_path / "x.txt").tolist() == values.astype(np.float32).tolist()
