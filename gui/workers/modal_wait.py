"""Run a job behind a modal progress dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QProgressDialog, QWidget

from quantoscope.engine.cancellation import Cancellation
from quantoscope.gui.common.widgets import plain_label
from quantoscope.gui.workers.background import Background, Cancelled, PartProgress, Progress, Ticket

SHOWN_AFTER = 500
"""Milliseconds after which the dialog appears."""


def wait_for(
    background: Background,
    kind: str,
    job: Callable[[PartProgress], Any],
    text: str,
    window: QWidget,
    leave: bool = False,
) -> Any:
    """Run a job off the GUI thread and return its result; the user can cancel it.

    Meanwhile edits are blocked and loaded files are held back, so that the job's data stays
    consistent.

    The job is called with a function like ``Ticket.part`` for progress. A cancelled job is waited
    for until its next step, unless ``leave`` states that it changes nothing.

    Raises
    ------
    Cancelled
    Exception
        Any exception of the job.
    """
    outcome: list[tuple[Any, BaseException | None]] = []
    stop = Cancellation()
    loop = QEventLoop(window)
    dialog = QProgressDialog("", QCoreApplication.translate("waiting", "Cancel"), 0, 0, window)
    # The text may contain a file name.
    label = plain_label(dialog, text, wrap=False)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    dialog.setLabel(label)
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setAutoReset(False)
    dialog.setMinimumDuration(SHOWN_AFTER << 10)  # shown explicitly, not by Qt
    patience = QTimer(loop, singleShot=True)
    patience.timeout.connect(loop.quit)

    def run(ticket: Ticket) -> tuple[Any, BaseException | None]:
        def part(done: int, total: int) -> Progress:
            report = ticket.part(done, total)

            def step(inner: int, of: int) -> None:
                stop.check()
                report(inner, of)

            return step

        try:
            with ticket.cancellation.on_cancel(stop.cancel), stop.watched():
                return job(part), None
        except (Exception, Cancelled) as error:  # re-raised in the caller
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
