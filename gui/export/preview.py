"""Preview of an export: a miniature figure, a page, or the first lines of a text."""

from __future__ import annotations

import re

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase, QImage, QPixmap, QResizeEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QWidget

from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import plain_label

_FEATURES = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)
_LINES, _LETTERS = 200, 400
_FIGURE = re.compile(r"!\[(.*?)\]\([^)]*\)")


class Preview(QStackedWidget):
    """Shows what will be written."""

    resized = Signal()
    """The size has changed: draw the image again."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = plain_label(self, name="figurePreview")
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setMargin(1)
        self.picture.setMinimumSize(1, 1)
        self.picture.setAccessibleName(self.tr("Preview of the figure"))
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
        for widget in (self.picture, self.text, self.page):
            self.addWidget(widget)
        self.setMinimumSize(220, 150)
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        # A background between both themes, so that the edges of any figure are visible.
        ground = theme.window if theme.dark else "#E4E7EB"
        self.picture.setStyleSheet(
            f"#figurePreview {{ background: {ground}; border: 1px solid {theme.grid}; }}"
        )

    def room(self, width: float, height: float) -> QSize:
        """Return the largest size in device pixels that fits those proportions."""
        ratio = self.devicePixelRatioF()
        across = max(1.0, (self.width() - 16) * ratio)
        down = max(1.0, (self.height() - 16) * ratio)
        scale = min(across / width, down / height)
        return QSize(max(1, round(width * scale)), max(1, round(height * scale)))

    def show_picture(self, image: QImage) -> None:
        """Show a figure drawn in the size from ``room``."""
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self.picture.setPixmap(pixmap)
        self.setCurrentWidget(self.picture)

    def show_sentence(self, sentence: str) -> None:
        """Show why there is no preview."""
        self.picture.setText(sentence)
        self.setCurrentWidget(self.picture)

    def show_text(self, text: str) -> None:
        """Show the first lines of a file."""
        self.text.setPlainText(text)
        self.setCurrentWidget(self.text)

    def show_page(self, markdown: str) -> None:
        """Show the start of a report, with names in place of figures."""
        self.page.document().setMarkdown(_FIGURE.sub(r"*\1*", markdown), _FEATURES)
        self.page.moveCursor(QTextCursor.MoveOperation.Start)
        self.setCurrentWidget(self.page)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


def beginning(text: str) -> str:
    """Return the first lines of a text, with very long ones cut."""
    lines = text.splitlines()
    shown = [line if len(line) <= _LETTERS else f"{line[:_LETTERS]} …" for line in lines[:_LINES]]
    return "\n".join([*shown, "…"] if len(lines) > _LINES else shown)
