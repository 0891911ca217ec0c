"""What all exports of parameters share: bytes or one sentence, the same each time, whole files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.export import FORMATS, NotExpressibleError
from quantoscope.engine.io import FormatError
from tests.engine.export.arrays import SCHEMES, normal

KEYS = [form.key for form in FORMATS]
ODD_NAMES = (
    "",
    " ",
    "a/b:0",
    "größe 重み",
    "quote\" ' \\",
    "two\nlines\x00\x1b",
    "*/ #endif",
    "\ud800",
)
every_key = pytest.mark.parametrize("key", KEYS)


@pytest.fixture(autouse=True)
def _onnx(request: pytest.FixtureRequest) -> None:
    key = request.node.callspec.params.get("key") if hasattr(request.node, "callspec") else None
    for form in FORMATS:
        if form.key == key and form.extra:
            pytest.importorskip(form.extra)


def rendered(key: str, result: engine.Evaluation, name: str = "w") -> bytes | None:
    """The bytes, or None for a scheme that is refused as it should be."""
    try:
        made = export.render(key, result, name)
    except NotExpressibleError as error:
        sentence = str(error)
        assert sentence.isprintable() and re.fullmatch(r"[A-Z@].*[^.]\.", sentence), sentence
        assert ". " not in sentence and len(sentence) < 300, sentence
        return None
    assert isinstance(made, bytes) and made
    return made


@every_key
def test_every_scheme_gives_bytes_or_one_sentence_each_time_the_same(key: str) -> None:
    form = next(form for form in FORMATS if form.key == key)
    said = 0
    for scheme in SCHEMES:
        result = engine.evaluate(normal(), scheme)
        first = rendered(key, result)
        assert first == rendered(key, engine.evaluate(normal(), scheme))
        if first is not None and form.text:
            assert first.decode("utf-8").endswith("\n") and b"\r" not in first
        said += first is not None
    assert said


@every_key
@pytest.mark.parametrize(
    "values",
    [[0.0, 0.0], [-5.0, -5.0], [100.0, 101.0], [1e-42, -3e-43], [3e38, -3e38], [np.nan, 1.0]],
    ids=str,
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_so_do_odd_arrays(key: str, values: list[float], kind: type) -> None:
    for scheme in ("int8 symmetric", "uint8 asymmetric", "int8 scale-only", "int8 asymmetric",
                   "int8 symmetric @onnxruntime", "uint8 asymmetric @pytorch"):  # fmt: skip
        rendered(key, engine.evaluate(np.array(values, kind), scheme))


@pytest.mark.parametrize(
    ("scheme", "z"),
    [
        ("int8-narrow asymmetric manual(1,255)", -128),  # a code of the bits, if not of the scheme
        ("int8-narrow asymmetric manual(2,256)", -129),
        ("int8-narrow asymmetric manual(-254,0)", 127),
        ("int8-narrow asymmetric manual(-255,-1)", 128),
        ("uint8 asymmetric manual(-255,0)", 255),
        ("uint8 asymmetric manual(-256,-1)", 256),
        ("uint8 asymmetric manual(1,256)", -1),
    ],
)
@pytest.mark.parametrize("key", ["aimet-0.6.1", "aimet-1.0.0", "onnx", "ort-overrides"])
def test_zero_points_are_those_that_the_bits_have_as_codes(key: str, scheme: str, z: int) -> None:
    result = engine.evaluate(np.arange(-6, 6).astype(np.float32), scheme)
    assert result.qparams.zero_point == z
    low, high = (-128, 127) if scheme.startswith("int8") else (0, 255)
    if low <= z <= high:
        assert export.render(key, result, "w")
        return
    with pytest.raises(NotExpressibleError, match=f"zero points from {low} to {high} for .*{z}:"):
        export.render(key, result, "w")


@every_key
@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_name_may_hold_anything(key: str, name: str) -> None:
    made = rendered(key, engine.evaluate(normal(), "int8 symmetric @tensorrt"), name)
    if made is not None and next(form for form in FORMATS if form.key == key).text:
        made.decode("utf-8")


@every_key
@pytest.mark.parametrize("name", ["conv1", *ODD_NAMES], ids=ascii)
def test_every_form_has_a_preview_that_can_be_read(key: str, name: str) -> None:
    result = engine.evaluate(normal(), "int8 symmetric @tensorrt")
    made = rendered(key, result, name)
    if made is None:
        return
    text = export.preview(key, result, name)
    if key == "onnx":
        assert "= QuantizeLinear" in text
        assert "= DequantizeLinear" in text
    else:
        assert text == made.decode()


@every_key
def test_a_file_has_what_is_rendered(key: str, tmp_path: Path) -> None:
    result = engine.evaluate(normal(), "int8 symmetric @tensorrt")
    form = next(form for form in FORMATS if form.key == key)
    path = tmp_path / f"out{form.endings[0]}"
    export.write(path, key, result, "w")
    assert path.read_bytes() == export.render(key, result, "w")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    result = engine.evaluate(normal(), "int8 symmetric")
    path = tmp_path / "out.json"
    path.write_text("old")
    with pytest.raises(engine.QuantizationError, match=r"There is no export 'xml'; there are json"):
        export.write(path, "xml", result, "w")
    with pytest.raises(FormatError, match="its folder does not exist"):
        export.write(tmp_path / "none" / "out.json", "json", result, "w")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_the_table_is_fit_for_menus() -> None:
    assert len(set(KEYS)) == len(KEYS)
    assert len({form.title for form in FORMATS}) == len(FORMATS)
    for form in FORMATS:
        assert re.fullmatch(r"[a-z0-9.-]+", form.key)
        assert form.title and form.title.isprintable()
        assert form.endings and all(re.fullmatch(r"\.[a-z0-9]+", end) for end in form.endings)
