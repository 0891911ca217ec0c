"""Dialog for the dtype and shape of a raw file of device codes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from quantoscope.engine import Scheme
from quantoscope.engine.analysis.device_codes import DTYPES, is_npy, raw_problem, read_codes
from quantoscope.engine.io import FormatError
from quantoscope.engine.io.base import label
from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.engine.text.file_names import as_text
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.widgets import name_fields, plain_label
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import DeviceCodes
from quantoscope.gui.workers.background import Cancelled, PartProgress
from quantoscope.gui.workers.modal_wait import wait_for


class CodesDump(QDialog):
    """Asks for dtype, shape and byte order, and checks them against the file's size."""

    def __init__(
        self, path: Path, dtype: str, shape: tuple[int, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._path = path
        self.setWindowTitle(filled(self.tr("Codes in %1"), label(path)))
        self.dtype = QComboBox(self)
        self.dtype.addItems(list(DTYPES))
        self.dtype.setCurrentText(dtype)
        self.shape = QLineEdit("×".join(map(str, shape)), self)
        self.shape.setToolTip(self.tr("The length of each axis, such as 64×3×3"))
        self.big_endian = QCheckBox(self.tr("&Big-endian: most significant byte first"), self)
        self.verdict = plain_label(self)
        self.verdict.setAccessibleName(self.tr("Whether the file fits"))
        form = QFormLayout()
        form.addRow(self.tr("&Type of a code"), self.dtype)
        form.addRow(self.tr("&Shape"), self.shape)
        form.addRow("", self.big_endian)
        name_fields(form)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel, self
        )
        self.open_button = buttons.button(QDialogButtonBox.StandardButton.Open)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.verdict)
        layout.addWidget(buttons)
        self.dtype.currentTextChanged.connect(self._judge)
        self.shape.textChanged.connect(self._judge)
        self._judge()
        self.shape.setFocus()

    def lengths(self) -> tuple[int, ...] | None:
        """The shape entered; None if it is invalid."""
        parts = self.shape.text().strip("()[] ")
        for mark in "×x*,":
            parts = parts.replace(mark, " ")
        lengths = parts.split()
        whole = all(part.isdecimal() and len(part) < 16 for part in lengths)
        return tuple(map(int, lengths)) if lengths and whole else None

    def _judge(self) -> None:
        lengths = self.lengths()
        if lengths is None:
            problem = self.tr("Type the length of each axis, such as 64×3×3.")
        else:
            try:
                problem = raw_problem(self._path, self.dtype.currentText(), lengths)
            except FormatError as error:
                problem = str(error)
        self.open_button.setEnabled(not problem)
        self.verdict.setText(problem or self.tr("The length of the file fits."))


def dump_dtype(scheme: Scheme) -> str:
    """Return the likely dtype of a device's dump of a scheme's codes."""
    fmt = scheme.format
    for name, low, high in (("int8", -128, 127), ("uint8", 0, 255), ("int16", -(2**15), 2**15 - 1),
                            ("uint16", 0, 2**16 - 1)):  # fmt: skip
        if low <= fmt.qmin and fmt.qmax <= high:
            return name
    return "int32"


def ask_codes(session: Session, scheme: Scheme | None, folder: str, parent: QWidget) -> str:
    """Ask for a file of codes and add it to the session; return a sentence on failure."""
    title = QCoreApplication.translate("CodesDump", "Codes from a device")
    name, _ = QFileDialog.getOpenFileName(parent, title, folder)
    if not name:
        return ""
    path = Path(name)
    try:
        told: dict[str, Any] = {}
        if not is_npy(path):
            dtype = "int8" if scheme is None else dump_dtype(scheme)
            dialog = CodesDump(path, dtype, session.array.shape, parent)
            accepted = dialog.exec() == QDialog.DialogCode.Accepted
            dialog.deleteLater()
            if not accepted:
                return ""
            told = {
                "dtype": dialog.dtype.currentText(),
                "shape": dialog.lengths(),
                "big_endian": dialog.big_endian.isChecked(),
            }
        text = filled(QCoreApplication.translate("CodesDump", "Reading %1…"), as_text(path.name))
        job = partial(_read, path, told)
        codes = wait_for(session.background, "codes", job, text, parent, leave=True)
    except Cancelled:
        return ""
    except FormatError as error:
        return str(error)
    session.take_device(DeviceCodes(label(path), codes))
    return ""


def _read(path: Path, told: dict[str, Any], part: PartProgress) -> IntArray:
    return read_codes(path, **told)
