"""Evaluator: updates the snapshot after every change of the document."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from quantoscope.engine import Evaluation, QParams, summarize
from quantoscope.engine.analysis.value_trace import stages_of
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.snapshot import DEVICE, Edit, EvaluationJob, Outcome, Snapshot
from quantoscope.gui.workers.background import Background, Ticket

LIVE_LIMIT = 50_000
"""Maximum number of values evaluated within the event of an edit."""
EVALUATE = "evaluate"


class Evaluator(QObject):
    """Creates a snapshot whenever array, schemes or active scheme change."""

    snapshot: Snapshot
    """Of the last evaluation: what panes, plots and exports show."""
    stale = False
    """Whether the document has changed since then."""
    pair: tuple[int, int] | None = None
    """The uids of two schemes to compare, where a view shows the comparison."""
    evaluated = Signal()
    """There is a new snapshot: redraw."""
    stale_changed = Signal()
    """Whether the snapshot is up to date."""

    def __init__(
        self, document: Document, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._background = background
        self._edit: Edit | None = None
        self._replaced = False
        self.snapshot = Snapshot(document.array, summarize(document.array), {})
        document.values_edited.connect(self._on_values_edited)
        document.array_replaced.connect(self._on_array_replaced)
        document.content_changed.connect(self.update)
        background.offered.connect(self._on_offered)

    def outcome(self, uid: int | None) -> Outcome | None:
        """Return the result of a scheme; None if not (yet) computed."""
        return None if uid is None else self.snapshot.outcomes.get(uid)

    @property
    def active_evaluation(self) -> Evaluation | None:
        """The active scheme's evaluation, if there is one."""
        outcome = self.outcome(self._document.active_uid)
        return outcome if isinstance(outcome, Evaluation) else None

    @property
    def fitting_evaluation(self) -> Evaluation | None:
        """The active scheme's evaluation, if its array has the current shape."""
        evaluation = self.active_evaluation
        fits = evaluation is not None and evaluation.codes.shape == self._document.array.shape
        return evaluation if fits else None

    @property
    def awaited(self) -> bool:
        """Whether there are values and schemes, and none has been applied yet."""
        document = self._document
        there = bool(document.array.size and document.entries)
        return self.stale and there and not self.snapshot.outcomes

    @property
    def parameters(self) -> QParams | None:
        """Parameters for displaying the current values, if any fit.

        Those of the snapshot. Until another scheme is computed, it is shown as the one before,
        where both have the same stages.
        """
        entry, evaluation = self._document.active, self.active_evaluation
        if evaluation is not None and not evaluation.qparams.granularity.whole:
            evaluation = self.fitting_evaluation
        if entry is None or evaluation is None:
            return None
        if evaluation.scheme == entry.scheme:
            return evaluation.qparams
        same = self.stale and stages_of(evaluation.scheme) == stages_of(entry.scheme)
        return evaluation.qparams if same else None

    def compare(self, pair: tuple[int, int] | None) -> None:
        """Compare two schemes from now on; None for no comparison."""
        if pair != self.pair:
            self.pair = pair
            if pair is not None:
                self.update()

    def update(self) -> None:
        """Update the snapshot: at once if small, else in the background."""
        document, pair = self._document, self._known_pair()
        job = EvaluationJob(
            document.array,
            document.entries,
            document.active_uid,
            self.snapshot,
            self._edit,
            not self._replaced,
            pair,
            document.device if pair is not None and pair[1] == DEVICE else None,
            document.current.role,
        )
        live = document.array.size <= LIVE_LIMIT or job.ready
        snapshot = job(None) if live else job.quick()
        if snapshot is not None:
            self._background.cancel(EVALUATE)
            self._on_done(snapshot)
        else:
            self._background.start(EVALUATE, job, self._on_done, only_reads=True)
            self._set_stale(True)

    def _known_pair(self) -> tuple[int, int] | None:
        """Return the pair to compare, if both exist and differ."""
        if self.pair is None or self.pair[0] == self.pair[1]:
            return None
        first, second = self.pair
        device = second == DEVICE and self._document.device is not None
        known = device or self._document.entry(second) is not None
        return self.pair if known and self._document.entry(first) is not None else None

    def _on_values_edited(self, edit: Edit) -> None:
        self._edit = edit.after(self._edit)

    def _on_array_replaced(self) -> None:
        self._edit, self._replaced = None, True

    def _take(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._edit, self._replaced = None, False

    def _on_done(self, snapshot: Snapshot) -> None:
        self._take(snapshot)
        self._set_stale(False)
        self.evaluated.emit()

    def _on_offered(self, ticket: Ticket, snapshot: Snapshot) -> None:
        """Show a long array before its schemes are applied."""
        if ticket.kind == EVALUATE and self._background.current(ticket):
            self._take(snapshot)
            self.evaluated.emit()

    def _set_stale(self, stale: bool) -> None:
        if stale != self.stale:
            self.stale = stale
            self.stale_changed.emit()
