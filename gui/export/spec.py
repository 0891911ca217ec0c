"""Specification of a figure: plots, size and look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from quantoscope.gui.common.theme import LIGHT, Theme

MM_PER_INCH = 25.4
SVG_PIXELS_PER_INCH = 96
PAGE_HEIGHT = 247.0
"""Height in mm up to which a figure becomes higher by itself."""
MIN_DPI, MAX_DPI = 30, 2400
MIN_POINTS, MAX_POINTS, USUAL_POINTS = 4.0, 72.0, 8.5

Unit = Literal["mm", "in", "px"]
UNITS: tuple[Unit, ...] = ("mm", "in", "px")
Span = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """Visible ranges and options of a plot."""

    x: Span | None = None
    y: Span | None = None
    """Visible range in data coordinates, or their logarithms; None for the full range."""
    options: tuple[tuple[str, str], ...] = ()
    """Keys of the plot's options and of their values."""


@dataclass(frozen=True)
class FigureSpec:
    """Specification of a figure."""

    plots: tuple[str, ...]
    """Keys of the plots, row by row."""
    width: float = 180.0
    height: float = 120.0
    unit: Unit = "mm"
    """``"mm"``, ``"in"``, or ``"px"``: pixels of a PNG, CSS pixels (1/96 inch) of an SVG or PDF."""
    dpi: int = 300
    """Pixels per inch of a PNG, and of dense layers in an SVG or PDF."""
    theme: Theme = LIGHT
    mark_chosen: bool = False
    """Whether the chosen value is marked."""
    points: float = USUAL_POINTS
    """Text size in points; titles, pens, symbols and margins scale with it."""
    looks: Mapping[str, Look] = field(default_factory=dict)
    """Looks by plot key; other plots show the full range."""
    titles: bool = True
    sentences: bool = True
    legend: bool = True
    """Whether plots have their titles and sentences, and the figure its legend."""
    letters: bool = True
    """Whether several plots are named (a), (b), …"""
    columns: int = 1
    """Number of plots side by side."""
    grows: bool = False
    """Whether it becomes higher, up to a page, where something would be left out."""

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """Keys of the plots in each row."""
        across = max(1, self.columns)
        return [self.plots[at : at + across] for at in range(0, len(self.plots), across)]

    def inches(self, raster: bool) -> tuple[float, float]:
        """Return the physical width and height."""
        per_inch = units_per_inch(self.unit, self.dpi if raster else SVG_PIXELS_PER_INCH)
        return self.width / per_inch, self.height / per_inch

    def pixels(self) -> tuple[int, int]:
        """Width and height of a PNG in pixels."""
        width, height = self.inches(raster=True)
        return max(1, round(width * self.dpi)), max(1, round(height * self.dpi))


def units_per_inch(unit: Unit, pixels: float) -> float:
    """Return the number of units per inch; ``pixels`` for pixels."""
    return {"mm": MM_PER_INCH, "in": 1.0, "px": float(pixels)}[unit]
