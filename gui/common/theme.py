"""Colours, line styles and icons of widgets, plots and exports, light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QIcon,
    QIconEngine,
    QPainter,
    QPalette,
    QPen,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

LINE_STYLES: tuple[tuple[str, Qt.PenStyle], ...] = (
    ("solid", Qt.PenStyle.SolidLine),
    ("dashed", Qt.PenStyle.DashLine),
    ("dotted", Qt.PenStyle.DotLine),
    ("dash-dot", Qt.PenStyle.DashDotLine),
    ("dash-dot-dot", Qt.PenStyle.DashDotDotLine),
)
# pyqtgraph's marker names, without triangles, which mark clipped values.
NEUTRALS = (1.0, 0.5, 0.75, 0.35)
"""Strengths of the foreground, for what is told apart without a scheme's colour."""
MARKERS: tuple[str, ...] = ("o", "s", "d", "p", "h", "star", "+", "x")

# Okabe–Ito, distinguishable for colour-blind users: (name, on light, on dark background).
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
    """Colours of a light or dark theme."""

    dark: bool
    background: str
    foreground: str
    """Background and neutral ink of plots; R is drawn in the ink."""
    muted: str
    grid: str
    """Axis text, and grid lines."""
    alarm: str
    """Unused codes and clipped values."""
    window: str
    base: str
    alternate: str
    highlight: str
    selection: str
    """Widgets."""
    outline: str
    """Outlines of buttons and fields."""

    def colour(self, index: int) -> QColor:
        """Return a scheme's colour by its index in ``COLOURS``."""
        return QColor(COLOURS[index % len(COLOURS)][2 if self.dark else 1])

    def neutral(self, number: int) -> QColor:
        """Return the ink of what is no scheme, such as a cause; a marker is its other cue."""
        return self.washed(self.foreground, NEUTRALS[number % len(NEUTRALS)])

    def tint(self, colour: QColor | str, alpha: float) -> QColor:
        """Return a translucent colour, for bands and fills."""
        tinted = QColor(colour)
        tinted.setAlphaF(alpha)
        return tinted

    def washed(self, colour: QColor | str, alpha: float) -> QColor:
        """Return the opaque colour that a translucent one makes on the background."""
        over, under = QColor(colour), QColor(self.background)

        def mixed(top: int, ground: int) -> int:
            return round(alpha * top + (1 - alpha) * ground)

        return QColor(
            mixed(over.red(), under.red()),
            mixed(over.green(), under.green()),
            mixed(over.blue(), under.blue()),
        )


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
    outline="#6E747B",
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
    outline="#727980",
)


def system_theme() -> Theme:
    """Return the desktop's theme; light if it is unknown."""
    dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return DARK if dark else LIGHT


def theme_named(name: str) -> Theme:
    """Return the theme of a setting: ``light``, ``dark``, or else the system's."""
    return {"light": LIGHT, "dark": DARK}.get(name) or system_theme()


def palette(theme: Theme) -> QPalette:
    """Return the widget palette of a theme, for the Fusion style."""
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
    for key in (role.WindowText, role.Text, role.ButtonText, role.PlaceholderText):
        disabled = QColor(muted)
        disabled.setAlphaF(0.6)
        result.setColor(QPalette.ColorGroup.Disabled, key, disabled)
    return result


def apply_theme(theme: Theme) -> None:
    """Apply a theme to all widgets except menus, for which see ``outlined``."""
    QApplication.setPalette(palette(theme))
    listed, field = outlined(theme), outlined(theme)
    field.setColor(QPalette.ColorRole.Highlight, QColor(theme.highlight))
    field.setColor(QPalette.ColorRole.HighlightedText, QColor(theme.base))
    fields = ("QAbstractButton", "QComboBox", "QAbstractSpinBox", "QLineEdit")
    for name, controls in {**dict.fromkeys(fields, field), "QListView": listed}.items():
        QApplication.setPalette(controls, name)  # type: ignore[arg-type]  # bytes are refused


def outlined(theme: Theme) -> QPalette:
    """Return a palette with visible outlines of widgets or check boxes.

    Fusion derives outlines by darkening the window colour, and with focus that of selections. Use
    it for widgets that paint nothing else with the window colour. It is set on each menu: the
    palette of their class would also apply to combo box lists, which do.
    """
    result = palette(theme)
    for state in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
        result.setColor(state, QPalette.ColorRole.Window, QColor(theme.outline).lighter(140))
    return result


def inked(colour: str) -> QPalette:
    """Return a palette that changes only the text colour."""
    result = QPalette()
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text):
        result.setColor(role, QColor(colour))
    return result


class LineIcon(QIconEngine):
    """A line icon in a theme's ink, drawn on demand and sharp at every size."""

    _clones: ClassVar[list[QIconEngine]] = []

    def __init__(self, name: str, theme: Theme) -> None:
        super().__init__()
        self._name, self._theme = name, theme

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        side = round(min(size.width(), size.height()) * scale)
        if mode == QIcon.Mode.Disabled:
            return _drawn(self._name, self._theme.muted, side, 0.45)
        return _drawn(self._name, self._theme.foreground, side)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        side = min(rect.width(), rect.height())
        square = QRect(0, 0, side, side)
        square.moveCenter(rect.center())
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(square, self.scaledPixmap(square.size(), mode, state, ratio))

    def clone(self) -> QIconEngine:
        copy = LineIcon(self._name, self._theme)
        # Qt owns the copy, but PySide does not know: without a reference it would be freed.
        self._clones.append(copy)
        return copy


@lru_cache(maxsize=512)
def _drawn(name: str, colour: str, side: int, opacity: float = 1.0) -> QPixmap:
    from quantoscope.resources import read_text

    svg = read_text(f"icons/{name}.svg").replace("currentColor", colour)
    full = QPixmap(side, side)
    full.fill(Qt.GlobalColor.transparent)
    painter = QPainter(full)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, side, side))
    painter.end()
    if opacity == 1.0:
        return full
    faded = QPixmap(side, side)
    faded.fill(Qt.GlobalColor.transparent)
    painter = QPainter(faded)
    painter.setOpacity(opacity)
    painter.drawPixmap(0, 0, full)
    painter.end()
    return faded


def icon(name: str, theme: Theme) -> QIcon:
    """Return a line icon in the theme's ink."""
    return QIcon(LineIcon(name, theme))


def app_icon() -> QIcon:
    """Return the application icon."""
    from quantoscope.resources import resource_path

    return QIcon(str(resource_path("quantoscope.svg")))


def swatch(colour: QColor, style: Qt.PenStyle, marker: str, size: QSize, ratio: float) -> QPixmap:
    """Return a sample of a scheme's line and marker, as in lists, tables and legends."""
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
