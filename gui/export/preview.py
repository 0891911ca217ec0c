"""Preview of an export: a figure that zooms, a page, or the first lines of a text."""

from __future__ import annotations

import re

from PySide6.QtCore import QSizeF, Qt
from PySide6.QtGui import QFontDatabase, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import hbox, plain_label, vbox
from quantoscope.gui.export.figure_view import FigureView
from quantoscope.gui.export.page import Page as FigurePage

_FEATURES = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)
_LINES, _LETTERS = 200, 400
_FIGURE = re.compile(r"!\[(.*?)\]\([^)]*\)")


class Preview(QStackedWidget):
    """Shows what will be written."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = plain_label(self, name="previewSentence")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setMinimumSize(1, 1)
        self.picture = FigureView(self)
        self.picture.zoomed.connect(self._say_zoom)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(self.tr("The first lines of the file"))
        self.page = Page(self)
        self.page.setOpenLinks(False)
        self.page.setTabChangesFocus(True)
        self.page.setAccessibleName(self.tr("The beginning of the report"))
        self._figure = QWidget(self)
        vbox(self._figure, (self.picture, 1), self._zoom_row(), spacing=4)
        for widget in (self.sentence, self._figure, self.text, self.page):
            self.addWidget(widget)
        self.setMinimumSize(220, 150)
        self.restyle(theme)

    def _zoom_row(self) -> QHBoxLayout:
        """Make the buttons below a figure."""
        self.zoom = QLabel(self._figure)
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance("1600 %"))
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.buttons: dict[str, QToolButton] = {}
        for text, name, tip, action in (
            ("−", self.tr("Zoom out"), self.tr("Zoom out (−, or the wheel)"), self._zoom_out),
            ("+", self.tr("Zoom in"), self.tr("Zoom in (+, or the wheel)"), self._zoom_in),
            (self.tr("Fit"), "", self.tr("Show the whole figure (0)"), self.picture.fit),
            ("100 %", "", self.tr("Show an SVG or PDF in its size on paper, a PNG pixel by pixel "
                                  "(1)"), self.picture.full_size),
        ):  # fmt: skip
            button = QToolButton(self._figure)
            button.setText(text)
            button.setAccessibleName(name or text)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(action)
            self.buttons[text] = button
        return hbox(None, 1, self.zoom, *self.buttons.values(), spacing=4)

    def _zoom_in(self) -> None:
        self.picture.step(1)

    def _zoom_out(self) -> None:
        self.picture.step(-1)

    def _say_zoom(self) -> None:
        self.zoom.setText(f"{100 * self.picture.zoom:.0f} %")

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        # A background between both themes, so that the edges of any figure are visible.
        ground = theme.window if theme.dark else "#E4E7EB"
        self.picture.restyle(ground, theme.grid)
        self.sentence.setStyleSheet(
            f"#previewSentence {{ background: {ground}; border: 1px solid {theme.grid}; }}"
        )

    def show_figure(self, page: FigurePage, pixels: tuple[int, int] | None) -> None:
        """Show a figure; ``pixels`` of a PNG."""
        self.picture.show_figure(page.recorded(), QSizeF(page.width, page.height), pixels)
        self._say_zoom()
        self.setCurrentWidget(self._figure)

    def show_sentence(self, sentence: str) -> None:
        """Show why there is no preview."""
        self.sentence.setText(sentence)
        self.setCurrentWidget(self.sentence)

    def show_text(self, text: str) -> None:
        """Show the first lines of a file."""
        self.text.setPlainText(text)
        self.setCurrentWidget(self.text)

    def show_page(self, markdown: str) -> None:
        """Show the start of a report, with names in place of figures."""
        self.page.document().setMarkdown(_FIGURE.sub(r"*\1*", markdown), _FEATURES)
        self.page.moveCursor(QTextCursor.MoveOperation.Start)
        self.setCurrentWidget(self.page)


def beginning(text: str) -> str:
    """Return the first lines of a text, with very long ones cut."""
    lines = text.splitlines()
    shown = [line if len(line) <= _LETTERS else f"{line[:_LETTERS]} …" for line in lines[:_LINES]]
    return "\n".join([*shown, "…"] if len(lines) > _LINES else shown)
