"""Session of a window: document, evaluator and view state."""

from __future__ import annotations

from PySide6.QtCore import QObject

from quantoscope.gui.document.document import Document
from quantoscope.gui.document.evaluator import Evaluator
from quantoscope.gui.document.view_state import ViewState
from quantoscope.gui.workers.background import Background
from quantoscope.gui.workers.paint_queue import PaintQueue


class Session(Document):
    """A document with its evaluator and view state.

    An edit flows one way: a command changes the document, the document tells the evaluator, and
    the panes and plots show the evaluator's snapshot.

    Attributes
    ----------
    evaluator : Evaluator
        Makes the snapshot that views read.
    view : ViewState
        What is looked at.
    background : Background
        Runs what takes long.
    paint_queue : PaintQueue
        In which views of long arrays are painted.
    """

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.background = background
        self.paint_queue = PaintQueue(self)
        self.evaluator = Evaluator(self, background, self)
        # First of all that listens to the document: what is chosen lies in the array by then.
        self.view = ViewState(self, self.evaluator, self)
