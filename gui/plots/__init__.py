"""One file per plot, and what they share; a new plot is one file and one line here."""

from gui.plots.base import Plot
from gui.plots.calibration import CalibrationPlot
from gui.plots.channels import ChannelsPlot
from gui.plots.codes import CodesPlot
from gui.plots.difference import DifferencePlot
from gui.plots.distribution import DistributionPlot
from gui.plots.error import ErrorPlot
from gui.plots.signal import SignalPlot
from gui.plots.transfer import TransferPlot

PLOTS: tuple[type[Plot], ...] = (
    SignalPlot,
    ErrorPlot,
    DistributionPlot,
    TransferPlot,
    CodesPlot,
    CalibrationPlot,
    ChannelsPlot,
    DifferencePlot,
)
"""Every plot, in the order that menus show."""

__all__ = ["PLOTS", "Plot"]
