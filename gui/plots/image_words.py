"""What images say: a sentence on the plane, and the readout of a pixel."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication

from quantoscope.engine.analysis.plane_image import PlaneImage, Quantity
from quantoscope.engine.analysis.plane_lines import TIMES, LineFigures, OutlierLines, median
from quantoscope.engine.analysis.planes import Plane, Region
from quantoscope.engine.text.number_text import position_text
from quantoscope.gui.common.localized_numbers import digits_apart, filled, percent, short
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.image_figures import Lines

LISTED = 6
"""Maximum number of lines that a sentence lists."""
ALIKE = 1.001
"""How many times the least of the peaks the largest may be where they are called the same."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImagePlot", text)


def _db(value: float) -> str:
    return short(round(value, 2), 3)


def _several(outliers: OutlierLines, single_row: bool) -> str:
    """Name the rows or columns that stand out, at the start of a sentence."""
    count = outliers.places.size
    listed = ", ".join(str(at) for at in outliers.places[:LISTED])
    if count == 1:
        text = _tr("Row %1") if outliers.in_rows else _tr("Column %1")
        return filled(_tr("Value #%1") if single_row else text, listed)
    text = _tr("%1 rows (%2)") if outliers.in_rows else _tr("%1 columns (%2)")
    text = _tr("%1 values (#%2)") if single_row else text
    return filled(text, count, listed + (", …" if count > LISTED else ""))


def sentence(data: PlotData, plane: Plane, image: PlaneImage, lines: Lines) -> str:
    """Return the computed sentence on a plane."""
    figures = lines.figures
    if not np.isfinite(figures.columns.peak).any():
        return _tr("No value is finite.")
    if not figures.columns.peak.any():
        return _tr("All values are 0.")
    quantity = image.quantity
    if quantity is Quantity.CLIPPED:
        return _of_clipped(data, plane, image)
    out = lines.outliers
    if quantity in (Quantity.SQNR, Quantity.ERROR):
        return _of_loss(plane, figures.rows, figures.columns, out)
    if out is not None:
        text = _tr("%1 reach |R| %2; the median of %3 is %4.")
        if out.places.size == 1:
            text = _tr("%1 reaches |R| %2; the median of %3 is %4.")
        every = _tr("rows") if out.in_rows else _tr("columns")
        every = _tr("all values") if plane.rows == 1 else every
        named = _several(out, plane.rows == 1)
        if out.cell is not None:
            named = filled(_tr("Value [%1, %2]"), *out.cell)
        return filled(text, named, short(out.peak, 3), every, short(out.ordinary, 3))
    if plane.rows == 1 or plane.columns == 1:
        text = _tr("One column: |R| goes from %1 to %2.")
        if plane.rows == 1:
            text = _tr("One row: |R| goes from %1 to %2.")
        if len(plane.shape) == 1:
            text = _tr("One row, for there is one axis: |R| goes from %1 to %2.")
        return filled(text, *_ends(figures.columns if plane.rows == 1 else figures.rows))
    most = max(_times(figures.rows), _times(figures.columns))
    if most < ALIKE:
        text = _tr("All rows and columns reach about |R| %1.")
        return filled(text, short(float(np.nanmax(figures.rows.peak)), 3))
    ends = *_ends(figures.rows), *_ends(figures.columns)
    text = _tr("Rows reach |R| %1 to %2, columns %3 to %4.")
    if most < TIMES:
        text = _tr("No row or column stands out: rows reach |R| %1 to %2, columns %3 to %4.")
    return filled(text, *ends)


def _times(figures: LineFigures) -> float:
    """Return how many times the least of the peaks the largest one is."""
    peak = figures.peak[np.isfinite(figures.peak) & (figures.peak > 0)]
    with np.errstate(over="ignore"):
        return float(peak.max() / peak.min()) if peak.size else 1.0


def _ends(figures: LineFigures) -> tuple[str, str]:
    """Return the least and the largest peak, in as many digits as tell them apart."""
    peak = figures.peak[np.isfinite(figures.peak)]
    ends = float(peak.min()), float(peak.max())
    digits = digits_apart(ends, 3)
    return short(ends[0], digits), short(ends[1], digits)


def _of_loss(
    plane: Plane, rows: LineFigures, columns: LineFigures, out: OutlierLines | None
) -> str:
    """Say how SQNR is spread over rows and columns."""
    if out is not None:
        text = _tr("%1 keep %2 dB; all the others together %3 dB.")
        if out.places.size == 1:
            text = _tr("%1 keeps %2 dB; all the others together %3 dB.")
        return filled(text, _several(out, plane.rows == 1), _db(out.sqnr), _db(out.others))
    # The axis along which SQNR differs more.
    spreads = []
    for in_rows, figures in ((True, rows), (False, columns)):
        sqnr = figures.sqnr
        known = np.flatnonzero(np.isfinite(sqnr))
        if known.size and figures.single:
            middle = median(sqnr[known])
            worst = int(known[sqnr[known].argmin()])
            spreads.append((middle - float(sqnr[worst]), in_rows, worst, sqnr[worst], middle))
    if not spreads:
        return _tr("No row or column has an error.")
    _, in_rows, worst, least, middle = max(spreads)
    if plane.rows == 1:
        text = _tr("Value #%1 keeps least, %2 dB; the median value keeps %3 dB.")
    elif in_rows:
        text = _tr("Row %1 keeps least, %2 dB; the median row keeps %3 dB.")
    else:
        text = _tr("Column %1 keeps least, %2 dB; the median column keeps %3 dB.")
    return filled(text, worst, _db(float(least)), _db(middle))


def _of_clipped(data: PlotData, plane: Plane, image: PlaneImage) -> str:
    assert data.active is not None
    count = sum(data.active.evaluation.totals.clipped)
    if not count:
        return _tr("No value is clipped.")
    size = np.abs(image.values[np.isfinite(image.values)])
    text = _tr("%1 of %2 values are clipped (%3); in this image by up to %4 S.")
    total = data.whole.size
    most = short(float(size.max(initial=0.0)), 3)
    return filled(text, f"{count:,}", f"{total:,}", percent(count, total), most)


def readout(data: PlotData, plane: Plane, image: PlaneImage, cells: Region, position: int) -> str:
    """Return what a pixel shows, and the stages of the value that stands for it."""
    r0, r1, c0, c1 = cells
    lines = []
    if (r1 - r0) * (c1 - c0) > 1:
        row = int(np.searchsorted(image.row_edges, r0, "right")) - 1
        column = int(np.searchsorted(image.column_edges, c0, "right")) - 1
        text = _tr("rows %1…%2, columns %3…%4: %5")
        value = short(float(image.values[row, column]), 4)
        if image.quantity is Quantity.SQNR:
            value = f"SQNR {value} dB"
        lines.append(filled(text, r0, r1 - 1, c0, c1 - 1, value))
    where = np.array([position])
    name = f"#{position_text(position, data.whole.shape)}"
    value = data.whole.reshape(-1)[position]
    first = f"{name}   R {data.number(value)}"
    if data.active is None:
        return "\n".join([*lines, first])
    e = data.active.evaluation
    p = e.qparams.at(int(e.qparams.granularity.of(where, data.whole.shape)[0]))
    part = e.part(where)
    side = {1: "▼ ", -1: "▲ "}.get(int(part.saturated[0]), "")
    error = float(part.error[0])
    with np.errstate(all="ignore"):
        scaled = float(value / p.working_divisor)
        steps = float(np.float64(error) / abs(float(p.working_scale)))
    code = f"{side}Q {p.format.label(int(part.codes[0]))}"
    lines += [
        first,
        f"S {short(float(p.scale), data.digits)}   R/S {short(scaled, 4)}   {code}",
        f"R′ {data.number(part.reconstructed[0])}   {_tr('error')} {short(error, 4)}"
        f" = {short(steps, 3)} S",
    ]
    return "\n".join(lines)
