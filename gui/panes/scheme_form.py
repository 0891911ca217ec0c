"""Form of the active scheme; every edit applies live and merges into one undo step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QCheckBox, QFormLayout, QFrame, QLabel, QSizePolicy, QWidget

from quantoscope.engine import (
    MAPPINGS,
    QUANTIZERS,
    RUNTIMES,
    Calibration,
    Evaluation,
    Granularity,
    Scheme,
    SchemeError,
)
from quantoscope.engine.calibration import METHODS
from quantoscope.engine.formats import in_menu_order, parse_format
from quantoscope.engine.numerics.arithmetic import ROUNDINGS, parse_rounding
from quantoscope.engine.text.number_parsing import NumberError, parse_number
from quantoscope.gui.common.localized_numbers import (
    as_typed,
    digits_within,
    filled,
    short,
    tidy,
    typed_number,
)
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme, inked
from quantoscope.gui.common.widgets import name_fields, plain_label, vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry
from quantoscope.gui.panes.form_fields import (
    ChoiceBox,
    FormField,
    number_in,
    numbers_in,
    row_of,
    same_scheme,
    set_text,
    stacked,
)
from quantoscope.gui.panes.granularity_row import GranularityRow
from quantoscope.gui.panes.scheme_outcome import SchemeOutcome
from quantoscope.gui.panes.style_row import StyleRow

_TIP = Qt.ItemDataRole.ToolTipRole


class SchemeForm(QWidget):
    """Shows and edits the active scheme, with error messages below fields."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self._build()
        session.entries_changed.connect(self.fill)
        session.active_changed.connect(self.fill)
        session.array_settled.connect(self.fill)
        session.evaluator.evaluated.connect(self._show_outcome)
        settings.digits_changed.connect(self._show_outcome)
        self.restyle(theme)
        self.fill()

    def _build(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.text = FormField(self)
        self.text.setPlaceholderText("int8 symmetric")
        self.text.setToolTip(
            self.tr("The scheme as text: format, mapping and calibration in any order")
        )
        self.text.textEdited.connect(self._on_text)
        self._text_problem = self._problem_label()
        form.addRow(self.tr("Sche&me"), stacked(self.text, self._text_problem))
        self.format = ChoiceBox(self)
        self.format.addItems([fmt.name for fmt in in_menu_order()])
        self.format.setMaxVisibleItems(30)
        self.format.textActivated.connect(self._on_format)
        form.addRow(self.tr("Forma&t"), self.format)
        self.mapping = ChoiceBox(self)
        self.mapping.setPlaceholderText(self.tr("its own"))
        for name, quantizer in MAPPINGS.items():
            self.mapping.addItem(name)
            self.mapping.setItemData(self.mapping.count() - 1, quantizer.summary, _TIP)
        self.mapping.textActivated.connect(self._on_mapping)
        form.addRow(self.tr("Ma&pping"), self.mapping)
        self.calibration = ChoiceBox(self)
        for method in METHODS.values():
            self.calibration.addItem(method.name, method.name)
            tip = self.tr(method.summary) + (f"\n{method.source}" if method.source else "")
            self.calibration.setItemData(self.calibration.count() - 1, tip, _TIP)
        self.calibration.activated.connect(self._on_calibration)
        self.numbers = FormField(self)
        self.numbers.setAccessibleName(self.tr("Parameters of the calibration"))
        self.numbers.textEdited.connect(self._on_numbers)
        self._numbers_problem = self._problem_label()
        chosen = row_of((self.calibration, 3), (self.numbers, 2))
        chosen.setFocusProxy(self.calibration)
        form.addRow(self.tr("Ran&ge"), stacked(chosen, self._numbers_problem))
        self.low, self.high = FormField(self), FormField(self)
        self._range_problem = self._problem_label()
        for field, name in ((self.low, self.tr("Rmin")), (self.high, self.tr("Rmax"))):
            field.setAccessibleName(name)
            field.setToolTip(filled(self.tr("%1, an end of the clipping range"), name))
            field.textEdited.connect(self._on_range)
        ends = row_of(self.low, QLabel("…", self), self.high)
        form.addRow(self.tr("Rmin … Rmax"), stacked(ends, self._range_problem))
        self.granularity = GranularityRow(self)
        self.granularity.chosen.connect(self._on_granularity)
        form.addRow(self.tr("Gran&ularity"), self.granularity)
        self.runtime = ChoiceBox(self)
        self.runtime.addItem(self.tr("textbook formulas"), "")
        for runtime in RUNTIMES.values():
            self.runtime.addItem(f"@{runtime.name}", runtime.name)
            tip = f"{runtime.title}: {runtime.status}"
            self.runtime.setItemData(self.runtime.count() - 1, tip, _TIP)
        self.runtime.activated.connect(self._on_runtime)
        form.addRow(self.tr("&Arithmetic"), self.runtime)
        self.rounding = ChoiceBox(self)
        self.rounding.setPlaceholderText(self.tr("its own"))
        for rounding in ROUNDINGS.values():
            self.rounding.addItem(rounding.name)
            self.rounding.setItemData(self.rounding.count() - 1, self.tr(rounding.summary), _TIP)
        self.rounding.textActivated.connect(self._on_rounding)
        self.pow2 = QCheckBox(self.tr("S = &2ⁿ"), self)
        self.pow2.setToolTip(self.tr("Raise the scale to a power of two (pow2)"))
        self.pow2.clicked.connect(self._on_pow2)
        rounding_row = row_of((self.rounding, 1), self.pow2)
        rounding_row.setFocusProxy(self.rounding)
        form.addRow(self.tr("R&ounding"), rounding_row)
        self.label = FormField(self)
        self.label.setPlaceholderText(self.tr("as the scheme"))
        self.label.textEdited.connect(self._on_label)
        form.addRow(self.tr("&Name"), self.label)
        self.style_row = StyleRow(self)
        self.style_row.chosen.connect(self._on_style)
        form.addRow(self.tr("Style"), self.style_row)
        chosen_by = (self.format, self.mapping, self.calibration, self.rounding, self.runtime)
        for box in (*chosen_by, self.granularity):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for field in (self.text, self.low, self.high, self.label):
            field.setMinimumWidth(48)
        self.result = SchemeOutcome(self)
        self.outcome, self.warning = self.result.parameters, self.result.warning
        line = QFrame(self)
        line.setFrameShape(QFrame.Shape.HLine)
        line.setFrameShadow(QFrame.Shadow.Sunken)
        vbox(self, form, line, self.result, 1, margins=(6, 6, 6, 4), spacing=6)
        name_fields(form)

    def _problem_label(self) -> QLabel:
        label = plain_label(self, name="fieldProblem")
        label.hide()
        return label

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        for label in (self._text_problem, self._numbers_problem, self._range_problem):
            label.setPalette(inked(theme.alarm))
        self.result.restyle(theme)
        self._show_style()
        self._show_ends()

    def _show_style(self) -> None:
        entry = self._session.active
        if entry is not None:
            self.style_row.show_entry(entry, self._theme)

    # From the session

    def fill(self) -> None:
        """Show the active scheme; a field being edited keeps its text."""
        entry = self._session.active
        self.setEnabled(entry is not None)
        if entry is None:
            self.result.show_nothing()
            return
        scheme = entry.scheme
        if not (self.text.hasFocus() and not self._text_problem.isHidden()):
            set_text(self.text, str(scheme), keep=same_scheme(self.text.text(), scheme))
            self._text_problem.hide()
        self.format.setCurrentText(scheme.format.name)
        self.mapping.setCurrentIndex(self.mapping.findText(scheme.mapping))
        self.mapping.setToolTip(QUANTIZERS[scheme.mapping].summary)
        shape, role = self._session.array.shape, self._session.current.role
        self.granularity.show_granularity(scheme.granularity, shape, role)
        self.runtime.setCurrentIndex(self.runtime.findData(scheme.runtime))
        self.runtime.setEnabled(not scheme.format.mapping)
        self._show_rounding(scheme)
        self.result.show_source(scheme)
        manual = scheme.calibration.fixed is not None
        method = METHODS[scheme.calibration.method]
        self.calibration.setCurrentIndex(self.calibration.findData(method.name))
        self.calibration.setToolTip(self.tr(method.summary))
        self.calibration.setEnabled(not scheme.fixed_range)
        self.numbers.setVisible(not manual and max(method.counts) > 0)
        self.numbers.setToolTip(method.signature)
        self.numbers.setPlaceholderText(self.tr("automatic"))
        numbers = tuple(scheme.calibration.arguments)
        if numbers_in(self.numbers.text(), max(method.counts)) != numbers:
            texts = map(as_typed, numbers)
            set_text(self.numbers, ", ".join(texts))
        self._numbers_problem.hide()
        self._show_ends()
        if manual:
            for field, number in zip(
                (self.low, self.high), scheme.calibration.arguments, strict=True
            ):
                if number_in(field.text()) != number:
                    set_text(field, as_typed(number))
            self._range_problem.hide()
        set_text(self.label, entry.label)
        self._show_style()
        self._show_outcome()

    def _show_ends(self) -> None:
        """Show range ends that follow from the data as placeholders."""
        entry = self._session.active
        manual = entry is not None and entry.scheme.calibration.fixed is not None
        for field in (self.low, self.high):
            field.setReadOnly(not manual)
            look = inked(self._theme.muted)
            look.setColor(QPalette.ColorRole.Base, self._theme.window)
            field.setPalette(QPalette() if manual else look)

    def _show_rounding(self, scheme: Scheme) -> None:
        """Show the rounding, if it can be chosen; a seed is added to the choices."""
        own = bool(scheme.runtime) or scheme.format.nearest_only
        how = parse_rounding(scheme.rounding)
        if how is not None and self.rounding.findText(how.name) < 0:
            place = self.rounding.count() - 1
            self.rounding.setItemText(place, how.name)
        self.rounding.setCurrentIndex(self.rounding.findText("" if own else scheme.rounding))
        if how is not None:
            self.rounding.setToolTip(self.tr(how.summary))
        self.rounding.setEnabled(not own)
        self.pow2.setChecked(scheme.pow2)
        self.pow2.setEnabled(not (scheme.runtime or scheme.format.mapping))

    def _show_outcome(self) -> None:
        entry = self._session.active
        if entry is None:
            return
        outcome = self._session.evaluator.outcome(entry.uid)
        self.result.show_outcome(outcome, self._settings.digits)
        if entry.scheme.calibration.fixed is not None:
            return
        if not isinstance(outcome, Evaluation):
            self.low.clear()
            self.high.clear()
            return
        several = not outcome.qparams.granularity.whole
        low, high = outcome.qparams.range
        for field, number in ((self.low, low), (self.high, high)):
            digits = self._settings.digits
            if not several:
                digits = digits_within(number, high - low, digits)
            set_text(field, "" if several else short(number, digits))
            field.setPlaceholderText(self.tr("various") if several else "")

    # To the session

    def _change(self, scheme: Scheme, place: str = "") -> None:
        entry = self._session.active
        if entry is not None:
            commands.set_scheme(self._session, entry.uid, scheme, place)

    def _adapt(self, place: str = "", **changes: Any) -> None:
        entry = self._session.active
        if entry is not None:
            self._change(entry.scheme.adapted(**changes), place)

    def _on_text(self, text: str) -> None:
        try:
            scheme = Scheme.parse(text)
        except SchemeError as error:
            _show(self._text_problem, str(error))
            return
        self._text_problem.hide()
        self._change(scheme, "text")

    def _on_format(self, name: str) -> None:
        fmt = parse_format(name)
        if fmt is not None:
            self._adapt(format=fmt)

    def _on_mapping(self, name: str) -> None:
        self._adapt(mapping=name)

    def _on_granularity(self, granularity: Granularity) -> None:
        self._adapt("granularity", granularity=granularity)

    def _on_runtime(self, place: int) -> None:
        self._adapt(runtime=self.runtime.itemData(place))

    def _on_rounding(self, name: str) -> None:
        self._adapt(rounding=name)

    def _on_pow2(self, on: bool) -> None:
        self._adapt(pow2=on)

    def _on_calibration(self, place: int) -> None:
        entry = self._session.active
        if entry is None:
            return
        name = self.calibration.itemData(place)
        method = METHODS[name]
        if not method.by_hand:
            calibration = Calibration(name, method.first)
            self._change(replace(entry.scheme, calibration=calibration))
            return
        outcome = self._session.evaluator.outcome(entry.uid)
        low, high = -1.0, 1.0
        if isinstance(outcome, Evaluation):
            p = outcome.qparams
            ends = np.min(p.range[0]), np.max(p.range[1])
            low, high = (tidy(end, p.dtype) for end in ends)
        self._change(entry.scheme.with_range(low, high if high > low else low + 1.0))

    def _on_numbers(self, text: str) -> None:
        entry = self._session.active
        if entry is None:
            return
        most = max(METHODS[entry.scheme.calibration.method].counts)
        numbers = numbers_in(text, most)
        try:
            if numbers is None and most == 1:
                raise ValueError(str(typed_number(text)).removesuffix("."))
            if numbers is None:
                raise ValueError(filled(self.tr("'%1' is not a list of numbers"), text))
            calibration = Calibration(entry.scheme.calibration.method, numbers)
        except ValueError as error:
            _show(self._numbers_problem, f"{error}.")
            return
        self._numbers_problem.hide()
        self._change(replace(entry.scheme, calibration=calibration), "numbers")

    def _on_range(self) -> None:
        entry = self._session.active
        if entry is None:
            return
        try:
            ends = (parse_number(self.low.text()), parse_number(self.high.text()))
            calibration = entry.scheme.with_range(*ends).calibration
        except NumberError as error:
            _show(self._range_problem, str(error))
            return
        except ValueError as error:
            _show(self._range_problem, f"{error}.")
            return
        self._range_problem.hide()
        self._change(replace(entry.scheme, calibration=calibration), "range")

    def _on_label(self, text: str) -> None:
        self._update(self.tr("Rename %1"), "label", label=text.strip())

    def _on_style(self, key: str, place: int) -> None:
        self._update(self.tr("Change the style of %1"), "", **{key: place})

    def _update(self, text: str, merge: str, **changes: object) -> None:
        entry = self._session.active
        if entry is None:
            return

        def changed(old: Entry) -> Entry:
            return replace(old, **changes)  # type: ignore[arg-type]

        text = filled(text, entry.name)
        commands.update_entry(self._session, entry.uid, changed, text, merge)


def _show(label: QLabel, text: str) -> None:
    label.setText(text)
    label.show()
