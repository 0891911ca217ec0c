"""Arrays of two axes: pasted, made, and shown along other axes, in undoable steps."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Role, evaluate, io
from quantoscope.gui.document import axes
from quantoscope.gui.document.tensors import OWN_AXES

MATRIX = (np.random.default_rng(3).standard_normal((6, 64)) * 3).astype(np.float32)


def names(window):
    return [str(entry.scheme) for entry in window.session.entries]


def role_of(window):
    return window.session.current.role


def scale(window):
    return window.session.evaluator.active_evaluation.qparams.scale


class Painted(QObject):
    """Notes what is painted."""

    def __init__(self):
        super().__init__()
        self.regions = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.regions.append(event.region())
        return False


@pytest.fixture
def settle(qtbot):
    """Wait until files are read and schemes applied."""

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
def told(window):
    said = []
    window.session.told.connect(said.append)
    return said


def test_transposed_is_one_step_and_everything_follows(open_window, person):
    window = open_window(MATRIX, "int8 symmetric per-channel(0)", "int4 symmetric per-group(32)",
                         "int8 asymmetric per-channel(out)", "int8 symmetric")  # fmt: skip
    session = window.session
    session.view.choose(70)  # row 1, column 6
    before = scale(window)
    window.menus.view_as.transpose.trigger()
    assert session.array.shape == (64, 6)
    np.testing.assert_array_equal(session.array, MATRIX.T)
    assert names(window) == ["int8 symmetric per-channel(1)", "int4 symmetric per-group(32,0)",
                             "int8 asymmetric per-channel(out)", "int8 symmetric"]  # fmt: skip
    assert role_of(window) == Role((1,), (0,))
    assert "out 1, in 0" in window.statusBar().summary.text()
    assert window.schemes.form.granularity.axes.currentText() == "axis 1"
    assert "out 1, in 0" in window.schemes.form.granularity.axes.toolTip()
    assert session.view.chosen == 6 * 6 + 1
    np.testing.assert_array_equal(scale(window), before)
    person.press("Ctrl+Z")
    np.testing.assert_array_equal(session.array, MATRIX)
    assert names(window)[0] == "int8 symmetric per-channel(0)"
    assert role_of(window) is None
    assert session.view.chosen == 70
    assert not session.modified
    person.press("Ctrl+Y")
    assert session.array.shape == (64, 6)
    window.menus.view_as.transpose.trigger()
    assert names(window)[:2] == ["int8 symmetric per-channel(0)", "int4 symmetric per-group(32)"]
    assert session.current.axes == OWN_AXES
    assert role_of(window) is None


def test_a_reshape_keeps_channels_or_says_that_it_cannot(open_window, dialog):
    window = open_window(MATRIX.reshape(6, 4, 4, 4), "int8 symmetric per-channel(0)",
                         "int4 symmetric per-group(32,1..)",
                         "int8 symmetric per-channel(1)")  # fmt: skip
    said = []
    window.session.told.connect(said.append)

    def flat(box):
        box.field.setText("6x65")
        assert not box.buttons.buttons()[0].isEnabled()
        assert "does not make 384 values" in box.note.text()
        box.field.setText("6x-1")
        assert box.note.text() == "384 values as 6×64"
        box.accept()

    with dialog(flat):
        window.menus.view_as.reshape.trigger()
    assert window.session.array.shape == (6, 64)
    assert names(window) == ["int8 symmetric per-channel(0)", "int4 symmetric per-group(32)",
                             "int8 symmetric per-channel(1)"]  # fmt: skip
    assert "int8 symmetric per-channel(1): no axes of this shape" in said[-1]
    window.session.undo_stack.undo()
    assert window.session.array.shape == (6, 4, 4, 4)
    assert names(window)[1] == "int4 symmetric per-group(32,1..)"


def test_another_shape_paints_the_positions_again_without_a_look_at_every_row(open_window):
    window = open_window(np.zeros((300, 400), np.float32), "int8 symmetric")
    rows = []
    window.values.model.headerDataChanged.connect(lambda _, first, last: rows.append(last - first))
    painted = Painted()
    viewport = window.values.table.verticalHeader().viewport()
    viewport.installEventFilter(painted)
    axes.reshape(window.session, (4, 30_000))
    QApplication.processEvents()
    viewport.removeEventFilter(painted)
    assert window.values.model.headerData(399, Qt.Orientation.Vertical) == "[0, 399]"
    assert any(region.contains(viewport.rect().center()) for region in painted.regions)
    assert sum(rows) < 1000


def test_an_axis_is_moved_by_its_dialog(open_window, dialog):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    window = open_window(array, "int8 symmetric per-channel(2)")

    def move(box):
        box.axis.setCurrentIndex(2)
        box.place.setCurrentIndex(0)
        assert box.note.text() == "2×3×4 becomes 4×2×3"
        box.accept()

    with dialog(move):
        window.menus.view_as.move_axis.trigger()
    np.testing.assert_array_equal(window.session.array, np.moveaxis(array, 2, 0))
    assert names(window) == ["int8 symmetric per-channel(0)"]
    assert role_of(window) == Role((1,), (2, 0))


def test_the_dialogs_open_in_their_first_field(open_window, dialog, person):
    window = open_window(np.zeros((2, 3, 4), np.float32), "int8 symmetric")

    def flat(box):
        person.qtbot.waitUntil(lambda: box.focusWidget() is not None)
        person.type("6x4")
        assert box.note.text() == "24 values as 6×4"
        person.press("Return")

    with dialog(flat):
        window.menus.view_as.reshape.trigger()
    assert window.session.array.shape == (6, 4)
    window.session.undo_stack.undo()

    def move(box):
        person.qtbot.waitUntil(lambda: box.focusWidget() is not None)
        person.press("Home", "Tab", "Down")
        assert box.note.text() == "2×3×4 becomes 3×2×4"
        person.press("Return")

    with dialog(move):
        window.menus.view_as.move_axis.trigger()
    assert window.session.array.shape == (3, 2, 4)


def test_the_menu_offers_what_the_array_allows(window, open_window):
    menu = window.menus.view_as
    assert not menu.transpose.isEnabled()
    assert menu.reshape.isEnabled()
    assert not menu.own.isEnabled()
    axes.reshape(window.session, (3, 1))
    assert menu.transpose.isEnabled()
    assert menu.own.isEnabled()
    menu.own.trigger()
    assert window.session.array.shape == (3,)


def test_saving_values_keeps_the_axes_of_the_file(new_window, settle, tmp_path):
    path = tmp_path / "w.npy"
    np.save(path, MATRIX)
    window = new_window()
    window.open_paths([path])
    settle(window)
    window.menus.view_as.transpose.trigger()
    window.session.view.choose(1)
    from quantoscope.gui.document import commands

    commands.edit_value(window.session, 1, 7.0)
    settle(window)
    assert window.files.write_values(path)
    wanted = MATRIX.copy()
    wanted[1, 0] = 7
    np.testing.assert_array_equal(np.load(path), wanted)
    assert not window.session.modified
    np.testing.assert_array_equal(window.session.array, wanted.T)


def test_a_session_brings_the_axes_back(open_window, new_window, settle, tmp_path):
    window = open_window(MATRIX, "int4 symmetric per-group(32,in)")
    window.menus.view_as.transpose.trigger()
    path = tmp_path / "s.qscope"
    assert window.whole.write(path)
    other = new_window()
    other.open_paths([path])
    settle(other)
    np.testing.assert_array_equal(other.session.array, MATRIX.T)
    assert role_of(other) == Role((1,), (0,))
    expected = evaluate(MATRIX, "int4 symmetric per-group(32)").qparams.scale
    np.testing.assert_array_equal(scale(other), expected)
    other.menus.view_as.own.trigger()
    np.testing.assert_array_equal(other.session.array, MATRIX)


def test_an_onnx_weight_comes_with_its_role(new_window, settle, tmp_path, person):
    onnx = pytest.importorskip("onnx")
    helper, value = onnx.helper, onnx.helper.make_tensor_value_info("x", 1, None)
    weight = onnx.numpy_helper.from_array(np.ascontiguousarray(MATRIX.T), "W")
    node = helper.make_node("MatMul", ["x", "W"], ["y"])
    model = helper.make_model(helper.make_graph([node], "g", [value], [value], [weight]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    window = new_window()
    window.open_paths([tmp_path / "m.onnx"])
    settle(window)
    assert role_of(window) == Role((1,), (0,), "MatMul") == io.role_of(tmp_path / "m.onnx")
    row = window.schemes.form.granularity
    person.choose(row.kind, "per-group")
    settle(window)
    assert str(window.session.active.scheme).endswith("per-group(32,in)")
    assert row.axes.currentText() == "in: axis 0"
    assert "out 1, in 0 (MatMul)" in row.axes.toolTip()
    text = str(window.session.active.scheme)
    np.testing.assert_array_equal(scale(window), evaluate(MATRIX, text).qparams.scale)


# Pasted and made


def paste(window, text):
    QGuiApplication.clipboard().setText(text)
    window.values.paste()


def test_a_block_pasted_into_an_empty_array_has_two_axes(window, told, settle):
    window.session.start(np.zeros(0, np.float32), "empty")
    settle(window)
    paste(window, "1\t2\t3\n4\t5\t6\n")
    np.testing.assert_array_equal(window.session.array, [[1, 2, 3], [4, 5, 6]])
    assert told[-1] == "A block of 2×3 cells makes an array of two axes."
    window.session.undo_stack.undo()
    assert window.session.array.size == 0


@pytest.mark.parametrize("text", ["1\t2\t3\n", "1\n2\n3\n"])
def test_a_single_row_or_column_has_one_axis(window, settle, text):
    window.session.start(np.zeros(0, np.float32), "empty")
    settle(window)
    paste(window, text)
    assert window.session.array.shape == (3,)


def test_a_block_over_all_values_replaces_them(window, told, settle):
    window.values.table.selectAll()
    paste(window, "1\t2\n4\t5\n")
    np.testing.assert_array_equal(window.session.array, [[1, 2], [4, 5]])
    window.session.undo_stack.undo()
    assert window.session.array.shape == (3,)


def test_a_block_within_a_list_is_told_to_be_row_by_row(window, told):
    window.values.table.select_rows(1, 1)
    paste(window, "1\t2\n4\t5\n")
    assert window.session.array.tolist()[1:] == [1, 2, 4, 5]
    assert "row by row" in told[-1]


def test_a_new_array_takes_a_shape(window, dialog, person):
    def make(box):
        box.shape.setText("12x")
        assert not box.buttons.buttons()[0].isEnabled()
        box.shape.setText("99999x99999")
        assert box.note.text() == "An array made here has from 1 to 10,000,000 values."
        box.shape.setText("12×40")
        assert box.note.text() == "float32, 2 axes, values: 480"
        assert box.title().startswith("12×40, Normal")
        box.accept()

    with dialog(make):
        person.press("Ctrl+N")
    assert window.session.array.shape == (12, 40)
