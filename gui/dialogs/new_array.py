"""Dialog for a new array: random values of a distribution, or empty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from quantoscope.engine.numerics.arrays import FloatArray
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
    """Asks for a count, a distribution and a seed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New array"))
        self.kind = QComboBox(self)
        self.kind.addItem(self.tr("Empty: start typing or paste"), "empty")
        for key, name, _ in DISTRIBUTIONS:
            self.kind.addItem(self.tr(name), key)
        self.kind.setCurrentIndex(1)
        self.count = WholeField(self)
        self.count.setRange(1, MAX_COUNT)
        self.count.setValue(1000)
        self.count.setGroupSeparatorShown(True)
        self.count.setAccelerated(True)
        self.seed = WholeField(self)
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip(self.tr("The same seed gives the same numbers"))
        note = QLabel(
            filled(self.tr("float32, one axis, %1 values at most"), f"{MAX_COUNT:,}"), self
        )
        form = QFormLayout()
        form.addRow(self.tr("&Values"), self.kind)
        form.addRow(self.tr("&Count"), self.count)
        form.addRow(self.tr("&Seed"), self.seed)
        form.addRow("", note)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText(self.tr("Create"))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.kind.currentIndexChanged.connect(self._on_kind)

    def accept(self) -> None:
        if all_taken(self):
            super().accept()

    def _on_kind(self) -> None:
        key = self.kind.currentData()
        self.count.setEnabled(key != "empty")
        self.seed.setEnabled(key not in ("empty", "ramp", "zeros"))

    def title(self) -> str:
        """Title of the array."""
        if self.kind.currentData() == "empty":
            return self.tr("untitled")
        text = self.tr("%1 × %2, seed %3") if self.seed.isEnabled() else self.tr("%1 × %2")
        return filled(text, f"{self.count.value():,}", self.kind.currentText(), self.seed.value())

    def array(self) -> FloatArray:
        """The requested array, float32, shape (count,)."""
        samplers = {key: sampler for key, _, sampler in DISTRIBUTIONS}
        sampler = samplers.get(self.kind.currentData())
        if sampler is None:
            return np.zeros(0, np.float32)
        generator = np.random.default_rng(self.seed.value())
        return sampler(generator, self.count.value()).astype(np.float32)
