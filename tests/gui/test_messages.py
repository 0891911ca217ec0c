"""Messages over the window: they move nothing, hide no field that is edited, and close with Esc."""

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLineEdit

from quantoscope.gui.common.message_bar import MessageBar
from quantoscope.gui.panes.plot_pane import PlotPane

LONG = " ".join(f"layers.{n}.attention.weight holds no numbers;" for n in range(90))
SIZES = ((1440, 900), (1000, 700), (667, 467))


def bars(window):
    return [window.offer, window.unkept, window.message]


def places(window):
    """Where every part of the window is that messages could move."""
    parts = (*window.places.values(), window.frame.rail, window.stage, window.frame.bottom)
    return [QRect(p.mapTo(window, QPoint(0, 0)), p.size()) for p in parts if p.isVisible()]


def tell(window, texts):
    for bar, text in zip(bars(window), texts, strict=True):
        if text:
            bar.problem(text)
    QApplication.processEvents()


def place_of(widget, window):
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.fixture(params=SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def sized(request, new_window, qapp):
    window = new_window(request.param)
    window.files.start_first()
    qapp.processEvents()
    window.message.clear()
    return window


@pytest.mark.parametrize("texts", [("", "", "Short."), ("A.", "B.", "C."), (LONG, LONG, LONG)])
def test_messages_move_nothing_and_lie_inside_the_window(sized, texts):
    before = places(sized)
    tell(sized, texts)
    assert places(sized) == before
    shown = [bar for bar in bars(sized) if bar.text]
    assert [bar.isVisible() for bar in shown] == [True] * len(shown)
    rects = [place_of(bar, sized) for bar in shown]
    assert all(sized.rect().contains(rect) for rect in rects)
    assert not any(a.intersects(b) for a in rects for b in rects if a is not b)
    assert sized.overlay.height() <= sized.height() // 2
    if sized.width() >= 1000:
        # Values, schemes and the lesson beside the stage stay free.
        assert place_of(sized.stage, sized).contains(place_of(sized.overlay, sized))
    for bar in shown:
        close = bar._close
        assert bar.rect().contains(QRect(close.mapTo(bar, QPoint(0, 0)), close.size()))


def test_a_long_message_can_be_read_to_its_end(sized):
    sized.message.problem(LONG)
    QApplication.processEvents()
    bar = sized.message._scroll.verticalScrollBar()
    bar.setValue(bar.maximum())
    label = sized.message._label
    end = label.mapTo(sized.message, QPoint(0, label.height() - 1)).y()
    assert end <= sized.message.height()
    assert label.height() >= label.heightForWidth(label.width())


@pytest.mark.parametrize("text", ["Short.", LONG])
def test_the_field_that_is_edited_is_never_hidden(sized, person, text):
    fields = [sized.schemes.form.text, sized.schemes.form.label, sized.schemes.form.low]
    sized.places["schemes"].reveal()
    for field in fields:
        field.setFocus()
        QApplication.processEvents()
        tell(sized, (text, text, text))
        area = place_of(sized.overlay, sized)
        assert sized.rect().contains(area)
        assert not area.intersects(place_of(field, sized))
        for bar in bars(sized):
            bar.clear()
    # It gives way to a field that gets the keys while it is shown.
    tell(sized, (text, text, text))
    for field in fields:
        field.setFocus()
        QApplication.processEvents()
        assert not place_of(sized.overlay, sized).intersects(place_of(field, sized))


def test_the_cell_that_is_typed_into_is_not_hidden(sized, person):
    sized.places["values"].reveal()
    table = sized.values.table
    for row in range(3):
        person.click_cell(table, row)
        person.type("1")
        editor = QApplication.focusWidget()
        assert isinstance(editor, QLineEdit)
        tell(sized, (LONG, LONG, LONG))
        assert not place_of(sized.overlay, sized).intersects(place_of(editor, sized))
        person.press("Escape")


@pytest.mark.parametrize("views", [["signal"], ["distribution"], ["waterfall"], ["error", "image"]])
def test_messages_hide_no_axis_at_the_foot_of_the_stage(sized, views):
    sized.stage.set_views(views)
    QApplication.processEvents()
    tell(sized, ("A question.", "", "Some sentence on what was opened."))
    over = place_of(sized.overlay, sized)
    for pane in sized.stage.findChildren(PlotPane):
        axis = pane.plot.item.getAxis("bottom")
        if not pane.isVisible() or not axis.isVisible():
            continue
        view = pane.plot.item.getViewWidget()
        seen = view.mapFromScene(axis.sceneBoundingRect()).boundingRect()
        place = QRect(view.mapTo(sized, seen.topLeft()), seen.size())
        if place.bottom() > place_of(sized.stage, sized).bottom() - 90:
            assert not over.intersects(place)


def test_escape_closes_one_message_after_the_other(window, person):
    window.message.clear()
    tell(window, ("A.", "B.", "C."))
    window.values.table.setFocus()
    for left in (["A.", "B."], ["A."], []):
        person.press("Escape")
        assert [bar.text for bar in bars(window) if bar.text] == left
    assert not window.overlay.isVisible()
    assert isinstance(window.message, MessageBar)
