"""Fields for a number read what cells read, in every locale; of two readings they take none."""

import numpy as np
import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyleOptionFrame,
    QVBoxLayout,
)

from quantoscope.gui.common.number_fields import ElidedField, NumberField, WholeField, all_taken
from quantoscope.gui.dialogs.new_array import NewArrayDialog
from quantoscope.gui.export.dialog import ExportDialog
from quantoscope.gui.panes.form_fields import numbers_in

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.fixture(params=["C", "de_DE"])
def locale(request):
    """The person's locale."""
    QLocale.setDefault(QLocale.c() if request.param == "C" else QLocale(request.param))
    yield request.param
    QLocale.setDefault(QLocale.c())


class Fields(QDialog):
    """A width, a count, and a button that takes them."""

    def __init__(self):
        super().__init__()
        self.width_ = NumberField(self)
        self.width_.setRange(10, 2000)
        self.width_.setDecimals(1)
        self.width_.setSuffix(" mm")
        self.count = WholeField(self)
        self.count.setRange(1, 10_000_000)
        self.count.setGroupSeparatorShown(True)
        self.count.setPrefix("n: ")
        self.button = QPushButton("Go", self)
        self.taken = 0
        self.button.clicked.connect(self.take)
        layout = QVBoxLayout(self)
        for widget in (self.width_, self.count, self.button):
            layout.addWidget(widget)
        self.width_.setValue(100)
        self.count.setValue(1000)
        self.resize(300, 300)

    def take(self):
        self.taken += all_taken(self)

    def note(self):
        """The sentence over the fields, if one is seen."""
        return "".join(x.text() for x in self.findChildren(QLabel, "fieldNote") if x.isVisible())


@pytest.fixture
def fields(qtbot, qapp, locale):
    dialog = Fields()
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: qapp.activeWindow() is dialog)
    return dialog


def type_over(person, field, text):
    field.setFocus()
    field.selectAll()
    person.type(text)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("100.5", 100.5),
        ("100,5", 100.5),
        ("1.0055e2", None),
        ("1e2", 100),
        ("1 000.5", 1000.5),
        ("1.000,5", 1000.5),
        ("1,000.5", 1000.5),
        ("1'000,5", 1000.5),
        ("100.5".translate(FULL_WIDTH), 100.5),
        ("1005".translate(ARABIC), 1005),
        ("1,500", None),
        ("5", None),
        ("2001", None),
        ("100.55", None),
        ("abc", None),
        ("", None),
    ],
)
def test_a_field_reads_a_number_as_cells_do_in_every_locale(fields, person, typed, number):
    type_over(person, fields.width_, typed)
    if not typed:
        person.press("Backspace")
    person.press("Tab")
    assert fields.width_.value() == (100 if number is None else number)
    assert bool(fields.note()) == (number is None)
    if number is not None:
        assert fields.width_.text() == f"{number:.1f} mm"


def test_what_can_mean_two_numbers_stays_and_says_which(fields, person):
    type_over(person, fields.width_, "1,500")
    person.press("Tab")
    assert fields.note() == "1,500 can mean 1500 or 1.5: type one of these."
    assert fields.width_.text().startswith("1,500")
    assert fields.width_.value() == 100
    person.click(fields.button)
    assert fields.taken == 0
    assert fields.focusWidget() is fields.width_
    type_over(person, fields.width_, "1500")
    assert not fields.note()
    person.click(fields.button)
    assert (fields.taken, fields.width_.value()) == (1, 1500)


def test_enter_in_a_wrong_text_says_why_and_does_not_go_on(fields, person):
    type_over(person, fields.width_, "1,500")
    person.press("Return")
    assert "can mean" in fields.note()
    assert fields.isVisible()
    assert fields.taken == 0


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("2000", 2000),
        ("2 000", 2000),
        ("2'000", 2000),
        ("2e3", 2000),
        ("2000,0", 2000),
        ("2000".translate(FULL_WIDTH), 2000),
        ("2,000", None),
        ("2.5", None),
        ("0", None),
    ],
)
def test_a_field_for_whole_numbers_too(fields, person, typed, number):
    type_over(person, fields.count, typed)
    person.press("Tab")
    assert fields.count.value() == (1000 if number is None else number)
    assert bool(fields.note()) == (number is None)


def test_a_large_count_can_be_changed_digit_by_digit(fields, person):
    fields.count.setFocus()
    assert fields.count.text() == "n: 1\N{NARROW NO-BREAK SPACE}000"
    person.press("End", "Backspace")
    person.type("05")
    person.press("Tab")
    assert fields.count.value() == 10005
    assert not fields.note()


def test_a_step_goes_on_from_the_number_that_counts(fields, person):
    type_over(person, fields.width_, "100,5")
    person.press("Up")
    assert fields.width_.value() == 101.5


# Where they are


def test_a_wrong_text_after_a_step_goes_back_to_that_step(fields, person):
    fields.count.setFocus()
    person.press("Up", "Up")
    type_over(person, fields.count, "7x")
    person.press("Return")
    assert fields.count.value() == 1002


def test_every_field_for_a_number_in_the_program_is_one_of_these(open_lean_window, qtbot):
    window = open_lean_window(np.zeros((2, 3, 4)), "int8 symmetric per-channel(0)")
    window.places["image"].reveal()
    session, background = window.session, window.background
    dialogs = [
        NewArrayDialog(window),
        ExportDialog(session, window.settings, window.theme, background, ["signal"], "", window),
    ]
    found = [box for part in (window, *dialogs) for box in part.findChildren(QAbstractSpinBox)]
    assert len(found) >= 7
    assert {type(box) for box in found} <= {NumberField, WholeField}
    for dialog in dialogs:
        dialog.close()
        dialog.deleteLater()


def test_export_in_a_comma_locale_takes_100_5_for_what_it_is(window, person, dialog, locale):
    seen = []

    def look(export):
        width = export.form.sizes.width
        type_over(person, width, "100.5")
        person.press("Tab")
        seen.append(width.value())
        type_over(person, width, "100,5")
        person.press("Tab")
        seen.append(width.value())
        type_over(person, width, "1,500")
        export.write.click()
        seen.append(export.isVisible())
        export.reject()

    with dialog(look):
        window.actions_["export"].trigger()
    assert seen == [100.5, 100.5, True]


def test_new_array_asks_again_for_a_count_of_two_meanings(window, person, dialog):
    before = window.session.array

    def look(new):
        type_over(person, new.shape, "1,500")
        person.press("Return")
        assert new.isVisible()
        assert new.note.text() == "1,500 can mean 1500 or 1x500: type one of these."
        new.accept()
        assert new.isVisible()
        new.reject()

    with dialog(look):
        window.actions_["new"].trigger()
    assert window.session.array is before


@pytest.mark.parametrize(
    ("text", "most", "numbers"),
    [
        ("99.9", 1, (99.9,)),
        ("99,9", 1, (99.9,)),
        ("９９,９", 1, (99.9,)),
        ("99,999", 1, None),
        ("", 1, ()),
        ("2048, 128", 2, (2048, 128)),
        ("2048 128", 2, (2048, 128)),
    ],
)
def test_numbers_of_a_calibration_are_read_alike(text, most, numbers):
    assert numbers_in(text, most) == numbers


def test_a_percentile_may_have_a_decimal_comma(open_lean_window, person):
    window = open_lean_window(np.arange(100), "int8 symmetric percentile(99)")
    numbers = window.schemes.form.numbers
    type_over(person, numbers, "99,5")
    assert str(window.session.active.scheme) == "int8 symmetric percentile(99.5)"
    type_over(person, numbers, "99,999")
    assert str(window.session.active.scheme) == "int8 symmetric percentile(99.99)"
    said = [x.text() for x in window.schemes.findChildren(QLabel) if x.isVisible()]
    assert "99,999 can mean 99999 or 99.999: type one of these." in said


# Digits that do not fit


def painted(field):
    return field.grab().toImage()


@pytest.mark.parametrize("width", range(40, 80, 3))
def test_digits_that_do_not_fit_are_shown_to_go_on(qtbot, qapp, width):
    field, plain = ElidedField("0.21535"), QLineEdit()
    for widget in (field, plain):
        qtbot.addWidget(widget)
        widget.resize(width, 24)
        widget.show()
    room = width - (field.width() - inside(field))
    shown = field.fontMetrics().elidedText("0.21535", Qt.TextElideMode.ElideRight, room)
    plain.setText(shown)
    plain.setCursorPosition(0)
    for widget in (field, plain):
        widget.clearFocus()
    QApplication.processEvents()
    assert field.text() == "0.21535"
    assert painted(field) == painted(plain)
    if width < 50:
        assert shown.endswith("…")


def inside(field):
    """How wide the text of a field may be."""
    option = QStyleOptionFrame()
    field.initStyleOption(option)
    contents = QStyle.SubElement.SE_LineEditContents
    return field.style().subElementRect(contents, option, field).width() - 4


def test_whoever_types_sees_the_text_itself(qtbot, qapp):
    field = ElidedField("0.21535")
    qtbot.addWidget(field)
    field.resize(48, 24)
    field.show()
    field.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    before = painted(field)
    field.clearFocus()
    assert painted(field) != before


def test_fields_of_numbers_are_such_fields(window):
    form = window.schemes.form
    fields = [form.low, form.high, form.numbers, form.granularity.number.lineEdit()]
    assert all(isinstance(field, ElidedField) for field in fields)
