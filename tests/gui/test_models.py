"""Every item model under Qt's own tester, through every kind of change."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from quantoscope.engine import Scheme
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import source_of_array
from quantoscope.gui.models.results import SORT_ROLE, ResultsModel
from quantoscope.gui.models.schemes import SchemesModel
from quantoscope.gui.models.values import SortOrder, ValuesModel
from quantoscope.gui.workers.background import Background

THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
COLUMNS = "int8 symmetric per-channel(1)"
# A Qt warning fails the test, and tells what is wrong; Fatal would end the whole run.
REPORT = QAbstractItemModelTester.FailureReportingMode.Warning
ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.EditRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.BackgroundRole,
    Qt.ItemDataRole.ForegroundRole,
    Qt.ItemDataRole.FontRole,
    Qt.ItemDataRole.DecorationRole,
    Qt.ItemDataRole.CheckStateRole,
    Qt.ItemDataRole.TextAlignmentRole,
    Qt.ItemDataRole.UserRole,
)


@pytest.fixture
def session(qapp):
    background = Background()
    session = Session(background)
    session.start(np.array([0.5, -1, 2], np.float32), "", None, [Scheme.parse(t) for t in THREE])
    yield session
    background.shutdown()


def values(session):
    return ValuesModel(session, Settings(), LIGHT)


def schemes(session):
    return SchemesModel(session, LIGHT)


def results(session):
    return ResultsModel(session, Settings(), LIGHT)


def proxy(session):
    model = QSortFilterProxyModel()
    model.source = ResultsModel(session, Settings(), LIGHT)
    model.setSourceModel(model.source)
    model.setSortRole(SORT_ROLE)
    model.sort(1)
    return model


MODELS = (values, schemes, results, proxy)


def read_all(model):
    """Ask for everything that a view could ask for; numpy's own types would show nothing."""
    columns = 1 if isinstance(model, SchemesModel) else model.columnCount()
    for row in range(min(model.rowCount(), 300)):
        for column in range(columns):
            index = model.index(row, column)
            for role in ROLES:
                value = model.data(index, role)
                assert not isinstance(value, np.generic), (row, column, role)
            model.flags(index)
    for orientation in (Qt.Orientation.Horizontal, Qt.Orientation.Vertical):
        sections = model.rowCount() if orientation == Qt.Orientation.Vertical else columns
        for section in range(min(sections, 300)):
            for role in ROLES:
                assert not isinstance(model.headerData(section, orientation, role), np.generic)
    assert model.rowCount(model.index(0, 0)) == 0 or not model.index(0, 0).isValid()
    assert model.data(QModelIndex()) is None


def start(session, array, texts=None):
    parsed = None if texts is None else [Scheme.parse(text) for text in texts]
    session.start(np.asarray(array), "", None, parsed)


def change_one_after_the_other(session):
    """Every kind of change that a document can see; yields after each."""
    undo = session.undo_stack
    commands.edit_value(session, 1, 9.0)
    yield "edit"
    commands.edit_value(session, 0, np.nan)
    yield "nan"
    commands.splice(session, 1, 0, np.arange(600.0), "insert")
    yield "insert"
    session.view.choose(400)
    yield "choose"
    commands.remove_values(session, np.arange(0, 500, 2), "remove")
    yield "remove"
    commands.splice(session, 0, session.array.size, np.zeros(0), "remove all")
    yield "remove all"
    for number in range(5):
        undo.undo()
        yield f"undo {number}"
    for number in range(5):
        undo.redo()
        yield f"redo {number}"
    start(session, np.arange(5, dtype=np.float32))
    yield "another array"
    for entry in session.entries:
        session.activate(entry.uid)
        yield f"activate {entry.name}"
    commands.add_scheme(session, Scheme.parse("int4 symmetric manual(-1,1)"))
    yield "add"
    commands.duplicate_entry(session, session.entries[0].uid)
    yield "duplicate"
    commands.move_entry(session, session.entries[0].uid, 3)
    yield "move"
    uid = session.entries[1].uid
    commands.update_entry(session, uid, lambda e: replace(e, enabled=False, label="x"), "")
    yield "hide and rename"
    commands.set_scheme(session, uid, Scheme.parse("uint16 asymmetric"))
    yield "change"
    for entry in session.entries:
        commands.remove_entry(session, entry.uid)
        yield "remove a scheme"
    while undo.canUndo():
        undo.undo()
        yield "undo all"
    start(session, np.zeros(0, np.float32), ())
    yield "nothing"
    start(session, np.arange(24, dtype=np.float64).reshape(2, 3, 4), THREE)
    yield "three axes"
    commands.edit_value(session, 7, -50.0)
    yield "edit in three axes"
    start(session, np.zeros((2, 0, 3), np.float32))
    yield "an axis of length 0"
    start(session, np.full((3, 2), np.nan, np.float32))
    yield "all NaN"
    start(session, np.array([np.inf, -np.inf, 1], np.float32))
    yield "infinities"


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_model_keeps_qts_rules_through_every_change(session, make):
    model = make(session)
    tester = QAbstractItemModelTester(model, REPORT)
    read_all(model)
    for _ in change_one_after_the_other(session):
        read_all(model)
    assert tester.model() is model


def test_the_values_model_keeps_qts_rules_when_sorted_and_retyped(session):
    model = values(session)
    tester = QAbstractItemModelTester(model, REPORT)
    for column in range(model.columnCount()):
        for descending in (False, True):
            model.sort_by(column, SortOrder.DESCENDING if descending else SortOrder.ASCENDING)
            read_all(model)
            assert model.setData(model.index(0, 0), "0.125")
    model.sort_by(None)
    assert model.setData(model.index(model.rowCount() - 1, 0), "7")
    model.sort_by(0)
    commands.splice(session, 0, 1, np.zeros(3), "")
    read_all(model)
    model.restyle(DARK)
    assert tester.model() is model


def test_the_values_model_says_why_it_refuses_a_text(session):
    model = values(session)
    assert not model.setData(model.index(0, 0), "word")
    assert "'word' is not a number" in model.rejected
    assert not model.setData(model.index(0, 0), "1,500")
    assert "1500 or 1.5" in model.rejected
    assert not model.setData(model.index(0, 1), "1")
    assert not model.setData(model.index(model.rowCount() - 1, 0), "")
    assert model.rejected == ""
    assert not session.undo_stack.canUndo()


def test_only_what_a_person_may_change_is_editable(session):
    model = values(session)
    editable = [
        bool(model.flags(model.index(0, column)) & Qt.ItemFlag.ItemIsEditable)
        for column in range(model.columnCount())
    ]
    assert editable == [True] + [False] * (model.columnCount() - 1)


def test_appending_tells_of_new_rows_rather_than_of_a_new_model(session):
    model = values(session)
    resets, inserted = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.rowsInserted.connect(lambda *_: inserted.append(1))
    assert model.setData(model.index(3, 0), "7")
    assert (len(resets), len(inserted)) == (0, 1)
    assert session.view.chosen == 3


def test_channels_of_the_array_before_are_not_looked_for_in_another_one(session, qtbot):
    # More values than are followed within the event: what is known of the first array stays.
    session.start(np.ones((2000, 30), np.float32), "", None, [Scheme.parse(COLUMNS)])
    qtbot.waitUntil(lambda: not session.evaluator.stale)
    model = values(session)
    session.show(source_of_array("wider", np.ones((30, 2000), np.float32)).tensors[0])
    assert session.evaluator.stale
    assert [model.index(1999, column).data() for column in (0, 1)] == ["1", None]
    qtbot.waitUntil(lambda: not session.evaluator.stale)
    assert model.index(1999, 1).data() == "127"


def test_a_stage_that_the_scheme_before_has_not_is_not_looked_for_in_it(session, qtbot):
    session.start(np.ones(60_000, np.float32), "", None, [Scheme.parse("int8 symmetric")])
    qtbot.waitUntil(lambda: not session.evaluator.stale)
    model = values(session)
    commands.set_scheme(session, session.entries[0].uid, Scheme.parse("uint8 asymmetric"))
    session.device_changed.emit()
    assert session.evaluator.stale
    assert "shifted" in model.keys
    assert [model.index(0, column).data() for column in range(len(model.keys))][1:4] == [None] * 3
    qtbot.waitUntil(lambda: not session.evaluator.stale)
    assert model.index(0, model.keys.index("shifted")).data() == "255"


def test_no_model_asks_for_channels_that_an_array_has_no_more(session):
    session.start(np.ones((2, 3), np.float32), "", None, [Scheme.parse(COLUMNS)])
    model = values(session)
    read = []
    look = partial(_read_all, model, read, 1)
    for signal in (model.rowsAboutToBeInserted, model.rowsAboutToBeRemoved, model.rowsInserted):
        signal.connect(look)
    for shape in ((2, 5), (2, 2), (1, 7)):
        session.show(source_of_array("another", np.ones(shape, np.float32)).tensors[0])
    assert len(read) > 20


def test_a_sorted_table_knows_of_another_array_before_it_tells_of_any_change(session):
    session.start(np.ones((2, 3), np.float32), "", None, [Scheme.parse(COLUMNS)])
    model = values(session)
    model.sort_by(0)
    read = []
    model.dataChanged.connect(partial(_read_all, model, read, 0))
    session.show(source_of_array("longer", np.arange(8, dtype=np.float32).reshape(2, 4)).tensors[0])
    assert read[:8] == list("01234567")


def _read_all(model, read, column, *_):
    read += [model.index(row, column).data() for row in range(model.rowCount())]
