"""A made-up thing of each kind, registered by its one line, goes wherever the others go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import Scheme, export
from quantoscope.engine.analysis.cost_curve import objective
from quantoscope.engine.calibration import METHODS
from quantoscope.engine.cli import main
from quantoscope.engine.formats import FORMATS, in_menu_order
from quantoscope.engine.quantizers import MAPPINGS, QUANTIZERS
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.engine import test_calibration, test_compare, test_formats, test_steps
from tests.engine.export import test_numpy_source
from tests.engine.made_up import SCHEMES, registered

KNOWN = ("int8 symmetric", "q4_1", "mxfp4-gguf")
NOT_BY_NUMPY = ("powers", "from-minimum")
INTEGERS = ("int8", "uint8", "int4")


@pytest.fixture(autouse=True)
def made_up() -> Iterator[None]:
    with registered():
        yield


def suite(of: type) -> list[str]:
    return [name for name in vars(of) if name.startswith("test_")]


every_scheme = pytest.mark.parametrize("text", SCHEMES)


@every_scheme
@pytest.mark.parametrize("name", suite(test_formats.TestEveryFormat))
def test_each_passes_the_suite_of_formats(text: str, name: str) -> None:
    test = getattr(test_formats.TestEveryFormat(), name)
    if name == "test_the_shape_is_kept":
        for shape in ((), (33,), (2, 40), (3, 2, 5)):
            test(text, shape)
    else:
        test(text)


@pytest.mark.parametrize(
    ("first", "second"), [*pairwise(SCHEMES), *((SCHEMES[6], k) for k in KNOWN)]
)
@pytest.mark.parametrize("name", suite(test_compare.TestEveryPair))
def test_each_passes_the_suite_of_comparisons(first: str, second: str, name: str) -> None:
    test = getattr(test_compare.TestEveryPair(), name)
    for array in test_compare.ARRAYS:
        test(first, second, array)


@pytest.mark.parametrize("name", suite(test_calibration.TestEveryMethod))
def test_the_method_passes_the_suite_of_methods(name: str) -> None:
    test = getattr(test_calibration.TestEveryMethod(), name)
    if "degenerate" in name:
        for mapping, array in product(MAPPINGS, test_calibration.DEGENERATE):
            test("half", mapping, array)
    elif name != "test_the_guide_has_it":
        test("half")


@pytest.mark.parametrize("method", METHODS)
def test_the_family_takes_every_method(method: str) -> None:
    methods = test_calibration.TestEveryMethod()
    for array in test_calibration.DEGENERATE:
        methods.test_a_degenerate_array_gives_a_usable_range(method, "from-minimum", array)


@pytest.mark.parametrize(
    "text", [text for text in SCHEMES if not text.startswith(("steps7", "powers"))]
)
def test_every_line_of_the_steps_is_true(text: str) -> None:
    test_steps.test_every_printed_line_is_true(text)


@every_scheme
def test_the_words_are_read_in_any_order_and_printed_back(text: str) -> None:
    scheme = Scheme.parse(text)
    assert Scheme.parse(str(scheme)) == scheme
    assert Scheme.parse(" ".join(reversed(text.split()))) == scheme


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("int8 symmetric hal", "half"),
        ("int8 from-minimun", "from-minimum"),
        ("mxfp4-made-down", "mxfp4-made-up"),
        ("int8 symmetric @made-upp", "@made-up"),
    ],
)
def test_a_wrong_word_is_answered_with_it(wrong: str, meant: str) -> None:
    with pytest.raises(engine.SchemeError, match=f"Did you mean {re.escape(meant)}") as error:
        Scheme.parse(wrong)
    for word in ("steps7", "powers", "q3_1", "mxfp4-made-up", "from-minimum", "half", "@made-up"):
        assert word in str(error.value)


def test_menus_list_each_after_those_of_its_kind() -> None:
    listed = [fmt.name for fmt in in_menu_order()]
    assert set(listed) == set(FORMATS)
    assert listed.index("int2") > listed.index("steps7") > listed.index("int8")
    assert [*MAPPINGS][-1] == "from-minimum"
    assert [*METHODS][-1] == "half"
    assert [*RUNTIMES][-1] == "made-up"


def test_what_does_not_go_together_is_refused_or_set_back() -> None:
    for text in ("steps7 from-minimum", "q3_1 symmetric", "int8 asymmetric @made-up", "q3_1 half"):
        with pytest.raises(engine.SchemeError):
            Scheme.parse(text)
    scheme = Scheme.parse("int8 symmetric half")
    assert str(scheme.adapted(format=FORMATS["q3_1"])) == "q3_1"
    assert str(scheme.adapted(mapping="from-minimum")) == "int8 from-minimum half"
    assert (
        str(Scheme.parse("int8 from-minimum").adapted(format=FORMATS["steps7"]))
        == "steps7 symmetric"
    )
    assert str(scheme.adapted(runtime="made-up")) == "uint8 asymmetric half @made-up"


@every_scheme
def test_warnings_are_sentences_whatever_the_values(text: str) -> None:
    x = np.random.default_rng(3).normal(size=(4, 40)).astype(np.float32)
    odd = x.copy()
    odd[0, 3], odd[1, 4] = np.nan, np.inf
    for values in (x, odd, x * 0, x * 0 + 2.5, x * np.float32(1e-40), x + 1000, -np.abs(x)):
        try:
            warnings = engine.evaluate(values, text).warnings
        except engine.QuantizationError as error:
            warnings = (str(error),)
        assert all(re.fullmatch(r".+\.", one) for one in warnings), warnings


@every_scheme
@pytest.mark.parametrize("form", [form.key for form in export.FORMATS])
def test_an_export_takes_it_or_says_why_not(text: str, form: str) -> None:
    result = engine.evaluate(test_numpy_source.normal((4, 32)), text)
    scheme = result.scheme
    takes = {"json": True, "numpy": not any(word in text for word in NOT_BY_NUMPY)}
    affine = scheme.format.name in INTEGERS and QUANTIZERS[scheme.mapping].affine
    if takes.get(form, affine and (form != "tensorrt" or text == "int8 symmetric half")):
        assert export.render(form, result, "w")
    else:
        with pytest.raises(export.NotExpressibleError, match=r"\.$"):
            export.render(form, result, "w")


@every_scheme
def test_the_numpy_source_makes_the_same_codes(text: str) -> None:
    if not any(word in text for word in NOT_BY_NUMPY):
        test_numpy_source.check(engine.evaluate(test_numpy_source.normal(), text))


@every_scheme
def test_what_looks_at_an_evaluation_takes_it(text: str) -> None:
    x = np.random.default_rng(4).normal(size=(4, 40)).astype(np.float32)
    result = engine.evaluate(x, text)
    assert np.size(engine.channels(x, result).scale) == result.qparams.count
    if result.scheme.fixed_range:
        with pytest.raises(engine.QuantizationError):
            objective(x, result.scheme)
    else:
        curves = objective(x, result.scheme)
        assert np.isfinite(curves.total).all()
        assert [*curves.marks][-1] == "half"
    codes = result.codes.astype(np.int64)
    codes[0, 0] += 1
    if result.scheme.format.integer and QUANTIZERS[result.scheme.mapping].affine:
        assert engine.compare_codes(x, result.scheme, codes).count == 1
    else:
        with pytest.raises(engine.QuantizationError, match="choose an integer format"):
            engine.compare_codes(x, result.scheme, codes)


@every_scheme
def test_the_command_line_takes_it(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.io.save(tmp_path / "x.npy", test_numpy_source.normal((4, 32)))
    assert main(["compare", str(tmp_path / "x.npy"), "--scheme", text]) == 0
    assert str(Scheme.parse(text)) in capsys.readouterr().out


def test_the_command_line_s_help_names_the_mapping(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--help"]) == 0
    assert "(scale-only, symmetric, asymmetric, from-minimum)" in capsys.readouterr().out


def test_a_format_says_where_it_is_taken_from() -> None:
    for name in ("steps7", "powers", "q3_1", "mxfp4-made-up"):
        assert FORMATS[name].source
