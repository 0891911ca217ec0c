"""Colours, line styles and icons: one look for widgets, plots and exports, light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtSvg import QSvgRenderer

LINE_STYLES: tuple[tuple[str, Qt.PenStyle], ...] = (
    ("solid", Qt.PenStyle.SolidLine),
    ("dashed", Qt.PenStyle.DashLine),
    ("dotted", Qt.PenStyle.DotLine),
    ("dash-dot", Qt.PenStyle.DashDotLine),
    ("dash-dot-dot", Qt.PenStyle.DashDotDotLine),
)
# pyqtgraph's names; no triangles, which mark clipped values.
MARKERS: tuple[str, ...] = ("o", "s", "d", "p", "h", "star", "+", "x")

# Okabe–Ito, safe for colour-blind eyes: (name, on light ground, on dark ground).
COLOURS: tuple[tuple[str, str, str], ...] = (
    ("vermillion", "#D55E00", "#F08A3C"),
    ("blue", "#0072B2", "#56A5E9"),
    ("green", "#009E73", "#2CC79C"),
    ("purple", "#B0558C", "#DD8FBB"),
    ("orange", "#C98700", "#F0B429"),
    ("sky", "#3A96C9", "#8AD0F5"),
    ("grey", "#6B6B6B", "#A9A9A9"),
)


@dataclass(frozen=True)
class Theme:
    """The colours of one look.

    Attributes
    ----------
    dark : bool
    background, foreground : str
        Ground and neutral ink of plots; the original values R are drawn in the ink.
    muted, grid : str
        Axis text, and grid lines.
    alarm : str
        Unused codes and clipped values.
    window, base, alternate, highlight : str
        Widgets.
    """

    dark: bool
    background: str
    foreground: str
    muted: str
    grid: str
    alarm: str
    window: str
    base: str
    alternate: str
    highlight: str
    selection: str

    def colour(self, index: int) -> QColor:
        """The colour of a scheme by its place in ``COLOURS``."""
        return QColor(COLOURS[index % len(COLOURS)][2 if self.dark else 1])

    def tint(self, colour: QColor | str, alpha: float) -> QColor:
        """A translucent version of a colour, for bands and fills."""
        tinted = QColor(colour)
        tinted.setAlphaF(alpha)
        return tinted


LIGHT = Theme(
    dark=False,
    background="#FFFFFF",
    foreground="#1F2328",
    muted="#57606A",
    grid="#D0D7DE",
    alarm="#C1121F",
    window="#F3F4F6",
    base="#FFFFFF",
    alternate="#F7F8FA",
    highlight="#0B63C5",
    selection="#CFE3F8",
)
DARK = Theme(
    dark=True,
    background="#15181C",
    foreground="#E6EAEE",
    muted="#A0A9B4",
    grid="#3A424C",
    alarm="#FF6B6B",
    window="#2B3037",
    base="#15181C",
    alternate="#1C2025",
    highlight="#5AA2F0",
    selection="#264A70",
)


def system_theme() -> Theme:
    """The look that the desktop asks for; light where it does not say."""
    dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return DARK if dark else LIGHT


def theme_named(name: str) -> Theme:
    """The theme of a setting: ``light``, ``dark``, or else what the system asks for."""
    return {"light": LIGHT, "dark": DARK}.get(name) or system_theme()


def palette(theme: Theme) -> QPalette:
    """The widget palette of a theme, for the Fusion style."""
    role = QPalette.ColorRole
    ink, muted = QColor(theme.foreground), QColor(theme.muted)
    result = QPalette()
    for key, colour in (
        (role.Window, theme.window),
        (role.WindowText, ink),
        (role.Base, theme.base),
        (role.AlternateBase, theme.alternate),
        (role.Text, ink),
        (role.Button, "#3A4149" if theme.dark else theme.window),
        (role.ButtonText, ink),
        (role.BrightText, theme.alarm),
        (role.ToolTipBase, theme.base),
        (role.ToolTipText, ink),
        (role.PlaceholderText, muted),
        (role.Highlight, theme.selection),
        (role.HighlightedText, ink),
        (role.Link, theme.highlight),
        (role.Light, "#4A525C" if theme.dark else "#FFFFFF"),
        (role.Midlight, "#3A4149" if theme.dark else "#E9ECEF"),
        (role.Mid, "#4A525C" if theme.dark else "#C3CAD1"),
        (role.Dark, "#15181C" if theme.dark else "#9AA3AC"),
        (role.Shadow, "#000000" if theme.dark else "#6B747D"),
    ):
        result.setColor(key, QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText):
        disabled = QColor(muted)
        disabled.setAlphaF(0.6)
        result.setColor(QPalette.ColorGroup.Disabled, key, disabled)
    return result


@lru_cache(maxsize=512)
def _svg(name: str, colour: str, pixels: int) -> QPixmap:
    from resources import read_text

    svg = read_text(f"icons/{name}.svg").replace("currentColor", colour)
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    return pixmap


def icon(name: str, theme: Theme) -> QIcon:
    """A line icon in the theme's ink, sharp at 100 % to 300 %."""
    result = QIcon()
    faded = QColor(theme.muted)
    faded.setAlphaF(0.45)
    for pixels in (16, 20, 24, 32, 48, 64):
        result.addPixmap(_svg(name, theme.foreground, pixels), QIcon.Mode.Normal)
        result.addPixmap(_faded(_svg(name, theme.muted, pixels)), QIcon.Mode.Disabled)
    return result


def _faded(pixmap: QPixmap) -> QPixmap:
    result = QPixmap(pixmap.size())
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setOpacity(0.45)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return result


def app_icon() -> QIcon:
    """The program's own icon."""
    from resources import resource_path

    return QIcon(str(resource_path("quantoscope.svg")))


def swatch(colour: QColor, style: Qt.PenStyle, marker: str, size: QSize, ratio: float) -> QPixmap:
    """A sample of a scheme's line with its marker, as lists, tables and legends show it."""
    from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols

    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = size.height() / 2
    painter.setPen(QPen(colour, 2, style, Qt.PenCapStyle.FlatCap))
    painter.drawLine(1, round(middle), size.width() - 1, round(middle))
    painter.translate(size.width() / 2, middle)
    painter.scale(7, 7)
    painter.setPen(QPen(colour, 0.12))
    painter.setBrush(colour)
    painter.drawPath(Symbols[marker])
    painter.end()
    return pixmap
