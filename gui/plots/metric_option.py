"""Plots of schemes by SQNR: of all values, or without the few that set the range."""

from __future__ import annotations

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.options import Option

ALL, OTHERS = "all", "others"
METRIC = Option("metric", "Metric", ((ALL, "All values"),))


class MetricPlot(Plot):
    """A plot with the option to leave out the few values that set the range."""

    of_all_values = True

    @classmethod
    def takes(cls, key: str, choice: str) -> bool:
        return (key, choice) == (METRIC.key, OTHERS) or super().takes(key, choice)

    def choices_of(self, option: Option) -> tuple[tuple[str, str], ...]:
        few = None
        if option is METRIC and self.data is not None and self.data.verdict is not None:
            few = self.data.verdict.few
        if few is None:
            return option.choices
        text = self.tr("Without the %1 values that set the range")
        if few.count == 1:
            text = self.tr("Without the value that sets the range")
        return (*option.choices, (OTHERS, filled(text, few.count)))

    def others(self, data: PlotData) -> bool:
        """Whether the figures leave out the few values that set the range."""
        few = data.verdict.few if data.verdict is not None else None
        return few is not None and self.chosen_options[METRIC.key] == OTHERS
