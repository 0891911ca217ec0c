"""Results model: one row per enabled scheme, one column per metric, the best marked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from quantoscope.engine import METRICS, Evaluation, Metric, QParams, metrics_of
from quantoscope.engine.analysis.worth import Offer, narrowest, rivals
from quantoscope.engine.evaluation.definitions import SQNR_DEFINITIONS, Definition
from quantoscope.engine.evaluation.metrics import DATA_UNIT, METRIC
from quantoscope.gui.common.localized_numbers import (
    digits_apart,
    filled,
    full,
    position_text,
    short,
)
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import bold
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry, Outcome
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.schemes import entry_icon

SORT_ROLE = Qt.ItemDataRole.UserRole
ROLES = {
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.DecorationRole,
    Qt.ItemDataRole.EditRole,
    Qt.ItemDataRole.FontRole,
    Qt.ItemDataRole.TextAlignmentRole,
    Qt.ItemDataRole.ToolTipRole,
    SORT_ROLE,
}
BEST, COSTLIER = "★", "☆"
"""Marks: best of the cheapest schemes; best of the schemes with at most as many bits."""
WARNED = "⚠"


@dataclass(frozen=True, eq=False)
class Figures:
    """Displayed metrics of an evaluation: of all values, or of the channel in focus."""

    evaluation: Evaluation
    metrics: Mapping[str, float]
    qparams: QParams

    @property
    def offer(self) -> Offer:
        """Bits and SQNR, for comparing schemes."""
        bits = self.evaluation.metrics["bits_per_value"]
        return Offer(bits, self.qparams.format.bits, self.metrics["sqnr"])

    def position(self, value: float) -> str:
        """Return a position as text; – if there is none."""
        if math.isnan(value) or value < 0:
            return "–"
        return position_text(int(value), self.evaluation.codes.shape)


@dataclass(frozen=True)
class Column:
    """A column of the results: a metric, or a parameter shown like one.

    ``value`` returns a number, or an array for per-channel parameters.
    """

    metric: Metric
    value: Callable[[Figures], Any]


def _parameter(
    key: str, name: str, formula: str, unit: str, value: Callable[[Figures], Any]
) -> Column:
    return Column(Metric(key, name, formula, unit, "", lambda _: math.nan), value)


def _metric(metric: Metric) -> Column:
    return Column(metric, lambda figures: figures.metrics[metric.key])


def _of_sqnr(definition: Definition) -> Column:
    return Column(definition.metric, lambda f: definition.of_db(f.metrics["sqnr"]))


_FIRST = (
    "bits_per_value", "clipped_low", "clipped_high", "rmse", "max_abs_error",
    "max_abs_error_index",
)  # fmt: skip
"""What is looked at first, after SQNR."""
_OTHERS: tuple[Column, ...] = (
    *(_metric(METRIC[key]) for key in _FIRST),
    _parameter(
        "scale", "S", "the scale: what a step of Q is worth", DATA_UNIT, lambda f: f.qparams.scale
    ),
    _parameter("zero_point", "Z", "the code of the value 0", "", lambda f: f.qparams.zero_point),
    *(_metric(m) for m in METRICS[1:] if m.key not in (*_FIRST, "codes_available")),
)
SQNR_COLUMNS = {definition.key: _of_sqnr(definition) for definition in SQNR_DEFINITIONS}
"""The first column, in each definition."""
COLUMNS: tuple[Column, ...] = (SQNR_COLUMNS["dB"], *_OTHERS)


def marks_of(
    columns: Iterable[Column], shown: Sequence[Figures], digits: int = 6
) -> tuple[Mapping[str, str], ...]:
    """Return the marks of each scheme's metrics, by key.

    Figures that agree in so many significant digits, as they are shown, are equal.

    A metric is best among the schemes with at most as many bits, or with more that their SQNR
    repays (``worth.rivals``): ★ among the cheapest, ☆ for a scheme that is better with more bits.
    Nothing is marked if a metric is equal for all.
    """
    marks: tuple[dict[str, str], ...] = tuple({} for _ in shown)
    if not shown:
        return marks
    offers = [figures.offer for figures in shown]
    cheap, fair = narrowest(offers), [rivals(offers, place) for place in range(len(shown))]
    for column in columns:
        metric = column.metric
        if not metric.better:
            continue
        sign = {"higher": -1.0, "lower": 1.0}.get(metric.better)
        found = [float(column.value(figures)) for figures in shown]
        costs = [_rounded(abs(value) if sign is None else sign * value, digits) for value in found]
        if len({cost for cost in costs if not math.isnan(cost)}) < 2:
            continue
        for place, cost in enumerate(costs):
            free = metric.key == "bits_per_value"
            others = costs if free else [costs[other] for other in fair[place]]
            if math.isnan(cost) or any(other < cost for other in others):
                continue
            if free or place in cheap:
                marks[place][metric.key] = BEST
            elif not any(
                other == cost and its.bits < offers[place].bits
                for other, its in zip(costs, offers, strict=True)
            ):
                marks[place][metric.key] = COSTLIER
    return marks


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


class ResultsModel(QAbstractTableModel):
    """Metrics of every enabled scheme."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        theme: Theme,
        ratio: float = 1.0,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self._ratio = ratio
        self._rows: list[tuple[Entry, Outcome]] = []
        self._figures: dict[int, Figures] = {}
        self._marks: dict[int, Mapping[str, str]] = {}
        session.evaluator.evaluated.connect(self._take)
        session.active_changed.connect(self._refresh)
        settings.digits_changed.connect(self._redefine)
        settings.sqnr_changed.connect(self._redefine)
        session.view.focus_changed.connect(self._take)
        self._take()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 1 + len(COLUMNS)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns after the scheme's, with SQNR in the chosen definition."""
        first = SQNR_COLUMNS.get(self._settings.sqnr, SQNR_COLUMNS["dB"])
        return (first, *_OTHERS)

    def entry(self, row: int) -> Entry | None:
        """Return the scheme of a row."""
        return self._rows[row][0] if 0 <= row < len(self._rows) else None

    def row_of(self, uid: int | None) -> int:
        """Return the row of a scheme, or −1."""
        return next((row for row, (e, _) in enumerate(self._rows) if e.uid == uid), -1)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            # The names of rows stay in sight, however far the others are scrolled.
            return self.data(self.index(section, 0), role)
        if section == 0:
            return self.tr("Scheme") if role == Qt.ItemDataRole.DisplayRole else None
        metric = self.columns[section - 1].metric
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{metric.name} [dB]" if metric.unit == "dB" else metric.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._head_tip(metric)
        return None

    def _head_tip(self, metric: Metric) -> str:
        better = {
            "higher": self.tr("higher is better"),
            "lower": self.tr("lower is better"),
            "zero": self.tr("nearest to 0 is best"),
        }.get(metric.better, "")
        unit = f"[{metric.unit}]" if metric.unit else ""
        notes = ", ".join(part for part in (unit, better) if part)
        return plain_tip(f"{metric.name} = {metric.formula}\n{notes}".strip())

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in ROLES or not index.isValid() or index.row() >= len(self._rows):
            return None
        entry, outcome = self._rows[index.row()]
        if index.column() == 0:
            return self._scheme_data(entry, outcome, role)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if not isinstance(outcome, Evaluation):
            return "–" if role == Qt.ItemDataRole.DisplayRole else None
        column = self.columns[index.column() - 1]
        figures = self._figures[entry.uid]
        value = column.value(figures)
        if isinstance(value, np.ndarray):
            return self._array_data(column.metric, value, role)
        mark = self._marks[entry.uid].get(column.metric.key, "")
        if role == Qt.ItemDataRole.DisplayRole:
            text = self._text(column.metric, value, figures)
            return f"{mark} {text}" if mark else text
        if role == SORT_ROLE:
            return float(value)
        if role == Qt.ItemDataRole.EditRole:
            return full(value)
        if role == Qt.ItemDataRole.FontRole and mark == BEST:
            return bold()
        if role == Qt.ItemDataRole.ToolTipRole:
            number = figures.position(value) if column.metric.position else full(value)
            exact = f"{column.metric.name} = {number} {column.metric.unit}".rstrip()
            return plain_tip(f"{exact}\n{self._about(mark)}".rstrip())
        return None

    def _array_data(self, metric: Metric, values: np.ndarray, role: int) -> Any:
        """Return the range of per-channel parameters."""
        low, high, digits = values.min(), values.max(), self._settings.digits
        if role == Qt.ItemDataRole.DisplayRole:
            ends = tuple(short(end, digits_apart((low, high), digits)) for end in (low, high))
            return ends[0] if low == high else f"{ends[0]} … {ends[1]}"
        if role == SORT_ROLE:
            return float(high)
        if role == Qt.ItemDataRole.EditRole:
            return " ".join(full(value) for value in values.tolist())
        if role == Qt.ItemDataRole.ToolTipRole:
            text = self.tr("%1 of %2 channels or groups, from %3 to %4")
            return plain_tip(filled(text, metric.name, f"{values.size:,}", full(low), full(high)))
        return None

    def _scheme_data(self, entry: Entry, outcome: Outcome, role: int) -> Any:
        noted = not isinstance(outcome, Evaluation) or bool(outcome.warnings)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{entry.name} {WARNED}" if noted else entry.name
        if role in (Qt.ItemDataRole.EditRole, SORT_ROLE):
            return entry.name
        if role == Qt.ItemDataRole.DecorationRole:
            return entry_icon(entry, self._theme, self._ratio)
        if role == Qt.ItemDataRole.ToolTipRole:
            notes = outcome.warnings if isinstance(outcome, Evaluation) else (str(outcome),)
            return plain_tip("\n".join((str(entry.scheme), *notes)))
        if role == Qt.ItemDataRole.FontRole and entry.uid == self._session.active_uid:
            return bold()
        return None

    def _text(self, metric: Metric, value: float, figures: Figures) -> str:
        if math.isnan(value):
            return "–"
        if metric.position:
            return figures.position(value)
        text = short(value, self._settings.digits)
        return f"{text} / {figures.metrics[metric.of]}" if metric.of else text

    def _about(self, mark: str) -> str:
        """Return the meaning of a mark."""
        return {
            BEST: self.tr(
                "Best of the schemes shown that take no more bits, or repay them: 6.02 dB a bit."
            ),
            COSTLIER: self.tr("Better than the schemes shown that take fewer bits."),
        }.get(mark, "")

    def _mark(self) -> None:
        marks = marks_of(self.columns, list(self._figures.values()), self._settings.digits)
        self._marks = dict(zip(self._figures, marks, strict=True))

    def _take(self) -> None:
        rows: list[tuple[Entry, Outcome]] = []
        for entry in self._session.entries:
            outcome = self._session.evaluator.outcome(entry.uid)
            if entry.enabled and outcome is not None:
                rows.append((entry, outcome))
        same = [e.uid for e, _ in rows] == [e.uid for e, _ in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = rows
        self._figures = {e.uid: self._of(o) for e, o in rows if isinstance(o, Evaluation)}
        self._mark()
        if same:
            self._refresh()
        else:
            self.endResetModel()

    def _of(self, evaluation: Evaluation) -> Figures:
        """Return the metrics of all values, or of the channel in focus."""
        focus = self._session.view.focus
        p = evaluation.qparams
        if focus is None:
            return Figures(evaluation, evaluation.metrics, p)
        array, where = self._session.evaluator.snapshot.array, focus.positions
        channels = np.unique(p.granularity.of(where, array.shape))
        own = p.at(int(channels[0])) if channels.size == 1 else p.at(channels)
        return Figures(evaluation, metrics_of(evaluation, where), own)

    def _redefine(self) -> None:
        self._mark()
        self._refresh()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns))

    def _refresh(self) -> None:
        if self._rows:
            corner = self.index(len(self._rows) - 1, len(COLUMNS))
            self.dataChanged.emit(self.index(0, 0), corner)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self._refresh()
