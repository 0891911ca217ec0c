"""A bench to try a single plot on, and arrays that are hard to draw."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Scheme
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import LIGHT, apply_theme
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.plot_pane import PlotPane
from quantoscope.gui.plots import PLOTS
from quantoscope.gui.plots.feed import PlotFeed
from quantoscope.gui.workers.background import Background

KEYS = [kind.key for kind in PLOTS]
KINDS = {kind.key: kind for kind in PLOTS}
OF_SCHEMES = ("waterfall", "bits")
"""Plots of schemes by their figures: values are neither shown nor marked in them."""
SHEETS = ("waterfall",)
"""Plots that have no axis along x and do not zoom."""
ZOOMED = [key for key in KEYS if key not in SHEETS]
OF_VALUES = [key for key in KEYS if key not in OF_SCHEMES]
THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
TINY = float(np.finfo(np.float32).smallest_subnormal)


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


CASES = {
    "none": (np.zeros(0), THREE),
    "one": (np.array([0.7]), THREE),
    "three": (np.array([0.21535037, 1.2962357, -1.0161772]), THREE),
    "sixty": (noise(60), THREE),
    "sixty-one": (noise(61), THREE),
    "5000": (noise(5000), THREE),
    "60001": (noise(60_001), THREE),
    "all NaN": (np.full(5, np.nan), THREE),
    "NaN among others": (np.array([1, np.nan, -2, 0.5]), THREE),
    "infinities": (np.array([np.inf, -np.inf, 1, -0.5]), THREE),
    "only infinities": (np.array([np.inf, -np.inf]), THREE),
    "constant": (np.full(16, 0.7), THREE),
    "zeros": (np.zeros(16), THREE),
    "subnormal": (np.arange(-300, 301, 7) * TINY, THREE),
    "huge": (np.array([-3e38, 3e38, 1.0]), THREE),
    "huge, among many": (np.tile(np.array([-3e38, 3e38, 1.0], np.float32), 700), THREE),
    "huge channels": (
        np.tile(np.array([-3e38, 3e38, 1.0], np.float32), 700).reshape(7, 300),
        THREE,
    ),
    "far from 0": (np.linspace(100, 101, 40), THREE),
    "two and sixteen bits": (
        noise(500),
        ("int2 symmetric", "int16 asymmetric", "uint16 symmetric"),
    ),
    "float64": (np.array([1e-300, 2e-300, -1e-300]).astype(np.float64), THREE),
    "float64 at the end of its range": (np.array([-1.7e308, 1.0, 1.7e308, 1e308]), THREE),
    "four axes": (noise(64 * 27).reshape(64, 3, 3, 3), THREE),
    "no scheme": (noise(20), ()),
    "neither": (np.zeros(0), ()),
}


class Bench:
    """One plot in its pane on a session of its own."""

    def __init__(self, qtbot, key, array, schemes, size=(560, 260), theme=LIGHT):
        apply_theme(theme)
        self.background = Background()
        self.session = Session(self.background)
        self.settings = Settings()
        self.feed = PlotFeed(self.session, self.settings)
        self.pane = PlotPane(KINDS[key], self.session, self.feed, theme)
        qtbot.addWidget(self.pane)
        self.qtbot = qtbot
        self.pane.resize(*size)
        self.pane.show()
        array = np.asarray(array)
        if array.dtype != np.float64 or "float64" not in key:
            array = array.astype(np.float32)
        self.open(array, schemes)

    def open(self, array, schemes):
        parsed = [Scheme.parse(text) for text in schemes]
        self.session.start(array, "array", None, parsed)
        uids = [entry.uid for entry in self.session.entries]
        self.session.view.compare_pair((uids[0], uids[1]) if len(uids) > 1 else None)
        self.qtbot.waitUntil(lambda: not self.session.evaluator.stale, timeout=30_000)
        QApplication.processEvents()

    @property
    def plot(self):
        return self.pane.plot

    def picture(self):
        """What a person sees."""
        QApplication.processEvents()
        return self.pane.grab().toImage()

    def items(self, kind):
        """The drawn items of a kind."""
        items = self.plot.item.items
        return [item for item in items if isinstance(item, kind) and item.isVisible()]

    def view(self):
        return self.plot.item.getViewBox()

    def pixel(self, x, y):
        """The point of the viewport where x, y is drawn."""
        scene = self.view().mapViewToScene(QPointF(x, y))
        return self.pane.widget.mapFromScene(scene)

    def mouse(self, kind, at, button=Qt.MouseButton.NoButton, held=Qt.MouseButton.NoButton):
        viewport = self.pane.widget.viewport()
        place = QPointF(at)
        event = QMouseEvent(
            kind, place, viewport.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(viewport, event)
        QApplication.processEvents()

    def move(self, x, y):
        self.mouse(QEvent.Type.MouseMove, self.pixel(x, y))

    def click(self, x, y):
        left = Qt.MouseButton.LeftButton
        at = self.pixel(x, y)
        self.mouse(QEvent.Type.MouseMove, at)
        self.mouse(QEvent.Type.MouseButtonPress, at, left, left)
        self.mouse(QEvent.Type.MouseButtonRelease, at, left)

    def drag(self, start, stop, steps=8, release=True):
        """Press at a point in units of the plot, move to another, and let go."""
        left = Qt.MouseButton.LeftButton
        begin, end = QPointF(self.pixel(*start)), QPointF(self.pixel(*stop))
        self.mouse(QEvent.Type.MouseMove, begin)
        self.mouse(QEvent.Type.MouseButtonPress, begin, left, left)
        for step in range(1, steps + 1):
            at = begin + (end - begin) * (step / steps)
            self.mouse(QEvent.Type.MouseMove, at, held=left)
        if release:
            self.mouse(QEvent.Type.MouseButtonRelease, end, left)
