"""Description of the range that a plot shows, if it is not the full range."""

from __future__ import annotations

import math
from collections.abc import Mapping

from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.export.files import translated
from quantoscope.gui.export.spec import Look, Span
from quantoscope.gui.plots import PLOTS, Plot
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.spans import padded, power

POSITION, VALUE, THRESHOLD = "position", "value", "log threshold"
NEGLIGIBLE = 1e-9


def looks_of(plots: Mapping[str, Plot]) -> dict[str, Look]:
    """Return ranges and options of a window's plots, by key.

    A plot that has not been drawn yet has the range of its linked plot.
    """
    # A range that follows the data does so in the figure too.
    looks = {
        key: Look(*plot.look, tuple(plot.chosen_options.items()))
        for key, plot in plots.items()
        if plot.data is not None
    }
    for kind in PLOTS:
        leader = next(other for other in PLOTS if other.x_quantity == kind.x_quantity)
        if kind.key not in looks and leader.key in looks:
            looks[kind.key] = Look(looks[leader.key].x)
    return looks


def part_shown(plot: Plot, data: PlotData, look: Look) -> str:
    """Describe the visible range of a drawn plot; empty if it shows everything."""
    (x0, x1), (y0, y1) = plot.seen
    across = look.x is not None and _cuts((x0, x1), plot.x_range(data))
    upwards = look.y is not None and _cuts((y0, y1), plot.y_range(data, x0, x1))
    if not (across or upwards):
        return ""
    ends = _ends(plot, data, x0, x1) if across else ()
    text = translated(_NAMED[plot.x_quantity]) if ends else translated("A part is shown")
    text = filled(text, *ends)
    return filled(translated("%1; the sentence above is about all values."), text)


_NAMED = {
    POSITION: "Shown: positions %1 to %2 of %3",
    VALUE: "Shown: values from %1 to %2",
    THRESHOLD: "Shown: thresholds from %1 to %2",
}


def _cuts(shown: Span, whole: Span) -> bool:
    """Return whether part of the full range is not visible, allowing for margins."""
    low, high = whole if whole[0] < whole[1] else padded(*whole)
    slack = NEGLIGIBLE * (high - low)
    return shown[0] > low + slack or shown[1] < high - slack


def _ends(plot: Plot, data: PlotData, x0: float, x1: float) -> tuple[str, ...]:
    """Return the ends of the range as text; empty if they are not informative."""
    if plot.x_quantity not in _NAMED:
        return ()
    if plot.x_quantity == POSITION:
        last = data.values.size - 1
        first, final = max(math.ceil(x0), 0), min(math.floor(x1), last)
        return (f"{first:,}", f"{final:,}", f"0…{last:,}") if first <= final else ()
    if plot.x_quantity == THRESHOLD:
        x0, x1 = power(x0), power(x1)
    return short(x0, min(data.digits, 4)), short(x1, min(data.digits, 4))
