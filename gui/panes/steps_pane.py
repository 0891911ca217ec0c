"""The Steps pane: the active scheme's formulas with the chosen value's own numbers in them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QFrame, QTextBrowser, QVBoxLayout, QWidget

from engine import QUANTIZERS, Evaluation, QParams, Trace, trace
from gui import commands
from gui.formula import numeric, parameter_numbers, symbolic
from gui.models.values import MARKS
from gui.numbers_text import exact, filled, short
from gui.plain_text import Page
from gui.session import Session
from gui.settings import Settings
from gui.theme import Theme


@dataclass(frozen=True)
class Step:
    """A line: a symbol, its formula, the formula in numbers, the result, and a remark."""

    symbol: str
    formula: str
    numbers: str
    result: str
    remark: str = ""


class StepsPane(QWidget):
    """From R to R′ and the error, one line per stage.

    Signals
    -------
    insight_changed(text)
        The line for the head of the pane.
    """

    insight_changed = Signal(str)

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
        font = self.view.font()
        font.setFeature(QFont.Tag("tnum"), 1)
        self.view.setFont(font)
        self.setFocusProxy(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        for signal in (session.evaluated, session.chosen_changed, session.active_changed):
            signal.connect(self.show_steps)
        settings.digits_changed.connect(self.show_steps)
        session.array_reset.connect(self._scroll_to_start)
        self.show_steps()

    def restyle(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.show_steps()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scroll_to_start()

    def _scroll_to_start(self) -> None:
        """Show the first symbol.

        Where the pane was scrolled to, there may be nothing of another array, or in another size.
        """
        for bar in (self.view.horizontalScrollBar(), self.view.verticalScrollBar()):
            bar.setValue(0)

    def show_steps(self) -> None:
        """Show the steps of the chosen value, or what would fill the pane."""
        sentence = self._nothing_to_show()
        if sentence:
            self._say("")
            self.view.setHtml(f"<p style='color:{self._theme.muted}'>{escape(sentence)}</p>")
            return
        entry, evaluation = self._session.active, self._session.active_evaluation
        assert entry is not None and evaluation is not None and self._session.chosen is not None
        at = trace(self._session.shown.array, evaluation.qparams, [self._session.chosen])
        position = commands.position_text(self._session, self._session.chosen)
        self._say(filled("%1 · #%2: %3", entry.name, position, self.describe(at)))
        self.view.setHtml(self._html(self.parameter_steps(at.qparams.at(0)), self.steps(at)))

    def _say(self, insight: str) -> None:
        self.insight = insight
        self.insight_changed.emit(insight)

    def _nothing_to_show(self) -> str:
        session = self._session
        if session.array.size == 0:
            return self.tr("Type or open a value to see how it is quantized, step by step.")
        if session.active is None:
            return self.tr("Add a scheme to see what it does to the chosen value.")
        outcome = session.outcome(session.active_uid)
        if outcome is None:
            return self.tr("Computing…")
        if not isinstance(outcome, Evaluation):
            return str(outcome)
        if session.chosen is None or session.chosen >= session.shown.array.size:
            return self.tr("Choose a value in the table or in a plot to see its steps.")
        return ""

    def _short(self, value: float) -> str:
        return short(value, self._settings.digits)

    def parameter_steps(self, p: QParams) -> list[Step]:
        """How S and Z follow from the range."""
        quantizer = QUANTIZERS[p.mapping]
        numbers = {key: self._short(value) for key, value in parameter_numbers(p).items()}
        textbook = p.arithmetic.tiny == "textbook" and not p.format.mapping
        remark = {
            "constant": self.tr("all values are equal: S is taken from the value"),
            "zeros": self.tr("all values are 0: S is set to 1") if textbook else "",
            "floor": self.tr("the smallest S there is: the formula gives less"),
        }.get(p.origin, "")
        formula = quantizer.scale_formula(p.format, p.arithmetic)
        if p.arithmetic.pow2:
            formula = f"Pow2↑({formula})"
        steps = []
        if p.arithmetic.stored == "float16" and p.divisor is not None:
            # Values are divided by d, and rebuilt with what is stored of it.
            inner = formula.removeprefix("float16(").removesuffix(")")
            in_numbers = numeric(inner, numbers)
            steps.append(Step("d", symbolic(inner, ()), in_numbers, self._short(p.divisor)))
            formula = "float16({d})"
        in_numbers = "" if remark else numeric(formula, numbers)
        steps.append(Step("S", symbolic(formula, ()), in_numbers, self._short(p.scale), remark))
        formula = quantizer.zero_point_formula(p.format, p.arithmetic)
        if formula != "0":
            outside = "" if p.qmin <= p.zero_point <= p.qmax else self.tr("outside the codes")
            in_numbers = numeric(formula, numbers)
            steps.append(Step("Z", symbolic(formula, ()), in_numbers, str(p.zero_point), outside))
        formula = quantizer.offset_formula()
        if formula:
            in_numbers = numeric(formula, numbers)
            steps.append(Step("m", symbolic(formula, ()), in_numbers, self._short(p.offset)))
        return steps

    def steps(self, at: Trace) -> list[Step]:
        """The stages of one value, the first of a trace."""
        p = at.qparams.at(0)
        values = {key: at[key][0] for key in at}
        numbers = {key: self._short(value) for key, value in parameter_numbers(p).items()}
        numbers |= {key: self._short(value) for key, value in values.items()}
        numbers |= {"R": numbers["real"], "Q": numbers["clipped"]}
        steps = [Step("R", "", "", exact(values["real"]))]
        for stage in at.stages:
            saturated = int(at.saturated[0]) if stage.key == "clipped" else 0
            remark = MARKS.get(saturated, "")
            result = self._short(values[stage.key])
            if stage.key == "code":
                result = p.format.label(int(values["code"]))
            steps.append(
                Step(
                    stage.symbol,
                    symbolic(stage.formula, at.stages[:-2]),
                    numeric(stage.formula, numbers),
                    result,
                    remark,
                )
            )
        return steps

    def describe(self, at: Trace) -> str:
        """What happened to the value, in one sentence."""
        p, saturated = at.qparams.at(0), int(at.saturated[0])
        if np.isnan(at["real"][0]):
            return self.tr("NaN has no code; it is left out of the range and the metrics.")
        with np.errstate(over="ignore"):
            size = abs(float(p.working_scale))
            share = short(abs(float(at["error"][0])) / size if size else np.inf, 3)
        if not np.isfinite(at["reconstructed"][0]):
            return self.tr("rebuilt as no finite number: the scale overflows.")
        if saturated:
            text = (
                self.tr("%1 saturated: %2 lies above the last code %3; the error is %4 S.")
                if saturated > 0
                else self.tr("%1 saturated: %2 lies below the first code %3; the error is %4 S.")
            )
            end = p.qmax if saturated > 0 else p.qmin
            number = self._short(at.unclipped[0])
            return filled(text, MARKS[saturated], number, self._short(end), share)
        if not p.format.integer:
            bound = float(np.max(QUANTIZERS[p.mapping].bound(at["real"][:1], p)))
            gap = short(bound / size if size else np.inf, 3)
            return filled(self.tr("the nearest number costs %1 S, at most %2 S here."), share, gap)
        if not p.format.mapping and abs(float(at.unrounded[0])) % 1 == 0.5:
            text = {
                "ties-even": self.tr("a rounding tie, which goes to the even code: %1 S."),
                "ties-away": self.tr("a rounding tie, which goes away from 0: %1 S."),
            }.get(p.arithmetic.rounding, self.tr("a half, which is cut off: %1 S."))
            return filled(text, share)
        most = self.tr("½ S") if p.arithmetic.reach == 0.5 else self.tr("S")
        return filled(self.tr("rounding costs %1 S, at most %2."), share, most)

    def _html(self, parameters: list[Step], steps: list[Step]) -> str:
        muted = self._theme.muted
        rows = []
        for step in (*parameters, *steps):
            remark = f"<span style='color:{self._theme.alarm}'>{escape(step.remark)}</span>"
            rows.append(
                "<tr>"
                f"<td><b>{escape(step.symbol)}</b>&nbsp;</td>"
                f"<td style='color:{muted}'>{'= ' if step.formula else ''}{escape(step.formula)}"
                "&nbsp;&nbsp;</td>"
                f"<td>{'= ' if step.numbers else ''}{escape(step.numbers)}&nbsp;&nbsp;</td>"
                f"<td>= <b>{escape(step.result)}</b>&nbsp;&nbsp;</td>"
                f"<td>{remark}</td></tr>"
            )
        return f"<table cellspacing='0' cellpadding='1'>{''.join(rows)}</table>"
