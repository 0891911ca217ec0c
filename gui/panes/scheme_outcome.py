"""Parameters, source of the arithmetic, and warnings of the active scheme."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from quantoscope.engine import QUANTIZERS, Evaluation, QParams, Scheme
from quantoscope.gui.common.localized_numbers import digits_apart, filled, full, short
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import plain_label, vbox
from quantoscope.gui.document.snapshot import Outcome


class SchemeOutcome(QWidget):
    """Texts below the form, hidden if empty: parameters, figures, source and warnings."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameters = plain_label(self)
        self.parameters.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figures = QLabel(self)
        self.figures.setTextFormat(Qt.TextFormat.RichText)
        self.figures.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figures.setAccessibleName(self.tr("Figures of the active scheme"))
        self.source = plain_label(self, name="schemeSource")
        self.warning = plain_label(self, name="schemeWarning")
        self.warning.setMargin(4)
        vbox(self, self.parameters, self.figures, self.source, self.warning, spacing=6)
        self._theme: Theme | None = None
        self._rows: list[tuple[str, str]] = []
        self._roomy = True

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self._show_figures()
        ground = theme.tint(theme.alarm, 0.14).name(QColor.NameFormat.HexArgb)
        self.setStyleSheet(
            f"#schemeSource {{ color: {theme.muted}; }}"
            f"#schemeWarning {{ background: {ground};"
            f" border-left: 3px solid {theme.alarm}; }}"
        )

    def show_nothing(self) -> None:
        """Show that there is no scheme."""
        self._say(self.tr("No scheme yet: add one from the toolbar."), "")
        self.source.hide()

    def show_source(self, scheme: Scheme) -> None:
        """Show the source of the arithmetic, and whether it was verified."""
        text = ""
        if scheme.follows is not None:
            text = f"{scheme.follows.title}: {scheme.follows.status}."
            self.source.setToolTip(plain_tip(scheme.follows.compared or scheme.follows.source))
        elif scheme.format.source:
            text = f"{scheme.format}: {scheme.format.source}."
        self.source.setText(text)
        self.source.setVisible(bool(text))

    def show_outcome(self, outcome: Outcome | None, digits: int) -> None:
        """Show parameters and warnings, or why there are none."""
        self._rows = self._figures(outcome, digits) if isinstance(outcome, Evaluation) else []
        self._show_figures()
        if outcome is None:
            self._say(self.tr("Computing…"), "")
        elif isinstance(outcome, Evaluation):
            p = outcome.qparams
            self._say(self._numbers(p, digits), "\n".join(outcome.warnings))
            if p.granularity.whole:
                self.parameters.setToolTip(f"S = {full(p.scale)}")
        else:
            self._say("", str(outcome))

    def give_room(self, height: int) -> None:
        """Show the figures only if the whole form fits into a height with them."""
        form = self.parentWidget()
        if form is None:
            return
        shown = self.figures.sizeHint().height() + 6 if not self.figures.isHidden() else 0
        wanted = form.minimumSizeHint().height() - shown + self.figures.sizeHint().height() + 6
        if self._roomy != (wanted <= height):
            self._roomy = wanted <= height
            self._show_figures()

    def _show_figures(self) -> None:
        muted = self._theme.muted if self._theme is not None else "gray"
        rows = [
            f"<tr><td style='color:{muted};padding-right:12px'>{escape(name)}</td>"
            f"<td>{escape(text)}</td></tr>"
            for name, text in self._rows
        ]
        self.figures.setText(f"<table cellspacing='0'>{''.join(rows)}</table>")
        self.figures.setVisible(bool(rows) and self._roomy)

    def _figures(self, outcome: Evaluation, digits: int) -> list[tuple[str, str]]:
        """Return name and text of what the scheme makes of the values."""
        p, figures = outcome.qparams, outcome.metrics
        rows = []
        if p.granularity.whole:
            ends = QUANTIZERS[p.mapping].levels(p)[[0, -1]].astype(float)
            low, high = (short(float(end), digits) for end in ends)
            rows.append((self.tr("Reach"), f"{low} … {high}"))
        used, all_ = (f"{int(figures[name]):,}" for name in ("codes_used", "codes_available"))
        rows.append((self.tr("In use"), filled(self.tr("%1 of %2 codes"), used, all_)))
        clipped = int(figures["clipped_low"] + figures["clipped_high"])
        count = f"{outcome.codes.size:,}"
        text = filled(self.tr("%1 of %2 values"), f"{clipped:,}", count)
        rows.append((self.tr("Clipped"), text if clipped else self.tr("none")))
        rows.append((self.tr("RMSE"), short(float(figures["rmse"]), digits)))
        worst = short(float(figures["max_abs_error"]), digits)
        rows.append((self.tr("Max |error|"), worst))
        return rows

    def _say(self, parameters: str, warning: str) -> None:
        self.parameters.setText(parameters)
        self.parameters.setToolTip(plain_tip(parameters))
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))

    def _numbers(self, p: QParams, digits: int) -> str:
        """Return S, Z and codes as text; for many channels their number and ranges."""

        def span(values: Any) -> str:
            ends = [float(np.min(values)), float(np.max(values))]
            low, high = (short(end, digits_apart(ends, digits)) for end in ends)
            return low if low == high else f"{low} … {high}"

        codes = f"Q = {short(p.qmin, digits)} … {short(p.qmax, digits)}"
        if p.granularity.whole:
            return f"S = {short(p.scale, digits)}    Z = {p.zero_point}    {codes}"
        count = filled(self.tr("%1 × S, Z"), f"{p.count:,}")
        return f"{count}    S = {span(p.scale)}\nZ = {span(p.zero_point)}    {codes}"
