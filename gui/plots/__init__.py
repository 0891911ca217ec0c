"""The plots, one file each, and their registry; a new plot is one file and one line here."""

from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.bits import BitsPlot
from quantoscope.gui.plots.calibration import CalibrationPlot
from quantoscope.gui.plots.channels import ChannelsPlot
from quantoscope.gui.plots.codes import CodesPlot
from quantoscope.gui.plots.difference import DifferencePlot
from quantoscope.gui.plots.distribution import DistributionPlot
from quantoscope.gui.plots.error import ErrorPlot
from quantoscope.gui.plots.image import ImageBesidePlot, ImagePlot
from quantoscope.gui.plots.number_line import NumberLinePlot
from quantoscope.gui.plots.signal import SignalPlot
from quantoscope.gui.plots.transfer import TransferPlot
from quantoscope.gui.plots.why import WhyPlot

PLOTS: tuple[type[Plot], ...] = (
    NumberLinePlot,
    ImagePlot,
    ImageBesidePlot,
    SignalPlot,
    ErrorPlot,
    DistributionPlot,
    CalibrationPlot,
    ChannelsPlot,
    TransferPlot,
    CodesPlot,
    DifferencePlot,
    WhyPlot,
    BitsPlot,
)
"""Every plot, in the order of menus and tabs."""
PLOT = {kind.key: kind for kind in PLOTS}

__all__ = ["PLOT", "PLOTS", "Plot"]
