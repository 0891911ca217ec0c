"""Parameters, source of the arithmetic, and warnings of the active scheme."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from quantoscope.engine import Evaluation, QParams, Scheme
from quantoscope.gui.common.localized_numbers import digits_apart, filled, full, short
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import plain_label, vbox
from quantoscope.gui.document.snapshot import Outcome


class SchemeOutcome(QWidget):
    """Three texts below the form, hidden if empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameters = plain_label(self)
        self.parameters.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.source = plain_label(self, name="schemeSource")
        self.warning = plain_label(self, name="schemeWarning")
        self.warning.setMargin(4)
        vbox(self, self.parameters, self.source, self.warning, spacing=6)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
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
        if outcome is None:
            self._say(self.tr("Computing…"), "")
        elif isinstance(outcome, Evaluation):
            p = outcome.qparams
            self._say(self._numbers(p, digits), "\n".join(outcome.warnings))
            if p.granularity.whole:
                self.parameters.setToolTip(f"S = {full(p.scale)}")
        else:
            self._say("", str(outcome))

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
