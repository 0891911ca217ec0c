"""Views of an array: schemes and roles follow, and its own layout is found again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Granularity, Role
from quantoscope.engine.numerics.axes_view import (
    AxesView,
    moved_axes,
    reshaped_granularity,
    reshaped_role,
)
from quantoscope.engine.text.shape_text import parse_shape

NUMBERS = np.arange(2 * 3 * 4 * 5)


def factored(data: st.DataObject, size: int) -> tuple[int, ...]:
    shape: list[int] = []
    while size > 1:
        factor = data.draw(st.sampled_from([n for n in range(2, size + 1) if size % n == 0]))
        shape.append(factor)
        size //= factor
        if data.draw(st.booleans()):
            shape.append(1)
    return tuple(shape) or (1,)


@given(st.data())
@settings(deadline=None)
def test_the_own_layout_is_found_again_after_any_steps(data: st.DataObject) -> None:
    array = NUMBERS.reshape(factored(data, NUMBERS.size))
    shown, view = array, AxesView()
    for _ in range(data.draw(st.integers(0, 5))):
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(shown.ndim)))
            view, shown = view.transposed(shown.shape, order), shown.transpose(order)
        else:
            new = factored(data, NUMBERS.size)
            view, shown = view.reshaped(shown.shape, new), np.ascontiguousarray(shown).reshape(new)
    np.testing.assert_array_equal(view.own(shown), array)
    assert AxesView.from_json(view.as_json(), shown.shape) == view
    assert AxesView.from_json(view.as_json(), (*shown.shape, 7)) is None or not view.steps


def test_steps_back_leave_nothing() -> None:
    view = AxesView().transposed((2, 3), (1, 0)).transposed((3, 2), (1, 0))
    assert view == AxesView()
    assert AxesView().reshaped((6,), (2, 3)).reshaped((2, 3), (6,)) == AxesView()


@pytest.mark.parametrize(
    "odd",
    [
        None, 3, [3], [[1, 2]], [[[2, 3], [0, 0]]], [[[-2, -3], None]], [[[2, 3], [1, 0]]],
        [[[7], None]], [[[True, 6], None]], [[]] * 99,
    ],
)  # fmt: skip
def test_other_content_is_no_view(odd: Any) -> None:
    assert AxesView.from_json(odd, (2, 3)) is None


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_channels_keep_their_values_through_a_reshape_or_are_given_up(data: st.DataObject) -> None:
    old, new = factored(data, NUMBERS.size), factored(data, NUMBERS.size)
    order = data.draw(st.permutations(range(len(old))))
    axes = order[: data.draw(st.integers(1, len(old)))]
    kinds = (Granularity("per-channel", *axes), Granularity("per-group", 4, *axes))
    g = data.draw(st.sampled_from(kinds))
    moved = reshaped_granularity(g, old, new)
    array = NUMBERS.reshape(old)
    if moved is None:
        whole = [math.prod(old[: a + 1]) for a in range(len(old))]
        kept = set(whole) <= {math.prod(new[: a + 1]) for a in range(len(new))}
        assert not kept or all(old[a] == 1 for a in axes)
    else:
        np.testing.assert_array_equal(
            g.split(array.astype(float)), moved.split(array.astype(float).reshape(new))
        )


@pytest.mark.parametrize(
    ("g", "old", "new", "expected"),
    [
        ("per-channel(0)", (64, 3, 7, 7), (64, 147), "per-channel(0)"),
        ("per-group(32,1..)", (64, 3, 7, 7), (64, 147), "per-group(32)"),
        ("per-group(32)", (64, 147), (64, 3, 7, 7), "per-group(32,1..)"),
        ("per-channel(1)", (4, 6), (2, 12), None),
        ("per-channel(out)", (4, 6), (24,), "per-channel(out)"),
        ("per-tensor", (4, 6), (24,), "per-tensor"),
        ("per-channel(0)", (8,), (2, 4), "per-channel(0..)"),
    ],
)
def test_a_reshape_is_followed_in_short_words(
    g: str, old: tuple[int, ...], new: tuple[int, ...], expected: str | None
) -> None:
    moved = reshaped_granularity(engine.Scheme.parse(f"int8 symmetric {g}").granularity, old, new)
    assert (None if moved is None else str(moved)) == expected


def test_a_role_follows_a_reshape() -> None:
    role = Role((0,), (1, 2, 3), "Conv")
    assert reshaped_role(role, (64, 3, 7, 7), (64, 147)) == Role((0,), (1,), "Conv")
    assert reshaped_role(role, (64, 3, 7, 7), (8, 8, 147)) == Role((0, 1), (2,), "Conv")
    assert reshaped_role(role, (64, 3, 7, 7), (32, 294)) is None
    assert moved_axes((0,), (6, 1), (6,)) == (0,)
    assert moved_axes((1,), (6, 1), (6,)) is None
    assert moved_axes((1,), (6, 1), (1, 6)) == (0,)


@pytest.mark.parametrize(
    ("text", "size", "shape"),
    [
        ("1024x2816", None, (1024, 2816)), ("1024 × 2816", None, (1024, 2816)),
        ("(64, 3, 7, 7)", None, (64, 3, 7, 7)), ("[5]", None, (5,)), ("3*4", 12, (3, 4)),
        ("64x-1", 64 * 9, (64, 9)), ("7 2 1", 14, (7, 2, 1)), ("12,", 12, (12,)),
        ("0x3", 0, (0, 3)),
    ],
)  # fmt: skip
def test_shapes_are_read(text: str, size: int | None, shape: tuple[int, ...]) -> None:
    assert parse_shape(text, size) == shape


@pytest.mark.parametrize(
    ("text", "size"),
    [("", None), ("a", None), ("1.5x2", None), ("-1x3", None), ("3x5", 12), ("-1x-1", 12),
     ("5x-1", 12), ("x".join(["1"] * 70), 1), ("9" * 5000, None), ("-2x3", None),
     ("1,500", None), ("3,224,224", None)],
)  # fmt: skip
def test_others_are_refused_with_a_sentence(text: str, size: int | None) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z0-9…].*\.$"):
        parse_shape(text, size)
