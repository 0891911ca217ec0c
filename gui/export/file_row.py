"""File name row of the export dialog: proposed, typed, or browsed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme, inked
from quantoscope.gui.common.widgets import plain_label
from quantoscope.gui.document.session import Session
from quantoscope.gui.export import choices
from quantoscope.gui.export.form import ExportForm
from quantoscope.gui.export.kinds import KINDS, REPORT, with_ending
from quantoscope.gui.export.report_files import report_paths


class FileRow(QWidget):
    """Proposes a name until the user enters one, then adjusts only its ending."""

    renamed = Signal(bool, arguments=["asked"])
    """The user named another file; ``asked`` if replacing it was confirmed already."""

    def __init__(
        self,
        form: ExportForm,
        session: Session,
        settings: Settings,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._form = form
        self._session = session
        self._settings = settings
        self._by_hand = False
        self.edit = QLineEdit(self)
        self.edit.textEdited.connect(self._on_edited)
        self.edit.editingFinished.connect(self._on_named)
        self.browse = QPushButton(self.tr("&Browse…"), self)
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._browse)
        self.beside = plain_label(self)
        self.restyle(theme)
        label = QLabel(self.tr("File &name"), self)
        label.setBuddy(self.edit)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label, 0, 0)
        layout.addWidget(self.edit, 0, 1)
        layout.addWidget(self.browse, 0, 2)
        layout.addWidget(self.beside, 1, 0, 1, 3)
        layout.setColumnStretch(1, 1)
        self.follow()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.beside.setPalette(inked(theme.muted))

    @property
    def path(self) -> Path:
        """The named file, with an ending of the chosen format."""
        return with_ending(self.edit.text(), self._form.endings)

    @property
    def named(self) -> bool:
        """Whether a name was entered."""
        return bool(self.edit.text().strip() and self.path.name)

    @property
    def targets(self) -> list[Path]:
        """All files to be written, the named one last."""
        path = self.path
        return report_paths(path, self._form.keys) if self._form.kind == REPORT else [path]

    def _on_named(self) -> None:
        """Choose what to export from a complete name: report.html is a report."""
        if self._by_hand:
            self._form.set_kind(Path(self.edit.text().strip()).suffix.lower())

    def settle(self) -> None:
        """Show the name with its ending."""
        if self.named:
            self.edit.setText(str(self.path))

    def follow(self) -> None:
        """Update the name for the choices in the form."""
        if self._by_hand:
            self.settle()
        else:
            self._propose()
        self._name_others()

    def _propose(self) -> None:
        name = choices.proposed_name(self._session, self._form.kind, self._form.keys)
        folder = choices.proposed_folder(self._settings, self._session)
        whole = self.edit.hasFocus() and self.edit.selectedText() == self.edit.text()
        self.edit.setText(str(folder / (name + self._form.endings[0])))
        if whole:
            # Do not change a selected name, which the user is about to overwrite.
            self.edit.selectAll()

    def _name_others(self) -> None:
        """Show which further files will be written."""
        others = [path.name for path in self.targets[:-1]]
        self.beside.setText(filled(self.tr("Also writes: %1"), ", ".join(map(plain, others))))
        self.beside.setVisible(bool(others))

    def _on_edited(self, text: str) -> None:
        self._by_hand = True
        self._form.set_ending(Path(text.strip()).suffix.lower())
        self._name_others()
        self.renamed.emit(False)

    def _browse(self) -> None:
        form = self._form
        filters = {
            f"{form.format.itemText(place)} ({' '.join(f'*{e}' for e in kind.endings)})": place
            for place, kind in enumerate(KINDS[form.kind])
        }
        current = list(filters)[form.format.currentIndex()]
        text, chosen = QFileDialog.getSaveFileName(
            self, self.tr("Export to"), str(self.path), ";;".join(filters), current
        )
        if not text:
            return
        if chosen in filters:
            form.format.setCurrentIndex(filters[chosen])
        form.set_ending(Path(text).suffix.lower())
        self._by_hand = True
        self.edit.setText(text)
        self.settle()
        self._name_others()
        # The file dialog has confirmed it, unless the ending was added afterwards.
        self.renamed.emit(self.path == Path(text))
