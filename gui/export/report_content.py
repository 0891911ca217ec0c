"""Contents of a report: data, schemes, metrics, warnings, comparison, figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from quantoscope.engine import Comparison, Evaluation, __version__
from quantoscope.engine.analysis.comparison import Compared
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.schemes.scheme import Scheme
from quantoscope.gui.common.localized_numbers import (
    digits_apart,
    filled,
    full,
    of_data,
    parts,
    percent,
    short,
)
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.document.snapshot import Snapshot
from quantoscope.gui.export.files import translated
from quantoscope.gui.export.panel import plot_names
from quantoscope.gui.export.presets import paper_height
from quantoscope.gui.export.report import (
    Cell,
    Figure,
    Listing,
    Paragraph,
    Report,
    ReportBlock,
    Section,
    Table,
    pairs,
    text_row,
)
from quantoscope.gui.export.report_reference import Source, commands, definitions, versions
from quantoscope.gui.export.spec import FigureSpec, Look
from quantoscope.gui.models.results import BEST, COLUMNS, COSTLIER, Column, Figures, marks_of
from quantoscope.gui.plots.data import PlotData

FIGURE_WIDTH, FIGURE_POINTS = 180.0, 8.5
USUAL_PLOTS = ("signal", "error", "distribution", "codes")
PIECE = 1 << 20
"""Values processed at once, in float64."""


def make_report(
    source: Source,
    kept: Snapshot,
    data: PlotData,
    plots: tuple[str, ...],
    when: datetime,
    looks: Mapping[str, Look] | None = None,
) -> Report:
    """Create a report on a snapshot, with figures of ``data``, which has the same contents.

    The figures are the plots of these keys, with the ranges and options in ``looks``.
    """
    schemes = [entry.scheme for entry, _ in kept.results]
    sections = [
        Section(translated("Data"), _data(source, kept, data.digits)),
        Section(translated("Schemes"), _schemes(kept)),
        Section(translated("Results"), _results(kept, data.digits)),
        Section(translated("Warnings"), _warnings(kept)),
        Section(translated("Comparison"), _comparison(data)),
        Section(translated("Figures"), _figures(data, plots, looks or {})),
        Section(translated("Definitions"), definitions()),
        Section(translated("How to reproduce"), commands(source, schemes, plots)),
        Section(translated("Versions"), versions(schemes)),
    ]
    filled_in = tuple(section for section in sections if section.blocks)
    title = filled(translated("Quantization of %1"), source.title)
    return Report(title, when, f"Quantoscope {__version__}", filled_in)


# Data


def _data(source: Source, kept: Snapshot, digits: int) -> tuple[ReportBlock, ...]:
    array, summary = kept.array, kept.summary
    rows: list[tuple[str, Cell]] = []
    if source.path is not None:
        rows.append((translated("File"), Cell(plain(source.path.name))))
    if source.tensor:
        rows.append((translated("Tensor"), Cell(plain(source.tensor))))
    shape = " × ".join(str(length) for length in array.shape)
    kind = array.dtype.name
    if source.dtype not in ("", kind):
        kind = filled(translated("%1 (processed as %2)"), source.dtype, kind)
    rows += [
        (translated("Shape"), Cell(shape)),
        (translated("Values"), Cell(f"{array.size:,}")),
        (translated("Type"), Cell(kind)),
        ("NaN", Cell(f"{summary.nan_count:,}")),
        ("±∞", Cell(f"{summary.inf_count:,}")),
    ]
    zeros, std = measured(array, summary.mean, max(abs(summary.low), abs(summary.high)))
    rows.append((translated("Zeros"), Cell(f"{zeros:,}")))
    for name, number in (
        (translated("Minimum"), summary.low),
        (translated("Maximum"), summary.high),
        (translated("Mean"), summary.mean),
        (translated("Standard deviation"), std),
    ):
        text = of_data(number, summary, digits) if not math.isnan(number) else "–"
        rows.append((name, Cell(text, full(number))))
    blocks: list[ReportBlock] = [pairs(rows)]
    if summary.nan_count or summary.inf_count:
        text = "Minimum, maximum, mean and standard deviation are those of the finite values."
        blocks.append(Paragraph(translated(text)))
    if source.path is not None and source.changed:
        blocks.append(Paragraph(translated("The values were edited since the file was read.")))
    return tuple(blocks)


def measured(array: FloatArray, mean: float, reach: float) -> tuple[int, float]:
    """Return the number of zeros and the standard deviation of the finite values, in float64.

    The array has any shape; ``mean`` is that of its finite values, NaN if there are none. Values
    are divided by the largest magnitude, ``reach``, before squaring, against overflow.
    """
    flat = array.reshape(-1)
    zeros = finite = 0
    total = 0.0
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE].astype(np.float64)
        piece = piece[np.isfinite(piece)]
        zeros += int(np.count_nonzero(piece == 0))
        finite += piece.size
        if reach > 0:
            total += float(np.sum((piece / reach - mean / reach) ** 2))
    return zeros, math.sqrt(total / finite) * max(reach, 0.0) if finite else math.nan


def _number(value: float, digits: int) -> Cell:
    return Cell(short(value, digits) if not math.isnan(value) else "–", full(value))


# Schemes


def _schemes(kept: Snapshot) -> tuple[ReportBlock, ...]:
    rows = []
    for entry, _ in kept.results:
        name = (
            f"{entry.name} {translated('(active)')}" if entry.uid == kept.active_uid else entry.name
        )
        rows.append(
            (Cell(name), Cell(str(entry.scheme), code=True), Cell(_arithmetic(entry.scheme)))
        )
    if not rows:
        return (Paragraph(translated("No scheme is switched on.")),)
    heads = text_row((translated("Name"), translated("Scheme"), translated("Arithmetic")))
    return (Table(heads, tuple(rows), 3),)


def _arithmetic(scheme: Scheme) -> str:
    """Return the arithmetic that a scheme follows, and what it was verified against."""
    if scheme.follows is not None:
        return f"{scheme.follows.title}: {scheme.follows.status}"
    return scheme.format.source or translated("the textbook's")


def _results(kept: Snapshot, digits: int) -> tuple[ReportBlock, ...]:
    """Return metrics as rows, schemes as columns."""
    made = [
        (entry, Figures(outcome, outcome.metrics, outcome.qparams))
        for entry, outcome in kept.results
        if isinstance(outcome, Evaluation)
    ]
    if not made:
        return ()
    marks = marks_of(COLUMNS, [figures for _, figures in made], digits)
    rows = []
    for column in COLUMNS:
        cells = [
            _metric(column, figures, own, digits)
            for (_, figures), own in zip(made, marks, strict=True)
        ]
        metric = column.metric
        rows.append((Cell(metric.name), Cell(metric.unit), *cells))
    heads = text_row((translated("Metric"), translated("Unit"), *(e.name for e, _ in made)))
    blocks: list[ReportBlock] = [Table(heads, tuple(rows), 2)]
    used = {mark for own in marks for mark in own.values()}
    for mark, text in (
        (
            BEST,
            translated(
                "%1 marks the best of each row among the schemes of the fewest bits, and those "
                "that repay more bits at 6.02 dB each."
            ),
        ),
        (COSTLIER, translated("%1 marks what is better than that, at more bits.")),
    ):
        if mark in used:
            blocks.append(Paragraph(filled(text, mark)))
    return tuple(blocks)


def _metric(column: Column, figures: Figures, marks: Mapping[str, str], digits: int) -> Cell:
    metric, value = column.metric, column.value(figures)
    if isinstance(value, np.ndarray):
        return _spread(value, digits)
    cell = _number(value, digits)
    if metric.position:
        return Cell(figures.position(value), cell.exact)
    text = f"{cell.text} / {figures.metrics[metric.of]}" if metric.of else cell.text
    return Cell(text, cell.exact, mark=marks.get(metric.key, ""))


def _spread(values: Any, digits: int) -> Cell:
    """Return the range of per-channel parameters."""
    low, high = values.min(), values.max()
    ends = tuple(short(end, digits_apart((low, high), digits)) for end in (low, high))
    text = ends[0] if low == high else f"{ends[0]} … {ends[1]}"
    exact = translated("%1 channels or groups, from %2 to %3")
    return Cell(text, filled(exact, f"{values.size:,}", full(low), full(high)))


def _warnings(kept: Snapshot) -> tuple[ReportBlock, ...]:
    notes = []
    for entry, outcome in kept.results:
        found = outcome.warnings if isinstance(outcome, Evaluation) else (str(outcome),)
        notes += [f"{entry.name}: {note}" for note in found]
        if entry.uid in kept.attributions:
            notes.append(f"{entry.name}: {kept.attributions[entry.uid]}")
    return (Listing(tuple(notes)),) if notes else ()


SHARES = (
    "A choice's share is its mean effect on the value over all orders of "
    "making the choices (Shapley value)."
)


def _comparison(data: PlotData) -> tuple[ReportBlock, ...]:
    """Return the comparison of the pair; empty if there is none."""
    made = data.comparison
    if made is None or len(data.pair) != 2:
        return ()
    first, second = (entry.name for entry in data.pair)
    blocks: list[ReportBlock] = [Paragraph(_outcome(made, first, second, data.digits))]
    causes = (*made.causes, *made.unequal)
    if causes:
        heads = text_row(
            (translated("Cause"), first, second, translated("Values"), translated("Share"))
        )
        rows = tuple(
            (
                *text_row((cause.title, cause.first, cause.second)),
                Cell(parts(cause.share)),
                Cell(percent(cause.share, made.differs.size) if cause.share else "–"),
            )
            for cause in causes
        )
        blocks.append(Table(heads, rows, 3))
        if len(made.causes) > 1 and isinstance(made, Comparison):
            blocks.append(Paragraph(translated(SHARES)))
    if made.count_together:
        text = translated("%1 of the values that differ take two choices or more at once.")
        blocks.append(Paragraph(filled(text, f"{made.count_together:,}")))
    return tuple(blocks)


def _outcome(made: Comparison, first: str, second: str, digits: int) -> str:
    what = (
        translated("codes")
        if made.compared is Compared.CODES
        else translated("reconstructed values")
    )
    total = f"{made.differs.size:,}"
    if made.count == 0:
        return filled(
            translated("%1 and %2: none of the %3 %4 differs."), first, second, total, what
        )
    apart = short(made.largest_step, digits)
    if made.in_codes:
        one = made.largest_step == 1
        apart = translated("1 code") if one else filled(translated("%1 codes"), apart)
    return filled(
        translated("%1 and %2: %3 of %4 %5 differ (%6), by up to %7."),
        first, second, f"{made.count:,}", total, what,
        percent(made.count, made.differs.size), apart,
    )  # fmt: skip


def _figures(
    data: PlotData, plots: tuple[str, ...], looks: Mapping[str, Look]
) -> tuple[ReportBlock, ...]:
    height, names = paper_height(FIGURE_WIDTH, 1), plot_names()
    blocks: list[ReportBlock] = []
    if data.focus_name and plots:
        text = translated("The figures show %1 alone; all else is about all values.")
        blocks.append(Paragraph(filled(text, data.focus_name)))
    for key in plots:
        spec = FigureSpec(
            (key,), FIGURE_WIDTH, height, points=FIGURE_POINTS, looks=looks, grows=True
        )
        blocks.append(Figure(key, names[key], spec, data))
    return tuple(blocks)
