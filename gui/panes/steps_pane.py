"""Steps pane: the active scheme's formulas with the chosen value's numbers."""

from __future__ import annotations

from html import escape

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from quantoscope.engine import QUANTIZERS, Evaluation, Trace
from quantoscope.engine.analysis.steps import Steps, steps
from quantoscope.gui.common.localized_numbers import digits_apart, filled, short
from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import align_digits, vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.array_model import MARKS


class StepsPane(QWidget):
    """The steps from R to R′ and the error, one line per stage."""

    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self.insight = ""
        self.view = Page(self)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setOpenLinks(False)
        self.view.setLineWrapMode(QTextBrowser.LineWrapMode.NoWrap)
        self.view.setAccessibleName(self.tr("Steps of the chosen value"))
        align_digits(self.view)
        self.setFocusProxy(self.view)
        vbox(self, self.view)
        for signal in (
            session.evaluator.evaluated,
            session.view.chosen_changed,
            session.active_changed,
        ):
            signal.connect(self.show_steps)
        settings.digits_changed.connect(self.show_steps)
        session.array_reset.connect(self._scroll_to_start)
        self.show_steps()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self.show_steps()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scroll_to_start()

    def _scroll_to_start(self) -> None:
        """Scroll to the start of the first line.

        The old position may be empty for another array, or after resizing.
        """
        for bar in (self.view.horizontalScrollBar(), self.view.verticalScrollBar()):
            bar.setValue(0)

    def show_steps(self) -> None:
        """Show the steps of the chosen value, or how to fill the pane."""
        sentence = self._nothing_to_show()
        if sentence:
            self._say("")
            self.view.setHtml(f"<p style='color:{self._theme.muted}'>{escape(sentence)}</p>")
            return
        entry, evaluation = self._session.active, self._session.evaluator.active_evaluation
        assert (
            entry is not None and evaluation is not None and self._session.view.chosen is not None
        )
        made = steps(
            self._session.evaluator.snapshot.array,
            evaluation.scheme,
            evaluation.qparams,
            self._session.view.chosen,
            self._settings.digits,
        )
        position = commands.position_text(self._session, self._session.view.chosen)
        self._say(filled("%1 · #%2: %3", entry.name, position, self.describe(made.trace)))
        self.view.setHtml(self._html(made))

    def _say(self, insight: str) -> None:
        self.insight = insight
        self.insight_changed.emit(insight)

    def _nothing_to_show(self) -> str:
        session = self._session
        if session.array.size == 0:
            return self.tr("Type or open a value to see how it is quantized, step by step.")
        if session.active is None:
            return self.tr("Add a scheme to see what it does to the chosen value.")
        outcome = session.evaluator.outcome(session.active_uid)
        if outcome is None:
            return self.tr("Computing…")
        if not isinstance(outcome, Evaluation):
            return str(outcome)
        if (
            session.view.chosen is None
            or session.view.chosen >= session.evaluator.snapshot.array.size
        ):
            return self.tr("Choose a value in the table or in a plot to see its steps.")
        return ""

    def describe(self, at: Trace) -> str:
        """Return a sentence on the quantization of the value."""
        p, saturated = at.qparams.at(0), int(at.saturated[0])
        if np.isnan(at["real"][0]):
            return self.tr("NaN has no code; it is left out of the range and the metrics.")
        with np.errstate(over="ignore"):
            size = abs(float(p.working_scale))
            share = short(abs(float(at["error"][0])) / size if size else np.inf, 3)
        if not np.isfinite(at["reconstructed"][0]):
            return self.tr("not reconstructed as a finite number: the scale overflows.")
        if saturated:
            text = (
                self.tr("%1 clipped: %2 lies above the last code %3; the error is %4 S.")
                if saturated > 0
                else self.tr("%1 clipped: %2 lies below the first code %3; the error is %4 S.")
            )
            end = p.qmax if saturated > 0 else p.qmin
            # Enough digits to show that the number is beyond the code.
            both = float(at.unclipped[0]), float(end)
            digits = digits_apart(both, self._settings.digits)
            number, last = (short(one, digits) for one in both)
            return filled(text, MARKS[saturated], number, last, share)
        if not p.format.integer:
            bound = float(np.max(QUANTIZERS[p.mapping].bound(at["real"][:1], p)))
            gap = short(bound / size if size else np.inf, 3)
            return filled(self.tr("the nearest number costs %1 S, at most %2 S here."), share, gap)
        if not p.format.mapping and abs(float(at.unrounded[0])) % 1 == 0.5:
            text = {
                "ties-even": self.tr("a rounding tie, which goes to the even code: %1 S."),
                "ties-away": self.tr("a rounding tie, which goes away from 0: %1 S."),
                "toward-zero": self.tr("a half, which is cut off: %1 S."),
            }.get(p.arithmetic.rounding, self.tr("a half, which goes up or down by chance: %1 S."))
            return filled(text, share)
        most = self.tr("½ S") if p.arithmetic.reach == 0.5 else self.tr("S")
        return filled(self.tr("rounding costs %1 S, at most %2."), share, most)

    def _html(self, made: Steps) -> str:
        muted, rows = self._theme.muted, []
        for line in (*made.parameters, *made.values):
            remark = line.remark
            if line.key == "clipped":
                mark = MARKS.get(int(made.trace.saturated[0]), "")
                remark = " ".join(part for part in (mark, remark) if part)
            symbol, formula, numbers, result = map(
                escape, (line.symbol, line.formula, line.numbers, line.result)
            )
            rows.append(
                "<tr>"
                f"<td><b>{symbol}</b>&nbsp;</td>"
                f"<td style='color:{muted}'>{'= ' if formula else ''}{formula}&nbsp;&nbsp;</td>"
                f"<td>{'= ' if numbers else ''}{numbers}&nbsp;&nbsp;</td>"
                f"<td>= <b>{result}</b>&nbsp;&nbsp;</td>"
                f"<td><span style='color:{self._theme.alarm}'>{escape(remark)}</span></td></tr>"
            )
        return f"<table cellspacing='0' cellpadding='1'>{''.join(rows)}</table>"
