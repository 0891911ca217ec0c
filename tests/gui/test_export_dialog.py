"""The export dialog as a person uses it."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
)

from quantoscope.engine import Scheme
from quantoscope.engine.examples import example
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.document.session import Session
from quantoscope.gui.export.dialog import ExportDialog, copy_figure
from quantoscope.gui.export.spec import Look
from quantoscope.gui.plots import PLOT, PLOTS
from quantoscope.gui.workers.background import Background

KEYS = tuple(kind.key for kind in PLOTS)
THREE = [Scheme.parse(f"int8 {m}") for m in ("scale-only", "symmetric", "asymmetric")]
BIG = np.random.RandomState(0).randn(200_000).astype(np.float32)


@pytest.fixture
def workplace(qapp):
    """A session on the three numbers, and its background."""
    background = Background()
    session = Session(background)
    session.start(example("three-numbers").make(), "Three numbers", None, THREE)
    yield session
    background.shutdown()


@pytest.fixture
def settings(tmp_path):
    settings = Settings()
    settings.remember("export/folder", str(tmp_path))
    return settings


@pytest.fixture
def open_dialog(workplace, settings, qtbot):
    """A way to open the dialog."""
    opened = []

    def make(start="", keys=("signal", "error"), theme=LIGHT, looks=None):
        background = workplace.background
        box = ExportDialog(workplace, settings, theme, background, keys, start, None, looks)
        qtbot.addWidget(box)
        opened.append(box)
        box.written = []
        box.exported.connect(box.written.append)
        box.show()
        qtbot.waitUntil(lambda: shown(box), timeout=5000)
        return box

    yield make
    opened.clear()


def shown(box):
    """Whether the preview has caught up."""
    texts = box.preview.sentence.text() + box.preview.text.toPlainText()
    return bool(texts) or box.preview.picture.figure is not None


def press(qtbot, box):
    qtbot.mouseClick(box.write, Qt.MouseButton.LeftButton)


def choose(box, text):
    place = next(i for i in range(box.count()) if text in box.itemText(i))
    box.setCurrentIndex(place)


def test_all_means_the_visible_plots_and_a_key_means_that_one(open_dialog):
    assert open_dialog("").form.keys == ("signal", "error")
    assert open_dialog("codes").form.keys == ("codes",)
    assert open_dialog("table").form.kind == "table"
    assert open_dialog("results").form.kind == "results"


def test_a_report_has_every_plot_until_some_are_chosen_by_hand(open_dialog, qtbot):
    form = open_dialog("signal").form
    choose(form.what, "Report")
    assert form.keys == tuple(form.plots)
    choose(form.what, "Figure")
    assert form.keys == ("signal",)
    qtbot.mouseClick(form.plots["codes"], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    choose(form.what, "Report")
    assert form.keys == ("signal", "codes")


@pytest.mark.parametrize("start", [*KEYS, ""])
@pytest.mark.parametrize("kind", ["PNG", "SVG", "PDF"])
def test_a_figure_is_written_where_the_dialog_proposes(open_dialog, qtbot, tmp_path, start, kind):
    box = open_dialog(start)
    choose(box.form.format, kind)
    press(qtbot, box)
    part = "plots" if start == "" else start
    path = tmp_path / f"Three-numbers-{part}.{kind.lower()}"
    assert box.written == [str(path)]
    assert path.stat().st_size > 1000
    assert box.isHidden()


@pytest.mark.parametrize("start", ["table", "results"])
@pytest.mark.parametrize("kind", ["CSV", "NumPy"])
def test_table_and_results_are_written(open_dialog, qtbot, tmp_path, start, kind):
    box = open_dialog(start)
    choose(box.form.format, kind)
    press(qtbot, box)
    qtbot.waitUntil(box.isHidden, timeout=10_000)
    ending = "csv" if kind == "CSV" else "npz"
    assert box.written == [str(tmp_path / f"Three-numbers-{start}.{ending}")]
    assert Path(box.written[0]).stat().st_size > 200


def test_the_size_in_mm_and_dpi_gives_the_pixels_that_are_shown(open_dialog, qtbot):
    box = open_dialog("signal")
    choose(box.form.format, "PNG")
    box.form.sizes.width.setValue(85)
    box.form.sizes.height.setValue(60)
    box.form.sizes.dpi.setValue(300)
    assert "1004 × 709" in box.form.sizes.extent.text()
    press(qtbot, box)
    image = QImage(box.written[0])
    assert (image.width(), image.height()) == (1004, 709)


def test_a_change_of_unit_keeps_the_size(open_dialog):
    box = open_dialog("signal")
    choose(box.form.format, "PNG")
    before = box.form.spec().pixels()
    choose(box.form.sizes.unit, "px")
    assert (box.form.sizes.width.value(), box.form.sizes.height.value()) == before
    choose(box.form.sizes.unit, "mm")
    assert box.form.spec().pixels() == pytest.approx(before, abs=1)


def test_an_image_with_fewer_dpi_than_chosen_is_said_to_have_them(open_dialog, workplace, qtbot):
    values = np.random.default_rng(0).normal(size=(1200, 2000)).astype(np.float32)
    workplace.start(values, "x", None, THREE[:1])
    box = open_dialog("image")
    choose(box.form.format, "PDF")
    box.form.sizes.dpi.setValue(600)
    qtbot.waitUntil(box.note.isVisible, timeout=5000)
    assert "dpi, not 600" in box.note.text()
    choose(box.form.format, "PNG")
    qtbot.waitUntil(lambda: not box.note.isVisible(), timeout=5000)


def test_dpi_and_sizes_show_for_figures_alone(open_dialog):
    box = open_dialog("signal")
    for form in ("PNG", "SVG", "PDF"):
        choose(box.form.format, form)
        assert box.form.sizes.dpi.isVisible()
    choose(box.form.what, "Table")
    assert not box.form.sizes.width.isVisible()
    assert not box.form.sizes.dpi.isVisible()
    assert not box.form.look.isVisible()
    assert box.form.format.isVisible()


def test_choices_are_remembered_for_figures_of_as_many_plots(open_dialog, qtbot):
    box = open_dialog("signal")
    choose(box.form.format, "SVG")
    choose(box.form.look, "Dark")
    box.form.sizes.width.setValue(85)
    box.form.sizes.height.setValue(60)
    press(qtbot, box)
    again = open_dialog("error").form
    assert again.endings == (".svg",)
    assert again.spec().theme is DARK
    assert (again.sizes.width.value(), again.sizes.height.value()) == (85, 60)
    again.plots["signal"].setChecked(True)
    assert again.sizes.width.value() == 180


def test_cancel_remembers_nothing(open_dialog):
    box = open_dialog("signal")
    box.form.sizes.width.setValue(99)
    box.reject()
    assert open_dialog("signal").form.sizes.width.value() == 120


def test_the_preview_follows_every_choice(open_dialog, qtbot):
    box = open_dialog("signal")

    def picture():
        return box.preview.picture.grab().toImage()

    steps = (
        lambda: box.form.plots["codes"].setChecked(True),
        lambda: choose(box.form.look, "Dark"),
        lambda: box.form.sizes.width.setValue(100),
        lambda: box.form.mark.setChecked(True),
    )
    for change in steps:
        before = picture()
        change()
        qtbot.waitUntil(lambda before=before: picture() != before, timeout=5000)


def test_the_preview_of_a_table_is_its_first_lines(open_dialog):
    text = open_dialog("table").preview.text.toPlainText()
    assert text.startswith("index,R,int8 scale-only: R/S")
    assert "1.2962357" in text
    assert "sqnr" in open_dialog("results").preview.text.toPlainText()


def test_the_preview_follows_the_values(open_dialog, workplace, qtbot):
    box = open_dialog("table")
    workplace.start(np.full(2, 77, np.float32), "new", None, THREE)
    qtbot.waitUntil(lambda: "77.0" in box.preview.text.toPlainText(), timeout=5000)


def test_too_small_a_figure_and_no_plot_are_said_in_the_dialog(open_dialog, qtbot, tmp_path):
    box = open_dialog("")
    box.form.sizes.width.setValue(20)
    qtbot.waitUntil(lambda: "do not fit" in box.preview.sentence.text(), timeout=5000)
    assert not box.write.isEnabled()
    for plot in box.form.plots.values():
        plot.setChecked(False)
    qtbot.waitUntil(lambda: "at least one" in box.preview.sentence.text(), timeout=5000)
    assert not box.write.isEnabled()
    press(qtbot, box)
    assert box.isVisible()
    assert not list(tmp_path.iterdir())
    box.form.plots["error"].setChecked(True)
    box.form.sizes.width.setValue(120)
    qtbot.waitUntil(box.write.isEnabled, timeout=5000)


def test_a_failing_write_keeps_the_dialog_open(open_dialog, qtbot, tmp_path):
    for start in ("signal", "table", "results"):
        box = open_dialog(start)
        box.row.edit.setFocus()
        box.row.edit.selectAll()
        qtbot.keyClicks(box.row.edit, str(tmp_path / "missing" / "x"))
        press(qtbot, box)
        qtbot.waitUntil(box.problem.isVisible, timeout=5000)
        assert "folder does not exist" in box.problem.text()
        assert box.isVisible() and box.write.isEnabled()
        assert box.written == []


def test_a_file_that_exists_is_replaced_after_a_second_press_only(open_dialog, qtbot, tmp_path):
    path = tmp_path / "Three-numbers-signal.png"
    path.write_bytes(b"old")
    box = open_dialog("signal")
    press(qtbot, box)
    assert path.read_bytes() == b"old"
    assert "already exists" in box.problem.text()
    assert box.write.text() == "&Replace"
    box.form.mark.setChecked(True)
    assert box.write.text() == "E&xport"
    press(qtbot, box)
    press(qtbot, box)
    assert box.written == [str(path)]
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_a_file_chosen_by_browsing_is_not_asked_for_twice(
    open_dialog, qtbot, tmp_path, monkeypatch
):
    path = tmp_path / "chosen.svg"
    path.write_bytes(b"old")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), "x"))
    box = open_dialog("signal")
    qtbot.mouseClick(box.row.browse, Qt.MouseButton.LeftButton)
    assert box.form.endings == (".svg",)
    press(qtbot, box)
    assert box.written == [str(path)]
    ElementTree.parse(path)


def test_browsing_takes_the_format_of_the_filter_and_may_be_cancelled(
    open_dialog, qtbot, tmp_path, monkeypatch
):
    answers = [("", ""), (str(tmp_path / "plain"), "PDF page (*.pdf)")]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: answers.pop(0))
    box = open_dialog("signal")
    before = box.row.edit.text()
    qtbot.mouseClick(box.row.browse, Qt.MouseButton.LeftButton)
    assert box.row.edit.text() == before
    qtbot.mouseClick(box.row.browse, Qt.MouseButton.LeftButton)
    assert box.row.edit.text() == str(tmp_path / "plain.pdf")


def test_a_typed_ending_chooses_the_format_and_a_format_changes_the_ending(open_dialog, qtbot):
    box = open_dialog("signal")
    box.row.edit.clear()
    qtbot.keyClicks(box.row.edit, "figure.v2.pdf")
    assert box.form.endings == (".pdf",)
    choose(box.form.format, "SVG")
    assert box.row.edit.text() == "figure.v2.svg"
    box.row.edit.clear()
    qtbot.keyClicks(box.row.edit, " ")
    press(qtbot, box)
    assert "name" in box.problem.text()


def test_a_long_table_shows_progress_and_can_be_cancelled(open_dialog, workplace, qtbot, tmp_path):
    workplace.start(BIG, "big", None, THREE)
    qtbot.waitUntil(lambda: not workplace.evaluator.stale, timeout=30_000)
    box = open_dialog("table")
    press(qtbot, box)
    assert box.progress.isVisible()
    assert not box.form.isEnabled()
    qtbot.waitUntil(lambda: box.progress.value() > 0, timeout=10_000)
    cancel = box.buttons.button(QDialogButtonBox.StandardButton.Cancel)
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    assert box.isVisible() and box.form.isEnabled()
    assert "Cancelled" in box.problem.text()
    press(qtbot, box)
    qtbot.waitUntil(box.isHidden, timeout=60_000)
    assert [p.name for p in tmp_path.iterdir()] == ["big-table.csv"]
    assert (tmp_path / "big-table.csv").read_bytes().count(b"\n") == 200_001


def test_closing_while_a_table_is_written_leaves_nothing(open_dialog, workplace, qtbot, tmp_path):
    workplace.start(BIG, "big", None, THREE)
    qtbot.waitUntil(lambda: not workplace.evaluator.stale, timeout=30_000)
    box = open_dialog("table")
    press(qtbot, box)
    box.close()
    workplace.background.shutdown()
    assert not list(tmp_path.iterdir())
    assert box.written == []


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("start", ["", "table"])
def test_the_dialog_fits_a_small_screen_and_names_everything(open_dialog, theme, start):
    box = open_dialog(start, theme=theme)
    hint = box.minimumSizeHint()
    assert hint.width() <= 1000 and hint.height() <= 700
    assert box.width() <= 1000 and box.height() <= 700
    buddies = {label.buddy() for label in box.findChildren(QLabel) if label.buddy()}
    for kind in (QComboBox, QLineEdit, QDoubleSpinBox, QSpinBox):
        for field in box.findChildren(kind):
            if field.isVisible() and not isinstance(field.parent(), (QDoubleSpinBox, QSpinBox)):
                assert field in buddies or field.accessibleName(), field
    keys = [
        widget.text().partition("&")[2][:1].lower()
        for widget in [*box.findChildren(QLabel), *box.findChildren(QAbstractButton)]
        if "&" in widget.text() and widget.isVisible()
    ]
    assert len(keys) == len(set(keys)), keys


def test_every_plot_has_a_letter_of_its_own(open_dialog):
    # What is shown beside another view follows it by Tab.
    plots = {key: box.text() for key, box in open_dialog("").form.plots.items()}
    assert all("&" in text for key, text in plots.items() if not PLOT[key].beside), plots


def test_everything_is_reached_by_tab(open_dialog, qtbot):
    box = open_dialog("signal")
    seen, widget = set(), box.form.what
    for _ in range(100):
        seen.add(widget)
        widget = widget.nextInFocusChain()
    form, sizes, row = box.form, box.form.sizes, box.row
    fields = [form.what, form.format, sizes.preset, sizes.width, sizes.height, sizes.unit,
              sizes.points, sizes.dpi, form.look, form.shown, form.mark, row.edit, row.browse,
              box.write, *form.plots.values()]  # fmt: skip
    for field in fields:
        assert field in seen
        assert field.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.parametrize("keys", [("signal",), KEYS])
def test_a_figure_on_the_clipboard_is_a_picture_and_svg(workplace, settings, keys):
    copy_figure(workplace, settings, DARK, keys)
    content = QGuiApplication.clipboard().mimeData()
    assert content.hasImage()
    assert not QGuiApplication.clipboard().image().isNull()
    svg = ElementTree.fromstring(content.data("image/svg+xml").data())
    assert svg.tag.endswith("svg")


def test_a_preset_fills_the_fields_and_a_change_by_hand_leaves_it(open_dialog, qtbot):
    box = open_dialog("signal")
    sizes = box.form.sizes
    choose(box.form.format, "SVG")
    choose(sizes.preset, "one column, 85")
    assert (sizes.width.value(), sizes.points.value()) == (85, 8)
    assert sizes.unit.currentText() == "mm"
    one = sizes.height.value()
    box.form.plots["error"].setChecked(True)
    assert sizes.width.value() == 85 and sizes.height.value() > 1.4 * one
    choose(sizes.unit, "in")
    assert sizes.preset.currentData() == "column"
    assert sizes.width.value() == pytest.approx(85 / 25.4, abs=0.001)
    for field, number in ((sizes.width, 4), (sizes.height, 5), (sizes.points, 11)):
        choose(sizes.preset, "IEEE: one column")
        assert (sizes.width.value(), sizes.unit.currentText()) == (3.5, "in")
        field.setValue(number)
        assert sizes.preset.currentText() == "Custom"
        assert field.value() == number


def test_a_slide_has_its_pixels_and_the_preset_is_remembered(open_dialog, qtbot):
    box = open_dialog("signal")
    choose(box.form.format, "PNG")
    choose(box.form.sizes.preset, "Slide 16:9")
    assert box.form.sizes.extent.text() == "= 1920 × 1080 pixels"
    assert box.form.sizes.points.value() == 18
    press(qtbot, box)
    assert QImage(box.written[0]).size().toTuple() == (1920, 1080)
    again = open_dialog("").form
    assert again.sizes.preset.currentData() == "slide"
    assert again.spec().pixels() == (1920, 1080)


def test_the_size_of_the_text_is_written_and_remembered(open_dialog, qtbot):
    box = open_dialog("signal")
    choose(box.form.format, "SVG")
    box.form.sizes.points.setValue(12)
    press(qtbot, box)
    assert 'font-size="16"' in Path(box.written[0]).read_text(encoding="utf-8")
    assert open_dialog("error").form.sizes.points.value() == 12


def test_a_figure_shows_the_whole_unless_the_view_is_asked_for(open_dialog, qtbot):
    looks = {"signal": Look((0.5, 1.5))}
    box = open_dialog("signal", looks=looks)
    choose(box.form.format, "SVG")
    assert box.form.spec().looks["signal"].x is None
    choose(box.form.shown, "window shows")
    assert box.form.spec().looks == looks
    press(qtbot, box)
    assert "Shown: positions 1 to 1 of 0…2" in Path(box.written[0]).read_text(encoding="utf-8")
    assert open_dialog("signal", looks=looks).form.spec().looks == looks


# Small screens


def test_all_of_it_can_be_reached_on_a_small_screen(open_dialog, qtbot, qapp, person):
    """1000×700 pixels at a scale of 1.5 are 667×467, less the frame of a window."""
    dialog = open_dialog()
    dialog.resize(667 - 20, 467 - 50)
    qtbot.wait(1)
    assert dialog.width() <= 647 and dialog.height() <= 417
    for widget in (dialog.write, dialog.row.edit, dialog.row.browse, dialog.preview):
        corner = widget.mapTo(dialog, widget.rect().bottomRight())
        assert dialog.rect().contains(corner), widget
    bar = dialog.findChild(QScrollArea).verticalScrollBar()
    assert bar.maximum() > 0
    dialog.activateWindow()
    qtbot.waitUntil(lambda: qapp.activeWindow() is dialog)
    dialog.form.shown.setFocus()
    person.press("Tab")
    assert dialog.form.mark.hasFocus()
    seen = dialog.form.mark.visibleRegion().boundingRect()
    assert seen.height() == dialog.form.mark.height()
    assert not dialog.findChild(QScrollArea).horizontalScrollBar().isVisible()


def test_it_opens_no_larger_than_its_screen(open_dialog, monkeypatch):
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QScreen

    monkeypatch.setattr(QScreen, "availableSize", lambda self: QSize(667, 467))
    dialog = open_dialog()
    assert dialog.width() <= 647 and dialog.height() <= 417


# Arrangement, parts, and zoom of the preview


def test_columns_and_parts_are_chosen_drawn_and_remembered(open_dialog, qtbot):
    box = open_dialog("", keys=("number-line", "distribution"))
    form = box.form
    choose(form.format, "SVG")
    form.columns.setValue(2)
    for part in ("titles", "sentences", "legend"):
        qtbot.mouseClick(form.parts[part], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    spec = form.spec()
    assert (spec.columns, spec.titles, spec.sentences, spec.legend) == (2, False, False, False)
    press(qtbot, box)
    nodes = ElementTree.parse(box.written[0]).iter("{http://www.w3.org/2000/svg}text")
    svg = " ".join("".join(node.itertext()) for node in nodes)
    assert "(a)" in svg and "(b)" in svg
    assert "Distribution:" not in svg and "never used" not in svg
    again = open_dialog("", keys=("number-line", "distribution")).form
    assert again.spec() == spec
    qtbot.mouseClick(again.plots["distribution"], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert not again.columns.isEnabled() and not again.parts["letters"].isEnabled()


def test_the_size_follows_the_number_of_columns(open_dialog):
    form = open_dialog("", keys=("signal", "error", "codes", "transfer")).form
    stacked = form.sizes.height.value()
    form.columns.setValue(2)
    assert form.sizes.height.value() < stacked
    choose(form.sizes.preset, "one column, 85")
    narrow = form.sizes.height.value()
    form.columns.setValue(1)
    assert form.sizes.height.value() > narrow


def settle(qtbot, box):
    """Wait until the preview shows the chosen format."""
    before = box.preview.picture.figure
    qtbot.waitUntil(lambda: box.preview.picture.figure is not before)


def seen(box):
    return box.preview.picture.viewport().grab().toImage()


def test_the_preview_zooms_by_wheel_keys_and_buttons(open_dialog, qtbot):
    box = open_dialog("signal")
    choose(box.form.format, "PDF")
    view, buttons = box.preview.picture, box.preview.buttons
    settle(qtbot, box)
    whole, fitting = seen(box), view.zoom
    assert view.fits and f"{100 * fitting:.0f} %" == box.preview.zoom.text()

    def wheel(notches, at):
        angle = QPoint(0, 120 * notches)
        event = QWheelEvent(
            QPointF(at), QPointF(view.mapToGlobal(at)), QPoint(), angle, Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QGuiApplication.sendEvent(view.viewport(), event)

    wheel(4, QPoint(200, 150))
    assert view.zoom > 2 * fitting and seen(box) != whole
    wheel(-8, QPoint(200, 150))
    assert view.fits and seen(box) == whole
    view.setFocus()
    qtbot.keyClicks(view, "+++")
    assert view.zoom == pytest.approx(1.25**3 * fitting)
    qtbot.keyClicks(view, "-")
    assert view.zoom == pytest.approx(1.25**2 * fitting)
    qtbot.keyClicks(view, "1")
    assert view.zoom == 1 and box.preview.zoom.text() == "100 %"
    # At 100 % a PDF has its size on paper: 120 mm are 454 pixels of 1/96 inch.
    assert view.horizontalScrollBar().maximum() + view.viewport().width() == pytest.approx(
        120 / 25.4 * 96 + 16, abs=1
    )
    qtbot.keyClicks(view, "0")
    assert view.fits and seen(box) == whole
    qtbot.mouseClick(buttons["+"], Qt.MouseButton.LeftButton)
    assert view.zoom > fitting
    qtbot.mouseClick(buttons["Fit"], Qt.MouseButton.LeftButton)
    assert view.fits
    qtbot.mouseClick(buttons["100 %"], Qt.MouseButton.LeftButton)
    assert view.zoom == 1


def test_the_point_under_the_pointer_stays_where_it_is_and_a_drag_moves_the_figure(
    open_dialog, qtbot
):
    box = open_dialog("signal")
    choose(box.form.format, "SVG")
    view = box.preview.picture
    settle(qtbot, box)
    at = QPointF(120, 200)
    view.step(3, at)

    def under():
        return view.figure_point(at)

    before = under()
    view.step(4, at)
    assert (under() - before).manhattanLength() < 2
    start = view.viewport().rect().center()
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view.viewport(), start + QPoint(-30, -20))
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=start + QPoint(-30, -20))
    moved = (under() - before) * view.pixels_per_unit
    assert moved.x() == pytest.approx(30, abs=3) and moved.y() == pytest.approx(20, abs=3)


def test_the_preview_of_a_png_ends_at_its_pixels(open_dialog, qtbot):
    box = open_dialog("signal")
    assert box.form.file_kind.key == ".png"
    view = box.preview.picture
    view.full_size()
    width = box.form.spec().pixels()[0]
    assert view.horizontalScrollBar().maximum() + view.viewport().width() == pytest.approx(
        width + 16, abs=1
    )
    view.step(3)
    assert view.zoom == 1
