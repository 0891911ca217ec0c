"""Dialog for a new array: random values of a distribution, or empty."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.text.shape_text import parse_shape
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.number_fields import WholeField, all_taken

MAX_COUNT = 10_000_000
Sampler = Callable[[np.random.Generator, int], np.ndarray]

DISTRIBUTIONS: tuple[tuple[str, str, Sampler], ...] = (
    ("normal", "Normal, mean 0, deviation 1", lambda g, n: g.standard_normal(n)),
    ("uniform", "Uniform in [−1, 1]", lambda g, n: g.uniform(-1, 1, n)),
    ("laplace", "Laplace, scale 1", lambda g, n: g.laplace(0, 1, n)),
    ("student", "Student t, 3 degrees: heavy tails", lambda g, n: g.standard_t(3, n)),
    ("lognormal", "Log-normal: positive, skewed", lambda g, n: g.lognormal(0, 1, n)),
    ("relu", "Normal, negative values set to 0", lambda g, n: np.maximum(g.standard_normal(n), 0)),
    ("ramp", "Ramp from −1 to 1", lambda g, n: np.linspace(-1, 1, n)),
    ("zeros", "Zeros", lambda g, n: np.zeros(n)),
)


class NewArrayDialog(QDialog):
    """Asks for a shape, a distribution and a seed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New array"))
        self.kind = QComboBox(self)
        self.kind.addItem(self.tr("Empty: start typing or paste"), "empty")
        for key, name, _ in DISTRIBUTIONS:
            self.kind.addItem(self.tr(name), key)
        self.kind.setCurrentIndex(1)
        self.shape = QLineEdit("1000", self)
        self.shape.setToolTip(self.tr("One length, such as 1000, or several, such as 1024x2816"))
        self.seed = WholeField(self)
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip(self.tr("The same seed gives the same numbers"))
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        form = QFormLayout()
        form.addRow(self.tr("&Values"), self.kind)
        form.addRow(self.tr("S&hape"), self.shape)
        form.addRow(self.tr("&Seed"), self.seed)
        form.addRow("", self.note)
        buttons = self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText(self.tr("Create"))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.kind.currentIndexChanged.connect(self._on_change)
        self.shape.textChanged.connect(self._on_change)
        self._on_change()

    def accept(self) -> None:
        possible = self.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()
        if possible and all_taken(self):
            super().accept()

    def lengths(self) -> tuple[int, ...]:
        """The length of each axis.

        Raises
        ------
        ValueError
            With a sentence, if the text is no shape, or one of too many values.
        """
        lengths = parse_shape(self.shape.text())
        if not 1 <= math.prod(lengths) <= MAX_COUNT:
            text = self.tr("An array made here has from 1 to %1 values.")
            raise ValueError(filled(text, f"{MAX_COUNT:,}"))
        return lengths

    def _on_change(self) -> None:
        key = self.kind.currentData()
        self.shape.setEnabled(key != "empty")
        self.seed.setEnabled(key not in ("empty", "ramp", "zeros"))
        text, possible = self.tr("float32, no values yet"), True
        if key != "empty":
            try:
                lengths = self.lengths()
            except ValueError as error:
                text, possible = str(error), False
            else:
                axes = self.tr("one axis") if len(lengths) == 1 else self.tr("%1 axes")
                axes, count = filled(axes, len(lengths)), f"{math.prod(lengths):,}"
                text = filled(self.tr("float32, %1, values: %2"), axes, count)
        self.note.setText(text)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(possible)

    def title(self) -> str:
        """Title of the array."""
        if self.kind.currentData() == "empty":
            return self.tr("untitled")
        lengths = self.lengths()
        text = self.tr("%1 × %2") if len(lengths) == 1 else self.tr("%1, %2")
        if self.seed.isEnabled():
            text = self.tr("%1 × %2, seed %3") if len(lengths) == 1 else self.tr("%1, %2, seed %3")
        shape = "×".join(map("{:,}".format, lengths))
        return filled(text, shape, self.kind.currentText(), self.seed.value())

    def array(self) -> FloatArray:
        """The requested array, float32."""
        samplers = {key: sampler for key, _, sampler in DISTRIBUTIONS}
        sampler = samplers.get(self.kind.currentData())
        if sampler is None:
            return np.zeros(0, np.float32)
        generator = np.random.default_rng(self.seed.value())
        lengths = self.lengths()
        return sampler(generator, math.prod(lengths)).astype(np.float32).reshape(lengths)
