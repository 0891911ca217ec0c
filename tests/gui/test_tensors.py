"""The Tensors pane: finding and showing tensors of open files; edits stay with their tensor."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, QPoint, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QImage, QTextDocument
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from quantoscope.engine import io
from quantoscope.engine.analysis.glance import glance
from quantoscope.gui.common.short_names import shortened
from quantoscope.gui.document import commands
from quantoscope.gui.document.tensors import source_of_array
from quantoscope.gui.export.choices import proposed_name
from quantoscope.gui.export.kinds import FIGURE
from quantoscope.gui.models.tensors import (
    GLANCE,
    HIGH,
    HISTOGRAM,
    LOW,
    NAME,
    SHAPE,
    SIZE,
    TYPE,
    bytes_text,
)
from tests.engine.io import builders

LAYERS = [f"layers.{i}.{part}" for i in range(12) for part in ("attn.q", "attn.k", "mlp", "norm")]


@pytest.fixture
def settle(qtbot):
    def wait(window):
        qtbot.waitUntil(
            lambda: (
                not any(map(window.background.running, ("file", "tensor")))
                and not window.session.evaluator.stale
            ),
            timeout=30_000,
        )
        QApplication.processEvents()

    return wait


@pytest.fixture
def model_file(tmp_path):
    random = np.random.default_rng(5)
    path = tmp_path / "model.npz"
    np.savez(path, **{name: random.normal(size=(8, 4)).astype(np.float16) for name in LAYERS})
    return path


@pytest.fixture
def opened(window, model_file, settle):
    window.open_paths([model_file])
    settle(window)
    return window


def visible(tree, column=0):
    """The texts of a column, from top to bottom, as far as rows are unfolded."""
    index, texts = tree.model().index(0, 0), []
    while index.isValid():
        texts.append(index.siblingAtColumn(column).data())
        index = tree.indexBelow(index)
    return texts


@pytest.fixture
def slow_load(monkeypatch):
    """Let reading values wait until it is told to go on."""
    go_on, load = threading.Event(), io.load

    def slowly(path, name=None, **more):
        go_on.wait(10)
        return load(path, name, **more)

    monkeypatch.setattr(io, "load", slowly)
    yield go_on
    go_on.set()


def test_files_opened_while_others_are_read_wait_for_their_turn(
    window, tmp_path, qtbot, settle, slow_load, model_file
):
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", np.full(2, number, np.float32))
    window.open_paths([tmp_path / "0.npy"])
    window.open_paths([tmp_path / "1.npy", tmp_path / "2.npy"])
    window.open_paths([model_file])
    slow_load.set()
    qtbot.waitUntil(lambda: len(window.session.sources) == 4)
    settle(window)
    titles = [source.title for source in window.session.sources]
    assert titles == ["0.npy", "1.npy", "2.npy", "model.npz"]


def test_what_waits_for_its_turn_is_given_up_with_the_window(window, tmp_path, slow_load):
    for number in range(2):
        np.save(tmp_path / f"{number}.npy", np.full(2, number, np.float32))
        window.open_paths([tmp_path / f"{number}.npy"])
    slow_load.set()
    window.close()
    QApplication.processEvents()
    assert not window.background.running("file")


def test_choosing_a_tensor_does_not_stop_a_file_from_being_read(
    opened, tmp_path, qtbot, settle, slow_load
):
    np.save(tmp_path / "0.npy", np.zeros(2, np.float32))
    opened.open_paths([tmp_path / "0.npy"])
    opened.files.show_tensor(opened.session.sources[-1].tensors[3])
    slow_load.set()
    settle(opened)
    assert [source.title for source in opened.session.sources] == ["model.npz", "0.npy"]


def test_the_tensor_that_was_chosen_last_stays(opened, settle, slow_load):
    slow = opened.session.sources[-1].tensors[0]
    source = source_of_array("quick", np.ones(3, np.float32))
    opened.session.add(source)
    opened.files.show_tensor(slow)
    opened.files.show_tensor(source.tensors[0])
    slow_load.set()
    settle(opened)
    opened.background.shutdown()
    QApplication.processEvents()
    assert opened.session.current is source.tensors[0]
    assert not slow.loaded


def test_a_tensor_whose_file_was_closed_meanwhile_does_not_come_up(opened, settle, slow_load):
    source = opened.session.sources[-1]
    opened.files.show_tensor(source.tensors[3])
    commands.remove_source(opened.session, source)
    shown = opened.session.title
    slow_load.set()
    settle(opened)
    assert opened.session.title == shown


def test_what_was_read_while_a_file_is_written_comes_up_after_that(
    opened, settle, slow_load, monkeypatch, tmp_path, model_file
):
    save, came_up = io.save, threading.Event()
    one = np.ones(3, np.float32)
    source = source_of_array("one", one)
    opened.session.add(source)
    opened.session.show(source.tensors[0])
    wanted = opened.session.sources[0].tensors[0]
    opened.files.show_tensor(wanted)
    opened.session.array_reset.connect(came_up.set)

    def slowly(path, array, *more):
        slow_load.set()
        came_up.wait(0.3)
        save(path, array, *more)

    monkeypatch.setattr(io, "save", slowly)
    assert opened.files.write_values(tmp_path / "one.npy")
    assert not came_up.is_set()
    settle(opened)
    assert opened.session.current is wanted
    assert (wanted.path, source.tensors[0].path) == (model_file, tmp_path / "one.npy")


def test_a_window_does_not_close_while_a_file_is_written(opened, monkeypatch, tmp_path, qtbot):
    monkeypatch.setattr("quantoscope.gui.workers.modal_wait.SHOWN_AFTER", 10)
    began, go_on, save, asked = threading.Event(), threading.Event(), io.save, []

    def slowly(path, array, *more):
        began.set()
        go_on.wait(10)
        save(path, array, *more)

    def close():
        assert began.wait(10)
        asked.append(opened.close())
        go_on.set()

    monkeypatch.setattr(io, "save", slowly)
    QTimer.singleShot(30, close)
    assert opened.files.write_values(tmp_path / "one.npy")
    assert asked == [False]


def test_the_tree_lists_every_tensor_with_type_shape_and_size(opened):
    tree = opened.tensors.tree
    names = [text for text in visible(tree) if text.startswith("layers")]
    assert [name.removesuffix(" ◂") for name in names] == LAYERS
    assert set(visible(tree, TYPE)[1:]) >= {"float16"}
    assert "8×4" in visible(tree, SHAPE)
    assert "48 arrays, 1 file" in opened.places["tensors"].insight


def test_how_much_a_file_holds_stands_beside_its_name_and_is_not_cut(opened):
    source = opened.session.sources[-1]
    first, *_ = source.tensors
    source.tensors = [first] * 12_345
    opened.session.sources_changed.emit()
    assert "model.npz (12,345)" in visible(opened.tensors.tree)
    assert "12,345 arrays, 1 file" in opened.places["tensors"].insight


def test_ends_of_whole_numbers_are_exact_as_far_as_they_are_short(
    open_lean_window, qtbot, tmp_path
):
    np.savez(tmp_path / "ints.npz", a=np.array([-1, 44_100]), b=np.array([44_100.5, -1]))
    window = open_lean_window(np.zeros(3), "int8 symmetric")
    window.open_paths([tmp_path / "ints.npz"])
    tree = window.tensors.tree
    qtbot.waitUntil(lambda: visible(tree, HIGH)[-2:] == ["44100", "4.41e4"])


def test_ends_and_histogram_are_filled_in_while_the_pane_is_seen(opened, qtbot, model_file):
    tree = opened.tensors.tree
    opened.tensors.select(opened.session.sources[-1])
    with np.load(model_file) as arrays:
        low = float(arrays[LAYERS[0]].min())
    row = visible(tree).index(LAYERS[0])
    qtbot.waitUntil(lambda: visible(tree, LOW)[row] not in ("…", ""))
    assert float(visible(tree, LOW)[row]) == pytest.approx(low, rel=1e-3)
    index = tree.currentIndex().siblingAtColumn(HISTOGRAM)
    assert index.data(GLANCE).counts.sum() == 32
    before = tree.grab(tree.visualRect(index)).toImage()
    blank = QImage(before.size(), before.format())
    blank.fill(before.pixelColor(0, 0))
    assert before != blank


def test_how_far_a_list_is_scrolled_does_not_delay_what_is_looked_at(opened):
    rest = opened.tensors.findChild(QTimer, options=Qt.FindChildOption.FindDirectChildrenOnly)
    before = rest.interval()
    opened.tensors.tree.verticalScrollBar().valueChanged.emit(40_000)
    assert rest.isActive() and rest.interval() == before < 1000


def test_behind_another_tab_nothing_is_looked_at_until_the_pane_is_seen(opened, qtbot):
    begun = []
    opened.background.started.connect(begun.append)
    opened.places["values"].reveal()
    qtbot.waitUntil(lambda: opened.values.table.isVisible())
    qtbot.waitUntil(lambda: not opened.background.running("glance"))
    begun.clear()
    commands.edit_value(opened.session, 0, 12.5)
    qtbot.wait(200)
    assert "glance" not in begun
    opened.places["tensors"].reveal()
    qtbot.waitUntil(lambda: "glance" in begun)


def test_every_word_of_the_filter_has_to_be_in_the_name_and_enter_shows_the_first(
    opened, person, settle
):
    pane = opened.tensors
    pane.filter.setFocus()
    person.type("1 ATTN q")
    assert visible(pane.tree)[1:] == ["layers.1.attn.q", "layers.10.attn.q", "layers.11.attn.q"]
    assert "3 found" in opened.places["tensors"].insight
    person.press("Return")
    settle(opened)
    assert opened.windowTitle().startswith("model.npz ▸ layers.1.attn.q")
    assert "float16" in opened.message.text
    pane.filter.setFocus()
    person.press("Down", "Return")
    settle(opened)
    assert opened.windowTitle().startswith("model.npz ▸ layers.10.attn.q")
    pane.filter.setFocus()
    person.press("Esc")
    assert len(visible(pane.tree)) == 1 + len(LAYERS)


def test_typing_in_the_tree_goes_on_in_the_filter(opened, person):
    tree = opened.tensors.tree
    tree.setFocus()
    person.type("7.m")
    assert opened.tensors.filter.text() == "7.m"
    assert tree.currentIndex().data() == "layers.7.mlp ◂"


def test_undo_in_the_filter_brings_back_the_closed_file(opened, person):
    opened.tensors.filter.setFocus()
    person.type("mlp")
    person.press("Esc")
    file = next(source for source in opened.session.sources if source.container)
    opened.tensors.select(file)
    opened.tensors.remove()
    assert file not in opened.session.sources
    opened.tensors.filter.setFocus()
    person.press("Ctrl+Z")
    assert file in opened.session.sources


class Letters:
    """Measures texts of letters that are all one wide."""

    @staticmethod
    def horizontalAdvance(text):
        return len(text)

    @staticmethod
    def elidedText(text, mode, room):
        assert mode == Qt.TextElideMode.ElideLeft
        return text if len(text) <= room else "…" + text[len(text) - room + 1 :]


LONG = [
    *(f"model.layers.{i}.{part}.weight" for i in range(20)
      for part in ("self_attn.q_proj", "mlp.down_proj", "input_layernorm")),
    "vision_tower.encoder.blocks.0.patch_embedding.projection.weight",
]  # fmt: skip


@pytest.mark.parametrize("size", [(1400, 840), (1440, 900), (1600, 1000)])
def test_all_columns_are_seen_beside_long_names(new_window, tmp_path, settle, qtbot, size):
    window = new_window(size)
    values = 0.01 * np.random.default_rng(1).normal(size=(64, 32, 3, 3)).astype(np.float32)
    np.savez(tmp_path / "model-00001-of-00002.npz", **dict.fromkeys(LONG, values))
    window.open_paths([tmp_path / "model-00001-of-00002.npz"])
    settle(window)
    tree = window.tensors.tree
    assert tree.header().length() <= tree.viewport().width()
    assert not tree.isColumnHidden(SHAPE)
    window.frame.across.setSizes([700, size[0] - 960, 256])
    qtbot.waitUntil(lambda: tree.currentIndex().siblingAtColumn(HIGH).data() not in ("", "…"))
    assert tree.verticalScrollBar().isVisible()
    assert tree.header().length() <= tree.viewport().width()
    metrics = QFontMetrics(tree.font())
    for column in (TYPE, SHAPE, LOW, HIGH, SIZE):
        for text in visible(tree, column):
            assert metrics.horizontalAdvance(text) + 6 <= tree.columnWidth(column)
    room = tree.columnWidth(NAME) - 2 * tree.indentation() - 6
    shown = [shortened(name, metrics, room) for name in LONG]
    assert len(set(shown)) == len(LONG)


def test_names_have_all_they_need_where_the_other_columns_are_scrolled_to(
    new_window, model_file, settle, tmp_path
):
    window = new_window((1000, 700))
    window.open_paths([model_file])
    settle(window)
    tree = window.tensors.tree
    font = tree.font()
    font.setBold(True)
    longest = max(QFontMetrics(font).horizontalAdvance(f"{name} * ◂") for name in LAYERS)
    assert tree.columnWidth(NAME) >= longest + 2 * tree.indentation()
    np.savez(tmp_path / "long.npz", **dict.fromkeys(LONG, np.ones(4, np.float32)))
    window.open_paths([tmp_path / "long.npz"])
    settle(window)
    assert tree.columnWidth(NAME) <= tree.viewport().width(), "a name that is too long is cut"


@pytest.mark.parametrize(
    ("name", "room", "shown"),
    [
        ("layers.11.q_proj.weight", 23, "layers.11.q_proj.weight"),
        ("layers.11.q_proj.weight", 22, "…11.q_proj.weight"),
        ("layers.11.q_proj.weight", 16, "…11…_proj.weight"),
        ("layers.11.q_proj.weight", 11, "…11…weight"),
        ("net.layer3.0.conv1.weight", 24, "…layer3.0.conv1.weight"),
        ("net.layer3.0.conv1.weight", 18, "…layer3…0…1.weight"),
        ("model_weights/block1/conv/kernel", 20, "…block1/conv/kernel"),
        ("without_any_number.weight", 12, "…mber.weight"),
    ],
)
def test_a_name_that_is_too_long_keeps_its_numbers_and_its_end(name, room, shown):
    assert shortened(name, Letters(), room) == shown


def test_a_width_given_to_the_names_by_hand_stays_when_the_pane_is_resized(opened, qtbot):
    head, tree = opened.tensors.tree.header(), opened.tensors.tree
    before = tree.columnWidth(NAME)
    edge = QPoint(head.sectionViewportPosition(NAME) + before - 1, head.height() // 2)
    qtbot.mousePress(head.viewport(), Qt.MouseButton.LeftButton, pos=edge)
    qtbot.mouseMove(head.viewport(), edge - QPoint(90, 0))
    qtbot.mouseRelease(head.viewport(), Qt.MouseButton.LeftButton, pos=edge - QPoint(90, 0))
    chosen = tree.columnWidth(NAME)
    assert chosen == before - 90
    sizes = opened.frame.across.sizes()
    opened.frame.across.setSizes([sizes[0] + 120, sizes[1] - 120, sizes[2]])
    assert tree.columnWidth(NAME) == chosen


def test_a_name_that_looks_like_html_is_shown_as_it_is_in_tips(window, tmp_path, settle):
    name = "<img src='beside.png'> & <b>bold</b>"
    np.savez(tmp_path / "odd.npz", **{name: np.ones(3), "other": np.ones(3)})
    window.open_paths([tmp_path / "odd.npz"])
    settle(window)
    index = window.tensors.tree.currentIndex()
    assert index.data() == name
    tip = QTextDocument()
    tip.setHtml(index.data(Qt.ItemDataRole.ToolTipRole))
    assert tip.toPlainText().splitlines()[0] == name
    assert "beside.png" in tip.toHtml()
    assert "<img" not in tip.toHtml()


def test_the_numbers_of_the_tensor_shown_fit_in_bold(opened, settle, person, qtbot):
    tree = opened.tensors.tree
    font = tree.font()
    font.setBold(True)
    opened.tensors.asked.emit(opened.session.sources[-1].tensors[0])
    settle(opened)
    person.edit_cell(opened.values.table, 0, "-0.00001234")
    opened.places["tensors"].take_focus()
    opened.frame.across.setSizes([700, 400, 256])
    qtbot.waitUntil(lambda: tree.currentIndex().siblingAtColumn(LOW).data() != "…")
    row = [tree.currentIndex().siblingAtColumn(column) for column in (TYPE, SHAPE, LOW, HIGH, SIZE)]
    for index in row:
        needs = QFontMetrics(font).horizontalAdvance(index.data()) + 6
        assert needs <= tree.columnWidth(index.column())


def test_sorted_by_name_layer_10_comes_after_layer_9(opened, qtbot):
    tree = opened.tensors.tree
    head = tree.header()
    at = QPoint(head.sectionViewportPosition(NAME) + 20, head.height() // 2)
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=at)
    names = [text.removesuffix(" ◂") for text in visible(tree) if "mlp" in text]
    assert names == [f"layers.{number}.mlp" for number in range(12)]


def test_the_rows_of_the_tensors_shown_before_and_now_are_drawn_anew(opened, settle):
    first, second = opened.session.sources[-1].tensors[:2]
    opened.files.show_tensor(first)
    settle(opened)
    model, told = opened.tensors.tree.model(), []
    model.dataChanged.connect(lambda start, end: told.append(model.tensor(start)))
    opened.files.show_tensor(second)
    settle(opened)
    assert first in told
    assert second in told


def test_a_double_click_shows_a_tensor(opened, qtbot, settle):
    tree = opened.tensors.tree
    row = tree.currentIndex().siblingAtRow(5)
    at = tree.visualRect(row).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=at)
    settle(opened)
    assert opened.windowTitle().startswith(f"model.npz ▸ {LAYERS[5]}")
    marked = [text for text in visible(tree) if text.endswith("◂")]
    assert marked == [f"{LAYERS[5]} ◂"]


def test_edits_stay_with_their_tensor(opened, person, settle):
    first, second = opened.session.sources[-1].tensors[:2]
    for tensor in (first, second):
        opened.files.show_tensor(tensor)
        settle(opened)
    person.edit_cell(opened.values.table, 0, "9")
    opened.files.show_tensor(first)
    settle(opened)
    assert opened.session.array.max() < 9
    opened.files.show_tensor(second)
    settle(opened)
    assert opened.session.array.reshape(-1)[0] == 9
    assert any(text.startswith(f"{LAYERS[1]} *") for text in visible(opened.tensors.tree))


def test_undo_goes_to_the_tensor_that_was_edited(opened, person, settle):
    first, second = opened.session.sources[-1].tensors[:2]
    for tensor, number in ((first, "3"), (second, "4")):
        opened.files.show_tensor(tensor)
        settle(opened)
        person.edit_cell(opened.values.table, 1, number)
    person.press("Ctrl+Z", "Ctrl+Z")
    settle(opened)
    assert opened.session.current is first
    assert opened.session.array.reshape(-1)[1] != 3
    person.press("Ctrl+Y", "Ctrl+Y")
    assert opened.session.current is second
    assert opened.session.array.reshape(-1)[1] == 4


def test_undo_of_a_whole_array_that_was_pasted_leaves_the_others_alone(opened, person, settle):
    first, second = opened.session.sources[-1].tensors[:2]
    for tensor in (second, first):
        opened.files.show_tensor(tensor)
        settle(opened)
    before = [first.array, second.array]
    person.copy_text("[[1, 2, 3], [4, 5, 6]]")
    opened.values.select_all()
    opened.values.paste()
    assert first.array.shape == (2, 3)
    opened.files.show_tensor(second)
    settle(opened)
    person.press("Ctrl+Z")
    assert opened.session.current is first
    assert [first.array.tolist(), second.array.tolist()] == [a.tolist() for a in before]
    opened.files.show_tensor(second)
    person.press("Ctrl+Y")
    assert first.array.shape == (2, 3)
    assert second.array.tolist() == before[1].tolist()


def test_a_file_is_closed_and_undo_brings_it_back_with_its_edits(opened, person, settle):
    opened.files.show_tensor(opened.session.sources[-1].tensors[0])
    settle(opened)
    person.edit_cell(opened.values.table, 0, "5")
    opened.tensors.tree.setFocus()
    opened.actions_["remove_source"].trigger()
    assert opened.session.array.size == 0
    person.press("Ctrl+Z")
    assert opened.session.array.reshape(-1)[0] == 5
    assert opened.windowTitle().startswith("model.npz")


def test_undoing_that_keeps_what_was_opened_since(opened, person, settle, tmp_path):
    opened.files.show_tensor(opened.session.sources[-1].tensors[0])
    settle(opened)
    opened.tensors.tree.setFocus()
    opened.actions_["remove_source"].trigger()
    np.save(tmp_path / "since.npy", np.ones(3, np.float32))
    opened.open_paths([tmp_path / "since.npy"])
    settle(opened)
    person.edit_cell(opened.values.table, 0, "8")
    person.press("Ctrl+Z", "Ctrl+Z")
    assert [source.title for source in opened.session.sources] == ["model.npz", "since.npy"]
    assert opened.windowTitle().startswith("model.npz")
    person.press("Ctrl+Y")
    assert [source.title for source in opened.session.sources] == ["since.npy"]


def test_a_file_that_is_opened_again_keeps_the_edits(opened, person, settle, model_file):
    opened.files.show_tensor(opened.session.sources[-1].tensors[0])
    settle(opened)
    person.edit_cell(opened.values.table, 0, "5")
    opened.open_paths([model_file])
    settle(opened)
    assert [s.title for s in opened.session.sources] == ["model.npz"]
    assert opened.session.array.reshape(-1)[0] == 5
    assert len(opened.session.sources[0].tensors) == len(LAYERS)


def closed_and_opened_again(opened, model_file, settle):
    """The file closed with an edit in its first tensor, and opened anew."""
    first = opened.session.sources[-1].tensors[0]
    opened.files.show_tensor(first)
    settle(opened)
    commands.edit_value(opened.session, 0, 5.0)
    commands.remove_source(opened.session, opened.session.sources[0])
    opened.open_paths([model_file])
    settle(opened)
    return first


def test_a_file_that_is_closed_and_opened_again_is_there_once_when_that_is_undone(
    opened, model_file, settle
):
    first = closed_and_opened_again(opened, model_file, settle)
    session = opened.session
    session.undo_stack.undo()
    assert [source.path for source in session.sources].count(model_file) == 1
    assert session.current is first
    assert (first.path, first.array.flat[0]) == (None, 5)
    session.undo_stack.redo()
    assert [source.path for source in session.sources if source.path] == [model_file]
    assert session.source_of(first) is None


def test_what_was_edited_before_a_file_was_opened_again_lies_in_the_session(
    opened, new_window, model_file, settle, tmp_path
):
    first = closed_and_opened_again(opened, model_file, settle)
    opened.session.undo_stack.undo()
    opened.files.show_tensor(opened.session.source_at(model_file).tensors[0])
    settle(opened)
    assert opened.whole.write(tmp_path / "both.qscope")
    other = new_window()
    other.open_paths([tmp_path / "both.qscope"])
    settle(other)
    values = [t.array.flat[0] for t in other.session.tensors if t.shape == first.shape]
    before = [t.array.flat[0] for t in opened.session.tensors if t.loaded]
    assert sorted(values) == sorted(before)
    assert {5, opened.session.array.flat[0]} <= set(before)


def test_a_file_can_be_closed_again_after_it_was_read_anew(opened, person, model_file, settle):
    commands.remove_source(opened.session, opened.session.sources[-1])
    opened.session.undo_stack.undo()
    opened.open_paths([model_file])
    settle(opened)
    opened.session.undo_stack.redo()
    assert [source.path for source in opened.session.sources] == [None]


def test_a_file_that_is_named_twice_is_opened_once(window, model_file, settle):
    window.open_paths([model_file.with_name(f"{model_file.name}::{name}") for name in LAYERS[:2]])
    settle(window)
    assert [source.path for source in window.session.sources].count(model_file) == 1
    assert window.session.current.name == LAYERS[0]


def test_an_open_file_that_is_written_over_is_no_longer_that_file(
    window, new_window, settle, tmp_path
):
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.full(3, ord(name), np.float32))
    window.open_paths([tmp_path / "a.npy", tmp_path / "b.npy"])
    settle(window)
    window.files.show_tensor(window.session.source_at(tmp_path / "b.npy").tensors[0])
    settle(window)
    window.files.show_tensor(window.session.source_at(tmp_path / "a.npy").tensors[0])
    assert window.files.write_values(tmp_path / "b.npy")
    assert [source.path for source in window.session.sources] == [tmp_path / "b.npy", None]
    assert window.isWindowModified()
    assert window.whole.write(tmp_path / "both.qscope")
    other = new_window()
    other.open_paths([tmp_path / "both.qscope"])
    settle(other)
    assert [t.array.tolist() for t in other.session.tensors] == [[97] * 3, [98] * 3]


def test_what_is_shown_again_after_a_file_was_closed_stays_in_memory(
    new_window, settle, monkeypatch, tmp_path
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", np.full(2000, ord(name), np.float32))
    window = new_window()
    session = window.session
    window.open_paths([tmp_path / f"{name}.npy" for name in "abc"])
    settle(window)
    a, b, c = (source.tensors[0] for source in session.sources)
    commands.remove_source(session, session.sources[2])
    session.undo_stack.undo()
    for tensor in (b, a):
        window.files.show_tensor(tensor)
        settle(window)
    window.files.show_tensor(b)
    settle(window)
    session.undo_stack.redo()
    window.files.show_tensor(a)
    settle(window)
    session.undo_stack.undo()
    assert session.current is b
    assert session.array.tolist() == [98] * 2000


def test_a_new_array_joins_the_document(window, dialog, person):
    person.edit_cell(window.values.table, 0, "0.5")

    def make(box):
        box.accept()

    with dialog(make):
        person.press("Ctrl+N")
    assert len(window.session.sources) == 2
    assert [t.startswith("Three numbers") for t in visible(window.tensors.tree)] == [True, False]


def test_long_arrays_that_nobody_edited_leave_the_memory(new_window, settle, monkeypatch, tmp_path):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, np.zeros(2000, np.float32))
    window = new_window()
    window.open_paths([tmp_path / "a.npy", tmp_path / "b.npy"])
    settle(window)
    a, b = (source.tensors[0] for source in window.session.sources)
    window.files.show_tensor(b)
    settle(window)
    assert not a.loaded
    assert b.loaded
    window.files.show_tensor(a)
    settle(window)
    assert window.session.array.size == 2000


def letters(tree):
    return "".join(text for text in visible(tree) if len(text) == 1)


def test_what_is_not_known_yet_stands_at_the_end_whichever_way_is_sorted(window, settle, tmp_path):
    """And takes its place as soon as it is known, without a word."""
    path = tmp_path / "ends.npz"
    arrays = {name: np.full(2, end) for name, end in zip("bcad", (1, np.nan, 0, 5), strict=True)}
    np.savez(path, **arrays)
    window.open_paths([path])
    settle(window)
    tree = window.tensors.tree
    tensors = {tensor.label: tensor for tensor in window.session.sources[-1].tensors}
    for tensor in tensors.values():
        tensor.seen = None
    for name in "abc":
        tensors[name].seen = (tensors[name].version, glance(arrays[name]))
    orders = {Qt.SortOrder.AscendingOrder: "abcd", Qt.SortOrder.DescendingOrder: "bacd"}
    for order, names in orders.items():
        tree.sortByColumn(LOW, order)
        assert letters(tree) == names
    tree.setCurrentIndex(window.tensors.model.index_of(tensors["b"]))
    tensors["d"].seen = (tensors["d"].version, glance(arrays["d"]))
    window.tensors.model.refresh(tensors["d"])
    assert letters(tree) == "dbac"
    assert tree.currentIndex().data() == "b"


def test_the_model_keeps_the_rules_of_item_models(opened, settle):
    model, mode = opened.tensors.model, QAbstractItemModelTester.FailureReportingMode.Warning
    assert isinstance(model, QAbstractItemModel)
    tester = QAbstractItemModelTester(model, mode)
    opened.files.show_tensor(opened.session.sources[-1].tensors[3])
    settle(opened)
    for column in (SHAPE, LOW, NAME, -1):
        opened.tensors.tree.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    for words in ("norm", "nothing", ""):
        opened.tensors.filter.setText(words)
    opened.actions_["remove_source"].trigger()
    opened.session.undo_stack.undo()
    tester.deleteLater()


def test_sizes_are_told_in_units_that_people_know():
    assert [bytes_text(n) for n in (0, 12, 999, 1200, 4.2e6, 3.1e9, 7.7e12)] == [
        "0 B", "12 B", "999 B", "1.2 kB", "4.2 MB", "3.1 GB", "7,700 GB",
    ]  # fmt: skip


@pytest.mark.parametrize("file", ["net.npz", f"checkpoint_{'of_a_large_model' * 4}.npz"])
def test_files_proposed_for_two_tensors_are_two(window, tmp_path, settle, file):
    path = tmp_path / file
    np.savez(path, **{"fc.weight": np.ones(3), "fc.bias": np.ones(3)})
    window.open_paths([path])
    settle(window)
    names = []
    for tensor in window.session.sources[-1].tensors:
        window.tensors.asked.emit(tensor)
        settle(window)
        names.append(proposed_name(window.session, FIGURE, ("signal",)))
    assert [name.split("-")[-2] for name in names] == ["fc.weight", "fc.bias"]


@pytest.fixture
def mixed(window, tmp_path, settle):
    """A file of two arrays, and of two that cannot be loaded."""
    path = tmp_path / "mixed.npz"
    flags, records = np.array([True, False]), np.zeros(3, [("a", "f4")])
    numbers = np.linspace(-1, 1, 6, dtype=np.float32)
    np.savez(path, flags=flags, first=numbers, records=records, second=2 * numbers)
    window.open_paths([path])
    settle(window)
    return window


def index_named(tree, name):
    model = tree.model()
    for top in range(model.rowCount()):
        for row in range(model.rowCount(model.index(top, 0))):
            index = model.index(row, 0, model.index(top, 0))
            if index.data().startswith(name):
                return index
    raise AssertionError(name)


def test_what_cannot_be_loaded_is_grey_and_says_why(mixed, settle):
    tree = mixed.tensors.tree
    flags, first = index_named(tree, "flags"), index_named(tree, "first")
    grey = flags.data(Qt.ItemDataRole.ForegroundRole)
    palette = tree.palette()
    assert grey.color() == palette.color(palette.ColorGroup.Disabled, palette.ColorRole.Text)
    assert first.data(Qt.ItemDataRole.ForegroundRole) is None
    assert flags.siblingAtColumn(HISTOGRAM).data() == ""
    assert flags.siblingAtColumn(SHAPE).data() == "2"
    assert flags.siblingAtColumn(LOW).data() == "not loaded"
    reason = "it holds true/false values; quantization needs real numbers."
    assert f"Not loaded: {reason}" in flags.data(Qt.ItemDataRole.ToolTipRole)
    before = mixed.session.current
    tree.setCurrentIndex(flags)
    tree.activated.emit(flags)
    settle(mixed)
    assert mixed.session.current is before
    assert mixed.message.text == f"flags is not loaded: {reason}"
    tree.activated.emit(first)
    settle(mixed)
    assert mixed.session.current.label == "first"


def test_a_file_with_what_cannot_be_loaded_opens_at_what_can(mixed):
    assert mixed.tensors.tree.currentIndex().data().startswith("first")
    assert "holds 2 tensors" in mixed.message.text
    assert "Of 2 more, which are grey" in mixed.message.text
    assert "2 not loaded" in mixed.places["tensors"].insight


def test_the_only_array_that_can_be_loaded_is_shown_at_once(window, tmp_path, settle):
    path = tmp_path / "one.npz"
    np.savez(path, flags=np.array([True, False]), weight=np.ones(3, np.float32))
    window.open_paths([path])
    settle(window)
    assert window.session.current.label == "weight"
    assert window.session.current.array.tolist() == [1, 1, 1]
    window.open_paths([Path(f"{path}::flags")])
    settle(window)
    assert "holds true/false values" in window.message.text
    assert window.session.current.label == "weight"


def test_a_name_that_was_made_up_shows_the_node_that_takes_it_and_is_found_by_it(
    window, tmp_path, settle
):
    weight = builders.field(9, np.ones(2, np.float32).tobytes())
    tensors = [builders.onnx_tensor(f"onnx::MatMul_{i}", 1, (2,), weight) for i in (470, 471)]
    nodes = [
        builders.field(1, f"onnx::MatMul_{i}".encode()) + builders.field(3, name)
        for i, name in ((470, b"/enc/q_proj/MatMul"), (471, b"/enc/<b>k</b>/MatMul"))
    ]
    path = tmp_path / "model.onnx"
    path.write_bytes(builders.onnx_model(*tensors, nodes=nodes))
    window.open_paths([path])
    settle(window)
    tree = window.tensors.tree
    index = index_named(tree, "onnx::MatMul_470")
    assert index.data() == "onnx::MatMul_470 → /enc/q_proj/MatMul"
    assert "Input of the node /enc/q_proj/MatMul" in index.data(Qt.ItemDataRole.ToolTipRole)
    window.tensors.filter.setText("q_proj")
    assert [name.partition(" ")[0] for name in visible(tree)[1:]] == ["onnx::MatMul_470"]
