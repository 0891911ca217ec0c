"""Rounding and powers of two, chosen in the form, and what the panes then say."""

import numpy as np
import pytest
from PySide6.QtCore import Qt


def test_rounding_is_chosen_in_the_form_and_undone(window, person):
    form = window.schemes.form
    person.choose(form.rounding, "toward-zero")
    assert form.text.text() == "int8 scale-only toward-zero"
    assert window.session.active.scheme.rounding == "toward-zero"
    window.session.undo_stack.undo()
    window.session.undo_stack.undo()
    assert form.rounding.currentText() == "ties-even"
    assert form.text.text() == "int8 scale-only"


def test_a_power_of_two_is_ticked_in_the_form_and_told_in_steps(window, qtbot):
    form = window.schemes.form
    box = form.pow2
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center() * 0.2)
    assert form.text.text() == "int8 scale-only pow2"
    assert window.session.evaluator.active_evaluation.qparams.scale == 2.0**-6
    assert "Pow2↑((Rmax − Rmin) / (Qmax − Qmin))" in window.steps.view.toPlainText()
    assert "0.015625" in window.steps.view.toPlainText()


@pytest.mark.parametrize(("words", "bound", "said"), [("", 0.5, "±S/2"), ("toward-zero", 1, "±S ")])
def test_the_band_is_as_wide_as_the_rounding_reaches(window, words, bound, said):
    from quantoscope.engine import Scheme
    from quantoscope.gui.document import commands

    window.session.start(np.linspace(-1, 1, 40, dtype=np.float32), "x")
    uid = window.session.active_uid
    commands.set_scheme(window.session, uid, Scheme.parse(f"int8 asymmetric {words}"))
    pane = window.plots["error"]
    pane.plot.choose("unit", "R")
    s = window.session.evaluator.active_evaluation.qparams.scale
    drawn = [i.rect() for i in pane.widget.getPlotItem().items if hasattr(i, "rect")]
    bands = {int(len(pane.plot.data.series) - rect.center().y()): rect.height() for rect in drawn}
    halves = [0.5 * abs(one.p.scale) for one in pane.plot.data.series]
    halves[[e.uid for e in window.session.entries].index(uid)] = bound * s
    heights = np.array([bands[place] for place in range(len(halves))])
    np.testing.assert_allclose(heights / heights.max(), np.array(halves) / max(halves), rtol=1e-6)
    assert said in pane.plot.insight


def test_a_cut_fraction_is_told_in_steps(window):
    from quantoscope.engine import Scheme
    from quantoscope.gui.document import commands

    window.session.start(np.array([1.5, 127, -128], np.float32), "x")
    uid = window.session.active_uid
    for words, told in (
        ("", "goes to the even code: 0.5 S"),
        ("ties-away", "goes away from 0: 0.5 S"),
        ("toward-zero", "a half, which is cut off: 0.5 S"),
    ):
        commands.set_scheme(window.session, uid, Scheme.parse(f"int8 scale-only {words}"))
        assert told in window.places["steps"].insight


def test_the_staircase_of_a_cut_has_its_steps_at_whole_codes(window):
    from quantoscope.engine import Scheme
    from quantoscope.gui.document import commands

    window.session.start(np.array([-4.0, 3.0], np.float32), "x")
    uid = window.session.active_uid
    scheme = Scheme.parse("int4 scale-only manual(-8,7) toward-zero")
    commands.set_scheme(window.session, uid, scheme)
    window.places["transfer"].reveal()
    window.places["transfer"].show()
    plot = window.plots["transfer"].plot
    plot.draw(window.feed.data)
    series = window.feed.data.active
    x, y = plot._stairs(series, -3.0, 3.0)
    assert np.array_equal(y, np.trunc(np.asarray(x)))
    assert "R′ 1" in plot.readout(window.feed.data, 1.9, 0.0)
