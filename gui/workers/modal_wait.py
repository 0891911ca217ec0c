"""Work that has to end before anything else is done, with a dialog that tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QLabel, QProgressDialog, QWidget

from quantoscope.engine.cancellation import Cancellation
from quantoscope.gui.workers.background import Background, Cancelled, Part, Step, Ticket

SHOWN_AFTER = 500
"""Milliseconds of work from which on a dialog tells of it."""


def wait_for(
    background: Background,
    kind: str,
    job: Callable[[Part], Any],
    text: str,
    window: QWidget,
    leave: bool = False,
) -> Any:
    """Run a job off the GUI thread, return what it returns, and let it be cancelled.

    Meanwhile nothing can be edited, and no file that is being read comes in, so that what it
    works on is of one piece.

    Parameters
    ----------
    background : Background
    kind : str
    job : callable
        Gets what ``Ticket.part`` is, to report progress with.
    text : str
        What the dialog says.
    window : QWidget
        Behind the dialog.
    leave : bool
        Whether nobody waits for a cancelled job to end, as it changes nothing; any other one
        ends at its next step.

    Raises
    ------
    Cancelled
    Exception
        Whatever the job raises.
    """
    outcome: list[tuple[Any, BaseException | None]] = []
    stop = Cancellation()
    loop = QEventLoop(window)
    dialog = QProgressDialog("", QCoreApplication.translate("waiting", "Cancel"), 0, 0, window)
    # Its text may hold the name of a file.
    label = QLabel(dialog)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setText(text)
    dialog.setLabel(label)
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setAutoReset(False)
    dialog.setMinimumDuration(SHOWN_AFTER << 10)  # it is shown by hand, and not sooner
    patience = QTimer(loop)
    patience.setSingleShot(True)
    patience.timeout.connect(loop.quit)

    def run(ticket: Ticket) -> tuple[Any, BaseException | None]:
        def part(done: int, total: int) -> Step:
            report = ticket.part(done, total)

            def step(inner: int, of: int) -> None:
                stop.check()
                report(inner, of)

            return step

        try:
            with ticket.cancellation.on_cancel(stop.cancel), stop.watched():
                return job(part), None
        except (Exception, Cancelled) as error:  # handed to whoever waits
            return None, error

    def finished(result: tuple[Any, BaseException | None]) -> None:
        outcome.append(result)
        loop.quit()

    def failed(error: Exception) -> None:
        finished((None, error))

    def progressed(of_kind: str, done: int, total: int) -> None:
        if of_kind == kind and dialog.isVisible() and total:
            dialog.setMaximum(total)
            dialog.setValue(done)

    def cancel() -> None:
        stop.cancel()
        if leave and background.cancel(kind):
            finished((None, Cancelled()))

    background.progressed.connect(progressed)
    with background.await_only(kind):
        if background.start(kind, run, finished, failed, only_reads=leave).cancelled:
            outcome.append((None, Cancelled()))
        else:
            patience.start(SHOWN_AFTER)
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        if not outcome:
            dialog.canceled.connect(cancel)
            dialog.show()
            while not outcome:
                loop.exec()
    background.progressed.disconnect(progressed)
    patience.stop()
    dialog.reset()
    dialog.deleteLater()
    loop.deleteLater()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
