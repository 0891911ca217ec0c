"""Numbers from and to the clipboard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from quantoscope.engine.text.html_table import cells_of_html
from quantoscope.engine.text.number_parsing import AmbiguousBlock, NumberBlock, NumberError
from quantoscope.engine.text.paste import Pasted, pasted_cells, read
from quantoscope.engine.text.spreadsheet import tab_line
from quantoscope.gui.common.widgets import Button, ask
from quantoscope.gui.workers.background import Background, Cancelled
from quantoscope.gui.workers.modal_wait import wait_for

LONG = 1 << 17
"""Maximum length of text parsed on the GUI thread."""
_tr = partial(QCoreApplication.translate, "clipboard")


@dataclass(frozen=True)
class Content:
    """Text on the clipboard; ``html`` if it is the source of a page."""

    text: str
    html: bool = False

    def read(self) -> Pasted:
        """Parse the numbers; raises like ``engine.text.paste.read``."""
        return read(cells_of_html(self.text) if self.html else self.text)


def clipboard_content() -> Content:
    """Return the clipboard's text, or its HTML if there is nothing else."""
    mime = QGuiApplication.clipboard().mimeData()
    text = QGuiApplication.clipboard().text()
    if not text.strip() and mime.hasHtml():
        return Content(mime.html(), html=True)
    return Content(text)


def put_on_clipboard(text: str) -> None:
    """Copy a text to the clipboard."""
    QGuiApplication.clipboard().setText(text)


def cells_text(rows: list[list[str]]) -> str:
    """Return cells separated by tabs and line ends, for spreadsheets."""
    return "\n".join(map(tab_line, rows)) + "\n"


def read_pasted(content: Content, background: Background, parent: QWidget) -> Pasted | str:
    """Parse copied numbers, asking if there are two readings.

    A long text is parsed off the GUI thread, with a progress dialog.

    Return a sentence if there are no numbers, and an empty one if the user
    chooses neither reading.
    """
    if not content.text.strip():
        return _tr("The clipboard holds no text to paste.")
    try:
        if len(content.text) <= LONG:
            return content.read()
        told = _tr("Reading what was pasted…")
        # Parsing cannot be interrupted, but changes nothing: after Cancel, do not wait for it.
        return wait_for(background, "paste", lambda part: content.read(), told, parent, leave=True)
    except Cancelled:
        return ""
    except AmbiguousBlock as error:
        block = _ask(error, parent)
        return "" if block is None else pasted_cells(block)
    except NumberError as error:
        return str(error)


def _ask(error: AmbiguousBlock, parent: QWidget) -> NumberBlock | None:
    text = _tr("These numbers can be read in two ways. Which one is meant?")
    role = QMessageBox.ButtonRole.AcceptRole
    buttons: list[Button] = [(block.description, role) for block in error.readings]
    buttons.append(QMessageBox.StandardButton.Cancel)
    answer = ask(parent, QMessageBox.Icon.Question, _tr("Paste"), text, buttons)
    return error.readings[answer] if 0 <= answer < len(error.readings) else None
