"""The bytes of a file, read page by page instead of mapped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine import io
from quantoscope.engine.io import FormatError, pages, protobuf
from tests.engine.io import builders

DATA = bytes(range(256)) * 3


@given(st.lists(st.tuples(st.integers(0, 800), st.integers(0, 300)), max_size=20))
def test_bytes_are_those_of_the_file_in_any_order(places: list[tuple[int, int]]) -> None:
    path = Path(__file__)
    data = path.read_bytes()
    page = pages.PAGE
    try:
        pages.PAGE = 64
        with path.open("rb") as stream:
            some = pages.Pages(stream, len(data))
            assert len(some) == len(data)
            for start, count in places:
                assert some[start : start + count] == data[start : start + count]
                assert some[start] == data[start]
    finally:
        pages.PAGE = page


def test_a_file_that_became_shorter_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA)
    with path.open("rb") as stream:
        some = pages.Pages(stream, len(DATA))
        os.truncate(path, 10)
        with pytest.raises(FormatError, match="became shorter"):
            some[0]


def test_a_model_that_becomes_shorter_while_it_is_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(builders.onnx({}) + builders.field(99, bytes(1 << 20)))
    fields = protobuf.Wire.fields

    def cut(wire: protobuf.Wire, start: int, stop: int) -> object:
        os.truncate(path, 30)
        return fields(wire, start, stop)

    monkeypatch.setattr(protobuf.Wire, "fields", cut)
    with pytest.raises(FormatError, match="was changed by another program while it was read"):
        io.list_tensors(path)
