"""Names that are too long: cut at once, and never two alike."""

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics

from quantoscope.gui.common.plain_text import NAME_LENGTH, plain
from quantoscope.gui.common.short_names import kin, schemes_apart, shortened, told_apart
from tests.gui.test_tensors import Letters

LAYER = [
    f"bert.encoder.layer.{layer}.{middle}LayerNorm.{last}"
    for layer in (0, 1, 10)
    for middle in ("attention.output.", "output.", "")
    for last in ("weight", "bias")
]
LONG = {
    "digits": "9" * 1500,
    "digits and marks": "9." * 750,
    "digits and slashes": "1/" * 10_000,
    "letters": "w" * 20_000,
    "almost numbered parts": "a1" * 10_000,
    "marks": "." * 20_000,
}


@pytest.mark.parametrize("room", range(22, 60, 3))
def test_names_of_one_layer_read_apart_at_every_width(room):
    shown = [shortened(name, Letters(), room, LAYER) for name in LAYER]
    assert len(set(shown)) == len(LAYER)
    assert all(len(text) <= room for text in shown)


def test_the_part_that_others_do_not_have_is_kept():
    one, other = "layer.0.attention.output.LayerNorm.weight", "layer.0.output.LayerNorm.weight"
    assert kin(one) == kin(other)
    assert shortened(one, Letters(), 24, [one, other]) == "…0.attention…weight"
    assert shortened(other, Letters(), 24, [one, other]) == "…0…tput.LayerNorm.weight"


@pytest.mark.parametrize("room", range(22, 120, 7))
def test_names_whose_numbers_have_no_room_read_apart(room):
    one = "model_1/{}/BiasAdd/ReadVariableOp;model_1/{}/BiasAdd/ReadVariableOp"
    layers = ("conv2d_5", "conv2d_3", "conv2d_2", "contours-reduced")
    names = [one.format(layer, layer) for layer in layers]
    assert len(set(map(kin, names))) == 4
    shown = [shortened(name, Letters(), room, (), lambda: names) for name in names]
    assert len(set(shown)) == 4
    assert all(len(text) <= room for text in shown)


def test_names_that_differ_in_letters_within_a_part_read_apart():
    names = [f"{'w' * 40}{letter}{'w' * 40}" for letter in "abc"]
    shown = [shortened(name, Letters(), 20, names) for name in names]
    assert len(set(shown)) == 3
    assert all(len(text) <= 20 for text in shown)


def test_what_is_left_out_of_the_middle_of_a_name_still_tells_names_apart():
    names = [f"{'9' * 700}{number}{'9' * 700}" for number in range(1000, 1100)]
    shown = {plain(name) for name in names}
    assert len(shown) == len(names)
    assert {len(text) for text in shown} == {NAME_LENGTH}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
def test_no_name_takes_long_to_be_shortened(qapp, name):
    metrics = QFontMetrics(QFont())
    started = time.process_time()
    for room in (40, 150, 300):
        shortened(plain(name), metrics, room, [plain(name + "x")])
    assert time.process_time() - started < 0.2


def test_labels_that_are_cut_to_the_same_text_begin_with_where_they_differ():
    names = [f"{'same beginning ' * 6}{end}" for end in ("one", "two")] + ["short"]
    cut = told_apart(names, lambda name: name if len(name) <= 30 else f"{name[:29]}…")
    assert len(set(cut)) == 3
    assert cut[2] == "short"
    assert all(len(text) <= 30 for text in cut)


SCHEMES = [
    f"int{bits} {mapping}{how}{axes}"
    for bits in (4, 8)
    for mapping in ("symmetric", "asymmetric")
    for how in ("", " mse", " percentile(99.9)")
    for axes in ("", " per-channel(0)", " per-group(32)")
]


@pytest.mark.parametrize("room", range(14, 48, 3))
def test_names_of_schemes_read_apart_at_every_width(room):
    def cut(name):
        half = (room - 1) // 2
        return name if len(name) <= room else f"{name[: room - 1 - half]}…{name[-half:]}"

    shown = schemes_apart(SCHEMES[:12], cut)
    assert all(len(text) <= room for text in shown)
    assert len(set(shown)) == 12
    pair = schemes_apart(
        ["int8 symmetric mse per-channel(0)", "int8 symmetric per-channel(0)"], cut
    )
    assert pair[0] != pair[1]
    assert "mse" in pair[0]


def test_a_list_of_tensors_with_names_of_any_length_is_painted_sorted_and_searched_at_once(
    window, qtbot, tmp_path, person
):
    from tests.engine.io.builders import safetensors

    names = [*LONG.values(), f"{LONG['letters']}x", *LAYER]
    path: Path = tmp_path / "names.safetensors"
    path.write_bytes(safetensors({n[:20_000]: np.ones(2, np.float32) for n in names}))
    started = time.process_time()
    window.open_paths([path])
    qtbot.waitUntil(lambda: len(window.session.sources[-1].tensors) >= len(names) - 1)
    window.places["tensors"].take_focus()
    tree = window.tensors.tree
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        tree.model().sort(0, order)
        window.tensors.grab()
    tree.model().ask("layernorm weight")
    assert tree.model().found == 9
    window.tensors.grab()
    assert time.process_time() - started < 3
