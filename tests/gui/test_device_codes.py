"""Codes from a device in the Compare pane: the file, the sentence, the table and the plot."""

import time

import numpy as np
import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication, QFileDialog

from quantoscope.engine import Scheme, cancellation, evaluate
from quantoscope.gui.document.snapshot import DeviceCodes
from tests.gui.plot_bench import noise

ARRAY = noise(24).reshape(4, 6)
SCHEME = "int8 asymmetric"


@pytest.fixture
def window(open_lean_window):
    window = open_lean_window(ARRAY, SCHEME, "int8 symmetric")
    window.places["compare"].reveal()
    QApplication.processEvents()
    return window


@pytest.fixture
def dump(tmp_path, monkeypatch):
    """Make a file of codes the one that the file dialog gives."""

    def make(codes, name="codes.bin"):
        path = tmp_path / name
        if name.endswith(".npy"):
            np.save(path, codes)
        else:
            codes.tofile(path)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))

    return make


def codes_of(array=ARRAY, scheme=SCHEME):
    return evaluate(array, scheme).codes


def says(window):
    return window.places["compare"].insight


def open_npy(window, person, dump, codes, name="codes.npy"):
    dump(codes, name)
    person.click(window.compare.codes_button)


def test_the_dialog_tells_live_whether_the_length_fits(window, person, dump, dialog):
    dump((codes_of().astype(np.int16) + 2).astype("<i2"))
    told = []

    def act(front):
        assert (front.dtype.currentText(), front.shape.text()) == ("int8", "4×6")
        told.append((front.verdict.text(), front.open_button.isEnabled()))
        front.shape.setFocus()
        front.shape.selectAll()
        person.type("4, x")
        told.append((front.verdict.text(), front.open_button.isEnabled()))
        front.shape.selectAll()
        person.type("4 6")
        person.choose(front.dtype, "int16")
        told.append((front.verdict.text(), front.open_button.isEnabled()))
        person.click(front.open_button)

    with dialog(act):
        person.click(window.compare.codes_button)
    assert told == [
        ("codes.bin holds 48 bytes; int8 of shape 4×6 takes 24.", False),
        ("codes.bin holds 48 bytes; int8 of shape 4 takes 4.", False),
        ("The length of the file fits.", True),
    ]
    assert window.compare.boxes[1].currentText() == "codes of codes.bin"
    assert says(window).startswith("24 of 24 codes differ (100 %), by up to 2 codes. Steps +2: 24.")
    cause = person.cell(window.compare.causes, 0, 0)
    assert cause == "All codes differ by +2: the device's zero point is 2 higher"


@pytest.mark.parametrize("big_endian", [False, True])
def test_the_dialog_reads_in_the_order_of_bytes_that_is_ticked(
    window, person, dump, dialog, big_endian
):
    codes = codes_of().astype(np.int16)
    dump(codes.astype(">i2" if big_endian else "<i2"))

    def act(front):
        person.choose(front.dtype, "int16")
        assert not front.big_endian.isChecked()
        if big_endian:
            front.big_endian.setFocus()
            person.press("Space")
        person.click(front.open_button)

    with dialog(act):
        person.click(window.compare.codes_button)
    assert window.session.device.codes.tolist() == codes.tolist()
    assert says(window).startswith("None of the 24 codes differs")


def test_a_pair_of_schemes_that_is_chosen_elsewhere_takes_the_place_of_the_device(
    window, person, dump
):
    open_npy(window, person, dump, np.zeros_like(codes_of()))
    assert "the device" in says(window)
    uids = [entry.uid for entry in window.session.entries]
    window.session.view.compare_pair((uids[1], uids[0]))
    names = [entry.name for entry in window.session.entries]
    assert [box.currentText() for box in window.compare.boxes] == [names[1], names[0]]
    assert "differ" in says(window)
    assert "the device" not in says(window)


def test_codes_and_reconstructed_values_that_differ_read_so_with_few_digits_too(open_lean_window):
    window = open_lean_window(ARRAY, "int16 asymmetric")
    window.places["compare"].reveal()
    window.settings.digits = 3
    codes = codes_of(scheme="int16 asymmetric")
    at = int(np.argmax(codes)) - 1
    codes.reshape(-1)[at] -= 1
    window.session.view.choose(at)
    window.session.take_device(DeviceCodes("codes.npy", codes))
    QApplication.processEvents()
    rows = window.compare.example.toPlainText()
    shown = [line.strip() for line in rows.split("\n") if line.strip()]
    rows = {symbol: shown[shown.index(symbol) + 1 :][:3] for symbol in ("Q", "R′", "error")}
    code = int(codes.reshape(-1)[at])
    assert rows["Q"] == [str(code + 1), str(code), "≠"]
    assert rows["R′"][2] == rows["error"][2] == "≠"
    assert float(rows["R′"][0]) > float(rows["R′"][1])


def test_a_row_chooses_its_example_and_next_goes_on(window, person, dump):
    codes = codes_of().astype(np.int32)
    codes[1, 2] += 5
    codes[3, 4] -= 9
    open_npy(window, person, dump, codes)
    assert says(window).startswith("2 of 24 codes differ")
    person.click_cell(window.compare.causes, 0)
    assert window.session.view.chosen == 3 * 6 + 4
    text = window.compare.example.toPlainText()
    assert f"Q = {codes[3, 4] + 9}" in text
    assert f"Q = {codes[3, 4]}" in text
    person.click(window.compare.next_button)
    assert window.session.view.chosen == 1 * 6 + 2
    plot = window.session.view.comparison
    assert np.flatnonzero(plot.difference().reshape(-1)).tolist() == [8, 22]


def test_the_difference_plot_shows_the_codes_of_the_device(window, person, dump):
    window.places["difference"].show()
    window.places["difference"].reveal()
    QApplication.processEvents()
    codes = codes_of().astype(np.int32)
    codes[0, 1] += 7
    open_npy(window, person, dump, codes)
    QApplication.processEvents()
    plot = window.plots["difference"].plot
    line = plot.describe(plot.data)
    assert line.startswith(f"{SCHEME} and codes of codes.npy: 1 of 24 values differ")
    assert plot.y_range(plot.data, 0, 23) == (-7.0, 7.0)
    assert f"Q {codes[0, 1]}" in plot.readout(plot.data, 1, 0)


def test_an_edit_is_compared_anew_and_another_array_drops_the_codes(window, person, dump):
    open_npy(window, person, dump, codes_of())
    assert says(window).startswith("None of the 24 codes differs")
    person.click_cell(window.values.table, 3)
    person.type("0")
    person.press("Return")
    assert says(window).startswith("1 of 24 codes differ")
    window.session.start(np.zeros(3, np.float32), "other")
    assert window.session.device is None
    assert window.compare.boxes[1].findText("codes of codes.npy") < 0
    # The second box has a scheme again.
    assert says(window) == "None of the 3 reconstructed values differs."


def test_a_long_array_is_compared_off_the_gui_thread(open_lean_window, person, dump, qtbot):
    array = noise(60_000)
    window = open_lean_window(array, SCHEME)
    window.places["compare"].reveal()
    QApplication.processEvents()
    open_npy(window, person, dump, codes_of(array).astype(np.int16) + 1)
    assert window.session.evaluator.stale
    assert says(window) == "Computing…"
    qtbot.waitUntil(lambda: not window.session.evaluator.stale)
    assert says(window).startswith("60,000 of 60,000 codes differ")


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (np.zeros(5, np.int8), "The file holds 5 codes where the array has 24 values."),
        (np.zeros(24, np.float32), "codes.npy holds float32 values; codes are integers."),
    ],
)
def test_what_cannot_be_compared_is_said_in_the_pane(window, person, dump, codes, sentence):
    open_npy(window, person, dump, codes)
    assert says(window) == sentence


def test_another_first_scheme_is_compared_with_the_same_codes(window, person, dump):
    open_npy(window, person, dump, codes_of(scheme="int8 symmetric"))
    assert not says(window).startswith("None")
    person.choose(window.compare.boxes[0], "int8 symmetric")
    assert says(window).startswith("None of the 24 codes differs")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int8])
def test_codes_of_every_type_are_sorted_by_their_size(window, person, dtype):
    codes = np.arange(24).astype(dtype) * dtype(5)
    window.session.take_device(DeviceCodes("codes.npy", codes.reshape(4, 6)))
    table = window.values.table
    for clicks in (1, 2):
        person.click_head(table, person.column(table, "device Q"))
        shown = [int(code) for code in person.rows(table, "device Q")]
        assert shown == sorted(codes.tolist(), reverse=clicks == 2)


def test_what_the_codes_are_called_can_be_translated(qapp):
    class German(QTranslator):
        def translate(self, context, text, disambiguation=None, n=-1):
            return "Codes aus %1" if text == "codes of %1" else ""

    german = German()
    codes = DeviceCodes("dump.npy", np.zeros(3, np.int8))
    qapp.installTranslator(german)
    try:
        assert codes.entry(Scheme.parse(SCHEME)).name == "Codes aus dump.npy"
    finally:
        qapp.removeTranslator(german)
    assert codes.entry(Scheme.parse(SCHEME)).name == "codes of dump.npy"


def test_a_read_of_codes_that_takes_long_is_given_up(
    window, person, dump, dialog, button, monkeypatch
):
    def forever(path, **told):
        while True:
            time.sleep(0.01)
            cancellation.check()

    monkeypatch.setattr("quantoscope.gui.dialogs.codes_dump.read_codes", forever)
    dump(codes_of(), "codes.npy")
    with dialog(button("Cancel")):
        person.click(window.compare.codes_button)
    assert window.session.device is None
